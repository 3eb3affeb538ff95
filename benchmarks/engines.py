"""Embedded Sail against a local JVM Spark: seconds by step on the same files, and their ratio.

    python -m benchmarks.engines [--sizes 3000,30000] [--out FOLDER] [--models FOLDER]

Belongs here: running both engines and reporting. Does not belong here: the items
(varied_feed.py), the steps in their order and starting a JVM (tests/parity).

For each size a landing zone is made (not timed), then every step of the path runs on it on one
engine in a process of its own, then on the other. Seconds are the steps' own: read, transform,
enforce the contract, commit; `start` is opening the session. Each engine starts cold, as a job
does. Needs Java 17 and the jars that ``tests/parity/fetch_jars`` fetches.

``FOLDER/engines.md`` holds the result.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import orjson

from benchmarks.varied_feed import TOKEN_KEY, write_varied_feed
from tests.parity.engines import missing
from tests.parity.worker import DAYS, Work

ENGINES = ("sail", "jvm")
Seconds = Mapping[str, float]


def main() -> None:
    """Measure the sizes of the command line."""
    arguments = _arguments()
    lacking = missing()
    if lacking is not None:
        sys.exit(lacking)
    out = Path(arguments.out).absolute()
    out.mkdir(parents=True, exist_ok=True)
    models = _models(arguments.models, out)
    measured: dict[int, dict[str, Seconds]] = {}
    for items in map(int, arguments.sizes.split(",")):
        with tempfile.TemporaryDirectory(prefix="feedback-bench-") as folder:
            measured[items] = _measure(items, Path(folder), models)
        report = markdown(measured)
        (out / "engines.md").write_text(report, encoding="utf-8")
    sys.stdout.write(report)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure Sail against JVM Spark.")
    parser.add_argument("--sizes", default="3000,30000", help="numbers of items, by commas")
    parser.add_argument("--out", default=".feedback/bench", help="folder of the result")
    parser.add_argument("--models", help="folder with a trained model; without, one is trained")
    return parser.parse_args()


def _models(given: str | None, out: Path) -> Path:
    if given is not None:
        return Path(given).absolute()
    from feedback_assets.gold.model_store import CURRENT, train_and_keep
    from resources.settings import Settings

    models = out / "models"
    if not (models / CURRENT).exists():
        train_and_keep(Settings().golden_set / "train", models)
    return models


def _measure(items: int, folder: Path, models: Path) -> dict[str, Seconds]:
    landing = folder / "landing"
    write_varied_feed(landing, items)
    found = {}
    for engine in ENGINES:
        home = folder / engine
        shutil.copytree(models, home / "models")
        _put_on_record(home)
        work = Work(str(home), str(landing), DAYS, engine)
        # The tests' JVM compiles in haste, which costs speed where there is much to do.
        settings = {"spark__driver__extraJavaOptions": ""} if engine == "jvm" else {}
        asked = orjson.dumps({"engine": engine, "settings": settings, "work": [asdict(work)]})
        done = subprocess.run(
            [sys.executable, "-m", "tests.parity.worker", asked.decode()],
            stdout=subprocess.PIPE,
            check=True,
            env={**os.environ, "FEEDBACK_SECRET_KEY": TOKEN_KEY, "PYTHONWARNINGS": "ignore"},
        )
        found[engine] = orjson.loads(done.stdout.splitlines()[-1])
        sys.stderr.write(f"{items} {engine}: {found[engine]}\n")
        shutil.rmtree(home)
    return found


def _put_on_record(home: Path) -> None:
    """The golden set's judgement on the models, without which no ticket opens."""
    from feedback_assets.gold.evaluation.judging import judge_in_force
    from feedback_assets.pipeline.runtime import build_runtime
    from resources.settings import Settings

    settings = Settings(home=home)
    runtime = build_runtime(settings, "golden")
    judge_in_force(runtime, settings.golden_set, settings.reports_folder)
    runtime.engine.stop()


def markdown(measured: Mapping[int, Mapping[str, Seconds]]) -> str:
    """The result as a Markdown table: a row a step, and the whole."""
    steps = list(next(iter(measured.values()))["sail"])
    sizes = list(measured)
    lines = [
        f"Measured {dt.date.today()} on {os.cpu_count()} cores, {platform.machine()}, "
        f"Python {platform.python_version()}.",
        "",
        "| step | " + " | ".join(f"Sail s at {n:,} | JVM s | JVM / Sail" for n in sizes) + " |",
        "|---|" + "---:|" * (3 * len(sizes)),
        *(_row(step, [measured[size] for size in sizes], [step]) for step in steps),
        _row("all", [measured[size] for size in sizes], steps),
    ]
    return "\n".join(lines) + "\n"


def _row(name: str, sizes: Sequence[Mapping[str, Seconds]], steps: Sequence[str]) -> str:
    cells = []
    for size in sizes:
        sail, jvm = (sum(size[engine][step] for step in steps) for engine in ENGINES)
        cells.append(f"{sail:.1f} | {jvm:.1f} | {jvm / max(sail, 1e-9):.1f}")
    return f"| {name} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
