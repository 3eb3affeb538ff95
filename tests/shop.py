"""The project on a Dagster instance of its own, with complaints that open tickets.

Belongs here: what tests of runs share: spoiling data, running, and asking what became of it.
Does not belong here: tests, and backfills (backfills.py).
"""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import orjson

from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.tables import TABLES
from feedback_assets.definitions import build_defs
from feedback_assets.launch import QUIET
from feedback_assets.orchestration.automation import tickets_follow
from feedback_assets.orchestration.jobs import feedback_to_tickets, train_classifier
from feedback_assets.orchestration.ranges import cover
from feedback_assets.pipeline.assets import Compute
from feedback_assets.pipeline.gate import contract_check_name, override_verdict
from feedback_assets.pipeline.gate_overrides import GateOverride
from feedback_assets.pipeline.lanes import Lane
from feedback_assets.pipeline.step import Step, StepReport
from resources.compute.connect import SailEngine
from resources.lakehouse.delta import DeltaLakehouse
from resources.settings import Settings
from tests.conftest import DAY, ticket

COMPLAINTS = [
    "Your app crashes every time I open my cart since the update and I lost all my data",
    "I was charged twice for the same order and nobody has refunded me, this is outrageous",
    "The whole shop has been down since this morning, nothing loads and I cannot order",
]
ITEMS = len(COMPLAINTS)
AFTER_REVIEW = ("tickets", "ticket_outcomes", "insights_daily")
LAST = ["validated_feedback", "tickets"]
"""The asset above tickets, whose contract check the bad partition breaks, and tickets."""
CHECK = "validated_feedback_contract"
FAILED = f"{CHECK}: failed: "
GOOD, BAD = Partition(DAY, "zendesk"), Partition(DAY + dt.timedelta(days=1), "zendesk")


class Spoiling(Compute):
    """Compute that, once `step` is committed, commits the bad partition's rows a second time."""

    step: str | None = None

    def run(
        self, step: Step, partitions: Sequence[Partition], run_id: str, lane: Lane = "batch"
    ) -> StepReport:
        report = super().run(step, partitions, run_id, lane)
        if step.name == self.step and BAD in partitions:
            lakehouse = self.runtime(run_id).lakehouse
            where = f"day = '{BAD.day}' AND source = '{BAD.source}'"
            again = lakehouse.scan(step.name, predicate=where).read_all()
            lakehouse.append(TABLES[step.name], again.to_batches())
        return report


def land_complaints(settings: Settings, *partitions: Partition) -> None:
    """A landing file of the complaints for each partition; texts differ by day."""
    for partition in partitions:
        folder = Path(settings.landing_root) / partition.source / partition.day.isoformat()
        folder.mkdir(parents=True, exist_ok=True)
        first = partition.day.day * 100
        lines = [
            orjson.dumps(ticket(first + n, f"{text}. Day {partition.day}")).decode()
            for n, text in enumerate(COMPLAINTS)
        ]
        (folder / "feed.jsonl").write_text("\n".join([*lines, ""]), encoding="utf-8")


class Shop:
    """The project's definitions, its tables and its instance."""

    def __init__(self, settings: Settings, engine: SailEngine, instance: dg.DagsterInstance):
        self.compute = Spoiling(settings, engine)
        self.instance = instance
        self.lakehouse = DeltaLakehouse(settings.lakehouse_root)
        self.defs = build_defs(compute=self.compute)
        self._cursor: str | None = None

    def run(
        self,
        *partitions: Partition,
        only: Sequence[str] | None = None,
        without_checks: bool = False,
        as_range: bool = False,
    ) -> dg.ExecuteInProcessResult:
        """The main job on a partition or a range; of `only` some assets, with their checks."""
        (span,) = cover(partitions)
        alone = len(partitions) == 1 and not as_range
        return self._job(only, set() if without_checks else None).execute_in_process(
            instance=self.instance,
            partition_key=partitions[0].key if alone else None,
            tags=None if alone else span.tags,
            run_config=QUIET,
            raise_on_error=False,
        )

    def judge(self, partition: Partition, table: str, check: str) -> dg.ExecuteInProcessResult:
        """One check again, and nothing else, as from its own page."""
        job = self._job((), {dg.AssetCheckKey(dg.AssetKey(table), check)})
        return job.execute_in_process(
            instance=self.instance,
            # Dagster takes the partition of a run of checks alone by its tag.
            tags={"dagster/partition": partition.key},
            run_config=QUIET,
            raise_on_error=False,
        )

    def _job(
        self, only: Sequence[str] | None, checks: set[dg.AssetCheckKey] | None
    ) -> dg.JobDefinition:
        job = self.defs.resolve_job_def(feedback_to_tickets.name)
        if only is None:
            return job
        chosen = {dg.AssetKey(name) for name in only}
        return job.get_subset(asset_selection=chosen, asset_check_selection=checks)

    def evaluate(self) -> dg.ExecuteInProcessResult:
        """Judge what is in force on the golden set."""
        return self.defs.resolve_job_def(train_classifier.name).execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey("golden_evaluation")],
            run_config=QUIET,
            raise_on_error=False,
        )

    def tick(self) -> list[dg.RunRequest]:
        """What the automation's sensor asks for now; it remembers its last tick."""
        with (
            dg.build_sensor_context(
                instance=self.instance,
                cursor=self._cursor,
                repository_def=self.defs.get_repository_def(),
            ) as context,
            warnings.catch_warnings(),
        ):
            # Dagster finds fault with the tags it gives to partitions itself.
            warnings.filterwarnings("ignore", "Non-compliant tag keys", DeprecationWarning)
            told = tickets_follow.evaluate_tick(context)
        self._cursor = told.cursor
        return list(told.run_requests or ())

    def grant(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        """Run what the automation asked for."""
        assert request.asset_selection is not None
        checks = request.asset_check_keys
        job = self.defs.resolve_implicit_global_asset_job_def().get_subset(
            asset_selection=set(request.asset_selection),
            asset_check_selection=None if checks is None else set(checks),
        )
        return job.execute_in_process(
            instance=self.instance,
            partition_key=request.partition_key,
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
        self.lakehouse.ensure(TABLES["ticket_items"])
        where = f"day = '{partition.day}' AND source = '{partition.source}'"
        return int(self.lakehouse.scan("ticket_items", predicate=where).read_all().num_rows)


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


def at(home: Path) -> Settings:
    """Settings of a shop whose home is `home`; no person need approve anything."""
    return Settings(home=home, landing=None, lakehouse=None, profile="embedded", automation="all")


def let_pass(shop: Shop, hours: float = 24, check: str = CHECK) -> GateOverride:
    """Dana's word for the bad partition against its failed `check`."""
    return override_verdict(
        shop.lakehouse, BAD, check, operator="dana", reason="known duplicates", hours=hours,
        most_hours=336,
    )  # fmt: skip


@contextmanager
def unreadable(shop: Shop, table: str, partition: Partition) -> Iterator[None]:
    """A table whose file of a partition is damaged, for a while."""
    (file,) = [
        Path(shop.lakehouse.uri(table)) / row["path"]
        for row in shop.lakehouse.files(table)
        if (row["day"], row["source"]) == (partition.day, partition.source)
    ]
    whole = file.read_bytes()
    file.write_bytes(b"damaged" * 100)
    yield
    file.write_bytes(whole)
