"""A whole Dagster run in one job run: one cluster start, and still a verdict a partition."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from feedback_assets.launch import QUIET
from feedback_assets.pipeline.gate import closed, contract_check_name
from feedback_assets.works import STEPS
from tests.conftest import PutOnRecord
from tests.databricks_shop import ON, DatabricksShop, databricks_shop, metadata_of, said
from tests.shop import BAD, GOOD, failures, land_complaints


@pytest.fixture
def shop(
    tmp_path: Path, wheel: Path, sail: str, models_folder: Path, put_on_record: PutOnRecord
) -> Iterator[DatabricksShop]:
    on = {**ON["job_cluster"], "share": "run"}
    with databricks_shop(tmp_path, wheel, sail, models_folder, **on) as shop:
        land_complaints(shop.compute.settings, GOOD, BAD)
        put_on_record(shop.lakehouse)
        yield shop


def test_a_range_to_tickets_starts_one_cluster(shop: DatabricksShop) -> None:
    result = shop.run(GOOD, BAD)
    assert result.success, failures(result)
    assert shop.workspace.clusters_started == len(shop.workspace.runs) == 1
    assert closed(shop.lakehouse, [GOOD, BAD]) == {}
    assert (shop.tickets_of(GOOD), shop.tickets_of(BAD)) == (3, 3)
    for step in (step for step in STEPS if step.name != "urgent_items"):
        for partition in (GOOD, BAD):
            made = metadata_of(result, step.name, partition)
            assert str(made["job_run"]).startswith(shop.workspace.host)
            check = contract_check_name(step.name)
            assert shop.verdict(step.name, check, partition) == ("SUCCEEDED", True)
    # Slots that were held ahead are given back.
    assert not shop.instance.event_log_storage.get_concurrency_info("tickets").claimed_slots


@pytest.mark.slow(reason="minutes of job runs; the parts are tested in test_carrying_out.py")
def test_what_fails_on_the_way_fails_its_own_step(shop: DatabricksShop) -> None:
    Path(shop.lakehouse.uri("feedback_clusters")).write_text("in the way", encoding="utf-8")
    result = shop.run(GOOD)
    assert not result.success
    assert list(failures(result)) == ["feedback_clusters"]
    assert shop.made("gold_feedback") == {GOOD.key}
    assert shop.made("feedback_clusters") == set()
    assert "done in job run" in said(shop, result)
    # Put right, what is left is done, in a job run of its own.
    Path(shop.lakehouse.uri("feedback_clusters")).unlink()
    left = sorted({step.name for step in STEPS} - {"urgent_items"} - shop.made_assets(GOOD))
    assert "feedback_clusters" in left
    result = shop.run(GOOD, only=left)
    assert result.success, failures(result)
    assert shop.tickets_of(GOOD) == 3
    assert len(shop.workspace.runs) == 2


@pytest.mark.slow(reason="the fast suite has the same path in the batch's lane")
def test_a_run_of_the_fast_lane_is_one_job_run_whatever_the_batch_does(
    tmp_path: Path, wheel: Path, sail: str, models_folder: Path, put_on_record: PutOnRecord
) -> None:
    with databricks_shop(tmp_path, wheel, sail, models_folder) as shop:
        land_complaints(shop.compute.settings, GOOD)
        put_on_record(shop.lakehouse)
        result = shop.defs.resolve_job_def("fast_lane").execute_in_process(
            instance=shop.instance, partition_key=GOOD.key, run_config=QUIET, raise_on_error=False
        )
        assert result.success, failures(result)
        assert len(shop.workspace.runs) == 1
        assert metadata_of(result, "silver_feedback", GOOD)["lane"] == "fast"
        assert 0 < shop.tickets_of(GOOD) <= 3
