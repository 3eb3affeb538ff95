"""A step and its check on every kind of compute, as Dagster shows them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.databricks_shop import ON, databricks_shop, metadata_of, said
from tests.shop import GOOD, failures, land_complaints

BRONZE = ["bronze_feedback"]
SLOW = pytest.mark.slow(reason="the fast suite has each compute and each channel once")
PAIRS = [
    pytest.param("serverless", "volumes"),
    pytest.param("job_cluster", "volumes"),
    pytest.param("existing_cluster", "dbfs"),
    pytest.param("existing_cluster", "volumes", marks=SLOW),
    pytest.param("job_cluster", "dbfs", marks=SLOW),
]


@pytest.mark.parametrize(("on", "channel"), PAIRS)
def test_a_step_and_its_check_are_a_job_run(
    tmp_path: Path, wheel: Path, sail: str, on: str, channel: str
) -> None:
    with databricks_shop(tmp_path, wheel, sail, channel=channel, **ON[on]) as shop:
        land_complaints(shop.compute.settings, GOOD)
        result = shop.run(GOOD, only=BRONZE)
        assert result.success, failures(result)
        (run,) = shop.workspace.runs
        made = metadata_of(result, "bronze_feedback", GOOD)
        assert (made["rows_out"], made["dagster/partition_row_count"]) == (3, 3)
        assert str(made["job_run"]).startswith(shop.workspace.host)
        (checked,) = result.get_asset_check_evaluations()
        assert checked.passed
        assert checked.partition == GOOD.key
        assert shop.workspace.clusters_started == (1 if on == "job_cluster" else 0)
        assert "done in job run" in said(shop, result)
        assert "bronze_feedback: begun" in said(shop, result)
        assert shop.lakehouse.scan("bronze_feedback").read_all().num_rows == 3
        (task,) = run.body["tasks"]
        assert task["timeout_seconds"] == 120 * 60


def test_the_wheel_holds_what_is_read_at_run_time(wheel: Path) -> None:
    held = zipfile.Path(wheel)
    root = Path(__file__).parents[2]
    for folder, pattern in (("prompts", "*/*.md"), ("golden_set", "**/*.jsonl")):
        needed = [path.relative_to(root) for path in (root / folder).glob(pattern)]
        assert needed
        assert [path for path in needed if not held.joinpath(*path.parts).exists()] == []
    assert held.joinpath("prompts", "active.yaml").exists()
    assert held.joinpath("golden_set", "gates.yaml").exists()
