"""The main job on a real Dagster instance: what is recorded, and what the gate holds back."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg
import pytest

from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.tables import TABLES
from feedback_assets.definitions import build_defs
from feedback_assets.gold import model_file
from feedback_assets.gold.examples import read_examples
from feedback_assets.gold.model_store import CURRENT
from feedback_assets.gold.training import train
from feedback_assets.launch import QUIET
from feedback_assets.orchestration.instance import open_instance
from feedback_assets.orchestration.jobs import feedback_to_tickets, train_classifier
from feedback_assets.orchestration.ranges import cover
from feedback_assets.pipeline.assets import Compute
from feedback_assets.pipeline.gate import contract_check_name
from feedback_assets.pipeline.step import Step, StepReport
from resources.compute.connect import SailEngine
from resources.lakehouse.delta import DeltaLakehouse
from resources.settings import Settings
from tests.conftest import DAY, Land, PutOnRecord, ticket

COMPLAINTS = [
    "Your app crashes every time I open my cart since the update and I lost all my data",
    "I was charged twice for the same order and nobody has refunded me, this is outrageous",
    "The whole shop has been down since this morning, nothing loads and I cannot order",
]
GOOD, BAD = Partition(DAY, "zendesk"), Partition(DAY + dt.timedelta(days=1), "zendesk")
MADE = feedback_to_tickets.name


class Spoiling(Compute):
    """Compute that, once `step` is committed, commits the bad partition's rows a second time."""

    step: str | None = None

    def run(self, step: Step, partitions: Sequence[Partition], run_id: str) -> StepReport:
        report = super().run(step, partitions, run_id)
        if step.name == self.step:
            lakehouse = self.runtime(run_id).lakehouse
            where = f"day = '{BAD.day}' AND source = '{BAD.source}'"
            again = lakehouse.scan(step.name, predicate=where).read_all()
            lakehouse.append(TABLES[step.name], again.to_batches())
        return report


class Shop:
    """The job, its tables and its instance."""

    def __init__(self, settings: Settings, engine: SailEngine, instance: dg.DagsterInstance):
        self.compute = Spoiling(settings, engine)
        self.instance = instance
        self._defs = build_defs(compute=self.compute)

    def run(
        self, *partitions: Partition, only: Sequence[str] | None = None
    ) -> dg.ExecuteInProcessResult:
        (span,) = cover(partitions)
        alone = len(partitions) == 1
        return self._defs.resolve_job_def(MADE).execute_in_process(
            instance=self.instance,
            partition_key=partitions[0].key if alone else None,
            tags=None if alone else span.tags,
            asset_selection=None if only is None else [dg.AssetKey(name) for name in only],
            run_config=QUIET,
            raise_on_error=False,
        )

    def evaluate(self) -> dg.ExecuteInProcessResult:
        """Judge what is in force on the golden set."""
        return self._defs.resolve_job_def(train_classifier.name).execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey("golden_evaluation")],
            run_config=QUIET,
            raise_on_error=False,
        )

    def made(self, asset: str) -> set[str]:
        """Partitions Dagster counts as materialized."""
        return set(self.instance.get_materialized_partitions(dg.AssetKey(asset)))

    def verdicts(self, table: str) -> dict[str | None, tuple[str, bool]]:
        """By partition, the latest verdict, and whether it is about the partition's latest rows."""
        key = dg.AssetCheckKey(dg.AssetKey(table), contract_check_name(table))
        found = self.instance.event_log_storage.get_asset_check_partition_info([key])
        return {
            info.partition_key: (info.latest_execution_status.value, info.is_current)
            for info in found
        }

    def tickets_of(self, partition: Partition) -> int:
        """Items of a partition that stand in a ticket."""
        lakehouse = self.compute.runtime("-").lakehouse
        lakehouse.ensure(TABLES["ticket_items"])
        where = f"day = '{partition.day}' AND source = '{partition.source}'"
        return int(lakehouse.scan("ticket_items", predicate=where).read_all().num_rows)


@pytest.fixture
def shop(
    settings: Settings,
    engine: SailEngine,
    models_folder: Path,
    land: Land,
    put_on_record: PutOnRecord,
) -> Iterator[Shop]:
    settings = settings.model_copy(update={"automation": "all"})
    settings.home.mkdir(parents=True)
    settings.models_folder.symlink_to(models_folder)
    for partition in (GOOD, BAD):
        first = partition.day.day * 100
        land(
            partition.source,
            [
                ticket(first + n, f"{text}. Day {partition.day}")
                for n, text in enumerate(COMPLAINTS)
            ],
            partition.day,
        )
    put_on_record(DeltaLakehouse(settings.lakehouse_root))
    with open_instance(settings) as instance:
        yield Shop(settings, engine, instance)


def failures(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """By failed step, its error with the errors behind it."""
    found = {}
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            messages = []
            while error is not None:
                messages.append(error.message)
                error = error.cause
            found[str(event.step_key)] = " <- ".join(messages)
    return found


def test_one_partition(shop: Shop) -> None:
    result = shop.run(GOOD)
    assert result.success, failures(result)
    assert shop.tickets_of(GOOD) > 0
    for name in made_tables(result):
        assert shop.made(name) == {GOOD.key}
        assert shop.verdicts(name) == {GOOD.key: ("SUCCEEDED", True)}


def made_tables(result: dg.ExecuteInProcessResult) -> list[str]:
    made = [key.to_user_string() for key in result.job_def.asset_layer.selected_asset_keys]
    assert len(made) >= 13
    return made


def test_a_range(shop: Shop) -> None:
    result = shop.run(GOOD, BAD)
    assert result.success, failures(result)
    for partition in (GOOD, BAD):
        assert shop.tickets_of(partition) > 0
    for name in made_tables(result):
        assert shop.made(name) == {GOOD.key, BAD.key}
        told = shop.verdicts(name)
        assert told[GOOD.key] == told[BAD.key] == ("SUCCEEDED", True)


def test_a_broken_contract_stops_the_run_before_tickets_and_a_run_of_tickets_alone(
    shop: Shop,
) -> None:
    shop.compute.step = "triage"
    result = shop.run(BAD)
    assert not result.success
    assert set(failures(result)) == {"triage_triage_contract"}
    assert shop.made("triage") == {BAD.key}
    assert shop.verdicts("triage") == {BAD.key: ("FAILED", True)}
    assert shop.made("tickets") == set()

    # Dagster's own blocking ends with the run; the gate does not.
    alone = shop.run(BAD, only=["tickets"])
    assert not alone.success
    (reason,) = failures(alone).values()
    assert "triage_contract: failed:" in reason
    assert "share a key (feedback_id)" in reason
    assert shop.made("tickets") == set()
    assert shop.tickets_of(BAD) == 0


def test_in_a_range_the_good_partition_beside_it_opens_tickets(shop: Shop) -> None:
    shop.compute.step = "validated_feedback"
    result = shop.run(GOOD, BAD)
    assert not result.success
    assert set(failures(result)) == {"tickets"}
    assert f"refused 1 of 2 partitions: {BAD.key}" in failures(result)["tickets"]
    told = shop.verdicts("validated_feedback")
    assert told[GOOD.key] == ("SUCCEEDED", True)
    assert told[BAD.key] == ("FAILED", True)
    assert shop.made("tickets") == {GOOD.key}
    assert shop.tickets_of(GOOD) > 0
    assert shop.tickets_of(BAD) == 0


def test_once_made_again_a_refused_partition_passes(shop: Shop) -> None:
    shop.compute.step = "validated_feedback"
    shop.run(GOOD, BAD)
    shop.compute.step = None
    again = shop.run(BAD, only=["validated_feedback", "tickets", "ticket_outcomes"])
    assert again.success
    assert shop.verdicts("validated_feedback")[BAD.key] == ("SUCCEEDED", True)
    assert shop.tickets_of(BAD) > 0


def test_what_was_never_judged_on_the_golden_set_opens_no_ticket(shop: Shop) -> None:
    lakehouse = shop.compute.runtime("-").lakehouse
    shop.run(GOOD)
    assert shop.tickets_of(GOOD) > 0
    # Another model decides from now on.
    models = shop.compute.settings.models_folder
    inherited = models.resolve()
    models.unlink()
    shutil.copytree(inherited, models)
    examples = read_examples(shop.compute.settings.golden_set / "train")[:300]
    model_file.save(other := train(examples), models)
    (models / CURRENT).write_text(other.version)
    result = shop.run(BAD)
    assert set(failures(result)) == {"validated_feedback_golden_set"}
    assert shop.tickets_of(BAD) == 0
    # The gate holds in a run of its own too, and says what to do.
    alone = shop.run(BAD, only=["tickets"])
    assert "was never judged on the golden set: materialize golden_evaluation" in str(
        failures(alone)
    )
    assert (
        lakehouse.scan("gate_status", predicate="`check` = 'golden_set'").read_all().num_rows == 2
    )
    # Judged, it breaks gates: three hundred examples are too few.
    judged = shop.evaluate()
    assert not judged.success
    assert set(failures(shop.run(BAD))) == {"validated_feedback_golden_set"}
    (verdict,) = [
        row["detail"]
        for row in lakehouse.scan("gate_status", predicate="`check` = 'golden_set'")
        .read_all()
        .to_pylist()
        if not row["passed"] and "breaks" in row["detail"]
    ]
    assert "gates of golden_set/gates.yaml" in verdict
    assert list(shop.compute.settings.reports_folder.glob("configuration-*.html"))
