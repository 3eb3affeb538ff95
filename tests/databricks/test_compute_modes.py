"""A step on every kind of compute, as Dagster shows it, and what must not look like success."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import DAY
from tests.databricks_shop import ON, databricks_shop, metadata_of
from tests.shop import GOOD, failures, land_complaints

BRONZE = ["bronze_feedback"]
CHANNELS = [
    ("serverless", "volumes"),
    ("job_cluster", "volumes"),
    ("existing_cluster", "volumes"),
    ("job_cluster", "dbfs"),
    ("existing_cluster", "dbfs"),
]


@pytest.mark.parametrize(("on", "channel"), CHANNELS)
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
        assert checked.passed and checked.partition == GOOD.key
        assert shop.workspace.clusters_started == (1 if on == "job_cluster" else 0)
        assert run.tasks
        assert shop.lakehouse.scan("bronze_feedback").read_all().num_rows == 3
        assert DAY == GOOD.day
