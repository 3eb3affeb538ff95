"""False alarms, power and delay of the drift checks on the items of a landing folder.

Run: ``python -m benchmarks.drift_backtest LANDING [--replicates 1000] [--items 200] [--out FILE]``

The folder is processed into a home of its own, from bronze to profiles, with the embedded engine
and without a language model; then this is what `feedback backtest` measures. docs/quality.md says
what the figures mean.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from feedback_assets.bronze.landing_step import BRONZE
from feedback_assets.contracts.partitions import SOURCES, Partition
from feedback_assets.gold.gold_steps import STEPS as GOLD_STEPS
from feedback_assets.gold.model_store import train_and_keep
from feedback_assets.pipeline.runtime import Runtime, build_runtime
from feedback_assets.pipeline.step import run_step
from feedback_assets.quality.backtest import measure
from feedback_assets.quality.backtest_data import History, read_history
from feedback_assets.quality.backtest_replay import replay
from feedback_assets.quality.backtest_report import as_markdown
from feedback_assets.quality.profile_step import PROFILE
from feedback_assets.silver.silver_step import SILVER
from resources.landing.zone import LandingZone
from resources.settings import Settings


def main() -> None:
    """Print the report, and seconds by part to stderr."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("landing", type=Path)
    arguments.add_argument("--replicates", type=int, default=1000)
    arguments.add_argument("--items", type=int, default=200)
    arguments.add_argument("--out", type=Path, help="the report's file; else it is printed")
    asked = arguments.parse_args()
    if not asked.landing.is_dir():
        arguments.error(f"{asked.landing} is no folder: give the one that holds <source>/<day>/")
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(
            home=Path(home), landing=str(asked.landing.absolute()), lakehouse=None,
            profile="embedded", spark_remote=None, llm_service="none",
        )  # fmt: skip
        train_and_keep(settings.golden_set / "train", settings.models_folder)
        runtime = build_runtime(settings, "benchmark")
        history = processed(runtime)
        runtime.engine.stop()
    read = time.monotonic()
    rules = runtime.quality_rules
    done = measure(history, rules, asked.items, asked.replicates)
    done.replayed = replay(history.partitions, history.profiles, rules)
    report = as_markdown(done, rules) + "\n"
    if asked.out:
        asked.out.write_text(report, encoding="utf-8")
    else:
        sys.stdout.write(report)
    ended = time.monotonic()
    sys.stderr.write(f"processing {read - started:.0f} s, backtest {ended - read:.0f} s\n")


def processed(runtime: Runtime) -> History:
    """The landing zone's history, from bronze to profiles."""
    files = LandingZone(runtime.landing_root).walk(SOURCES)
    partitions = sorted({Partition(file.day, file.source) for file in files})
    for step in (BRONZE, SILVER, *GOLD_STEPS, PROFILE):
        run_step(step, partitions, runtime)
    return read_history(runtime)


if __name__ == "__main__":
    main()
