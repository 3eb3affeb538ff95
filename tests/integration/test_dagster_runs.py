"""The main job on a real Dagster instance: what is recorded, and what the gate holds back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from feedback_assets.gold import model_file
from feedback_assets.gold.examples import read_examples
from feedback_assets.gold.model_store import CURRENT
from feedback_assets.gold.training import train
from feedback_assets.orchestration.instance import open_instance
from resources.compute.connect import SailEngine
from resources.lakehouse.delta import DeltaLakehouse
from resources.settings import Settings
from tests.conftest import PutOnRecord
from tests.shop import BAD, GOOD, Shop, failures, land_complaints


@pytest.fixture
def shop(
    settings: Settings, engine: SailEngine, models_folder: Path, put_on_record: PutOnRecord
) -> Iterator[Shop]:
    settings = settings.model_copy(update={"automation": "all"})
    settings.home.mkdir(parents=True)
    settings.models_folder.symlink_to(models_folder)
    land_complaints(settings, GOOD, BAD)
    put_on_record(DeltaLakehouse(settings.lakehouse_root))
    with open_instance(settings) as instance:
        yield Shop(settings, engine, instance)


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


def test_verdicts_of_a_range_of_one_partition_are_the_partitions(shop: Shop) -> None:
    result = shop.run(GOOD, only=["bronze_feedback"], as_range=True)
    assert result.success, failures(result)
    assert shop.verdicts("bronze_feedback")[GOOD.key] == ("SUCCEEDED", True)


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
    assert again.success, failures(again)
    assert shop.verdicts("validated_feedback")[BAD.key] == ("SUCCEEDED", True)
    assert shop.tickets_of(BAD) > 0


def test_what_was_never_judged_on_the_golden_set_opens_no_ticket(shop: Shop) -> None:
    lakehouse = shop.compute.runtime("-").lakehouse
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
        lakehouse.scan("gate_status", predicate="`check` = 'golden_set'").read_all().num_rows == 1
    )
    # Judged, it breaks gates: three hundred examples are too few.
    judged = shop.evaluate()
    assert not judged.success
    again = shop.run(BAD, only=["validated_feedback"])
    assert set(failures(again)) == {"validated_feedback_golden_set"}
    (verdict,) = [
        row["detail"]
        for row in lakehouse.scan("gate_status", predicate="`check` = 'golden_set'")
        .read_all()
        .to_pylist()
        if not row["passed"] and "breaks" in row["detail"]
    ]
    assert "gates of golden_set/gates.yaml" in verdict
    assert list(shop.compute.settings.reports_folder.glob("configuration-*.html"))
