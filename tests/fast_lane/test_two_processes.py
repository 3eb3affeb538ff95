"""Both lanes at once on one partition, each in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from resources.lakehouse.delta import DeltaLakehouse
from resources.settings import Settings
from tests.conftest import Land, ticket
from tests.fast_lane.conftest import CALM, URGENT

FEEDBACK = [sys.executable, "-P", "-c", "from feedback_assets.cli import app; app()", "run"]
TABLES = ("bronze_feedback", "silver_feedback", "gold_topics", "gold_feedback", "triage")


@pytest.mark.slow  # four runs in processes of their own
@pytest.mark.timeout(900)
def test_no_item_is_lost_or_done_twice(
    settings: Settings, land: Land, models_folder: Path, small_golden_set: Path
) -> None:
    shutil.copytree(models_folder, settings.models_folder)
    environment = {
        **os.environ,
        "FEEDBACK_HOME": str(settings.home),
        "FEEDBACK_GOLDEN_SET": str(small_golden_set),
        "FEEDBACK_AUTOMATION": "all",
    }
    texts = [*CALM, *URGENT]
    land("zendesk", [ticket(n, text, requester_id=n) for n, text in enumerate(texts)])
    arguments = [*FEEDBACK, "--landing", settings.landing_root]

    def start(*more: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*arguments, *more],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    with start() as batch, start("--lane", "fast") as fast:
        batch.wait(400)
        fast.wait(400)
    # What one of them could not finish for the other's sake, its next run does, as the sensors
    # would have it: the fast lane's items are left to it for some minutes.
    for more in (["--lane", "fast"], []):
        told = subprocess.run(
            [*arguments, *more], env=environment, capture_output=True, text=True, check=False
        )
        assert told.returncode == 0, told.stdout + told.stderr
    lakehouse = DeltaLakehouse(settings.lakehouse_root)
    for table in TABLES:
        ids = lakehouse.scan(table, ["feedback_id"]).read_all().column(0).to_pylist()
        assert len(set(ids)) == len(ids) == len(texts), table
    items = lakehouse.scan("ticket_items", ["feedback_id"]).read_all().column(0).to_pylist()
    keys = lakehouse.scan("tickets", ["ticket_key"]).read_all().column(0).to_pylist()
    assert len(set(items)) == len(items) >= len(URGENT)
    assert len(set(keys)) == len(keys) == len(list(settings.tickets_folder.glob("*-*.md")))
