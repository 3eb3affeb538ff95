"""`feedback run` killed half way, and run again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from resources.lakehouse.delta import DeltaLakehouse
from resources.settings import Settings
from tests.conftest import Land, review

FEEDBACK = Path(sys.executable).with_name("feedback")


@pytest.fixture
def command(settings: Settings, models_folder: Path) -> list[str]:
    shutil.copytree(models_folder, settings.models_folder)
    return [str(FEEDBACK), "run", "--landing", settings.landing_root]


def test_a_run_after_a_killed_one_completes(
    settings: Settings, land: Land, command: list[str], small_golden_set: Path
) -> None:
    land("app_store", [review(f"r{n}", f"It crashed {n} times today") for n in range(40)])
    environment = {
        **os.environ,
        "FEEDBACK_HOME": str(settings.home),
        "FEEDBACK_GOLDEN_SET": str(small_golden_set),
    }
    lakehouse = DeltaLakehouse(settings.lakehouse_root)
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        # Silver's writer holds the slot of its pool once its table is there.
        while not lakehouse.exists("silver_feedback"):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    # Whole or not at all, whichever the moment was.
    assert len(lakehouse.scan("silver_feedback").read_all()) in (0, 40)
    again = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stderr
    for table in ("bronze_feedback", "silver_feedback", "validated_feedback"):
        assert len(lakehouse.scan(table).read_all()) == 40
    third = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert "Nothing new" in third.stdout
