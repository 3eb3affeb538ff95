"""Items per second along the whole path, beside a bare script, at growing sizes.

    python -m benchmarks.path [--sizes 10000,100000] [--out FOLDER] [--models FOLDER]

Belongs here: running both and reporting. Does not belong here: the items (varied_feed.py) and
what is compared to (bare_script.py).

For each size a landing zone is made (not timed), then the main job runs on it through Dagster in
a process of its own, with a trained model already there, then the bare script in another, one
after the other on the same machine. Of the pipeline, `wall` is the run of the job; starting
Python, importing and defining come before it, and are left out of both. The growth exponent is
the slope of log seconds over log items, by least squares: 1 is linear.

``FOLDER/path.md`` and ``FOLDER/path.json`` hold the results.
"""

from __future__ import annotations

import argparse
import datetime as dt
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from benchmarks.varied_feed import TOKEN_KEY, write_varied_feed


@dataclass(frozen=True)
class Measured:
    """One run of one program.

    `wall` seconds, `cpu` seconds of the whole process (starting Python and imports included), peak
    resident MiB, and seconds and rows by stage.
    """

    wall: float
    cpu: float
    peak_mib: float
    seconds: dict[str, float]
    rows: dict[str, int]


@dataclass(frozen=True)
class Size:
    """Both programs at one size."""

    items: int
    pipeline: Measured
    bare: Measured | None

    @property
    def ratio(self) -> float:
        """Pipeline seconds for one second of the bare script."""
        return self.pipeline.wall / self.bare.wall if self.bare else math.nan


def main() -> None:
    """Measure the sizes of the command line."""
    arguments = _arguments()
    if arguments.child:
        _run_pipeline(Path(arguments.child))
        return
    sizes = [int(size) for size in arguments.sizes.split(",")]
    out = Path(arguments.out).absolute()
    out.mkdir(parents=True, exist_ok=True)
    models = _models(arguments.models, out)
    measured: list[Size] = []
    for items in sizes:
        with tempfile.TemporaryDirectory(dir=arguments.work, prefix="feedback-bench-") as folder:
            measured.append(_measure(items, Path(folder), models, not arguments.no_bare))
        # After each size, so that a long one that fails costs no other its figures.
        report = markdown(measured)
        (out / "path.md").write_text(report, encoding="utf-8")
        (out / "path.json").write_bytes(orjson.dumps([asdict(m) for m in measured]))
        sys.stdout.write(report + "\n")
        sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the whole path.")
    parser.add_argument("--sizes", default="10000,100000", help="numbers of items, by commas")
    parser.add_argument("--out", default=".feedback/bench", help="folder of the results")
    parser.add_argument("--models", help="folder with a trained model; without, one is trained")
    parser.add_argument("--work", help="where landing zones and tables lie meanwhile")
    parser.add_argument("--no-bare", action="store_true", help="leave the bare script out")
    parser.add_argument("--child", help=argparse.SUPPRESS)
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


def _measure(items: int, folder: Path, models: Path, with_bare: bool) -> Size:
    home = folder / "home"
    shutil.copytree(models, home / "models")
    write_varied_feed(home / "landing", items)
    pipeline = _measured(
        [sys.executable, "-m", "benchmarks.path", "--child", str(home)],
        home / "pipeline.json",
        {
            "FEEDBACK_HOME": str(home),
            "FEEDBACK_SECRET_KEY": TOKEN_KEY,
            "PYTHONWARNINGS": "ignore",
        },
    )
    if not with_bare:
        return Size(items, pipeline, None)
    target = folder / "bare"
    bare = _measured(
        [sys.executable, "-m", "benchmarks.bare_script", str(home / "landing"), str(models),
         str(target)],
        target / "bare.json",
        {},
    )  # fmt: skip
    return Size(items, pipeline, bare)


def _measured(command: Sequence[str], report: Path, environment: dict[str, str]) -> Measured:
    process = subprocess.Popen(command, env={**os.environ, **environment})
    # Not Popen.wait: the memory of this child alone is wanted.
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(command)} failed ({os.waitstatus_to_exitcode(status)})")
    found: dict[str, Any] = orjson.loads(report.read_bytes())
    measured = Measured(
        wall=found["wall"],
        cpu=usage.ru_utime + usage.ru_stime,
        peak_mib=usage.ru_maxrss / 1024,
        seconds=found["seconds"],
        rows=found["rows"],
    )
    sys.stderr.write(f"{report.stem}: {measured}\n")
    return measured


def _run_pipeline(home: Path) -> None:
    """The main job over all that has landed, in this process, as `feedback run` does it."""
    from feedback_assets.definitions import build_defs
    from feedback_assets.launch import QUIET
    from feedback_assets.orchestration.backlog import Backlog
    from feedback_assets.orchestration.instance import open_instance
    from feedback_assets.orchestration.jobs import feedback_to_tickets
    from feedback_assets.orchestration.ranges import cover
    from feedback_assets.pipeline.compute import Compute
    from resources.settings import Settings

    settings = Settings()
    defs = build_defs(compute=Compute(settings))
    job = defs.resolve_job_def(feedback_to_tickets.name)
    with open_instance(settings) as instance:
        started = time.monotonic()
        for gathered in cover(Backlog(settings).new()):
            job.execute_in_process(instance=instance, tags=gathered.tags, run_config=QUIET)
        wall = time.monotonic() - started
    report = {"wall": wall, **_stage_metrics(settings.lakehouse_root)}
    (home / "pipeline.json").write_bytes(orjson.dumps(report))


def _stage_metrics(lakehouse: str) -> dict[str, Any]:
    import polars as pl

    metrics = (
        pl.scan_delta(f"{lakehouse}/stage_metrics")
        .group_by("stage", "metric")
        .agg(pl.col("value").sum(), pl.col("recorded_at").max())
        .sort("recorded_at")
        .collect()
        .rows_by_key("metric", named=True)
    )
    return {
        "seconds": {row["stage"]: row["value"] for row in metrics["seconds"]},
        "rows": {row["stage"]: int(row["value"]) for row in metrics["rows_out"]},
    }


def growth(items: Sequence[int], seconds: Sequence[float]) -> float:
    """Slope of log `seconds` over log `items`, by least squares; NaN for fewer than two sizes."""
    xs, ys = [math.log(n) for n in items], [math.log(max(s, 1e-9)) for s in seconds]
    middle, level = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - middle) ** 2 for x in xs)
    if not spread:
        return math.nan
    return sum((x - middle) * (y - level) for x, y in zip(xs, ys, strict=True)) / spread


def markdown(measured: Sequence[Size]) -> str:
    """The results as two Markdown tables: end to end, and by stage."""
    items = [size.items for size in measured]
    walls = [size.pipeline.wall for size in measured]
    slope, last = growth(items, walls), growth(items[-2:], walls[-2:])
    lines = [
        f"Measured {dt.date.today()} on {os.cpu_count()} cores, {platform.machine()}, "
        f"Python {platform.python_version()}.",
        "",
        "| items | pipeline s | CPU s | items/s | peak MiB | bare s | CPU s | items/s | peak MiB "
        "| ratio |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        *map(_row, measured),
        "",
        f"Growth exponent of the pipeline: {slope:.2f} (1 is linear), {last:.2f} between the two "
        "largest sizes, where fixed costs hide least.",
        "",
        "| stage | " + " | ".join(f"s at {n:,} | items/s | ratio" for n in items) + " | growth |",
        "|---|" + "---:|" * (3 * len(items) + 1),
        *_stage_rows(measured),
    ]
    return "\n".join(lines) + "\n"


def _row(size: Size) -> str:
    bare = _told(size.items, size.bare) if size.bare else "| | | | "
    return f"| {size.items:,} {_told(size.items, size.pipeline)}{bare}| {size.ratio:.2f} |"


def _told(items: int, run: Measured) -> str:
    speed = f"{items / run.wall:,.0f}"
    return f"| {run.wall:.1f} | {run.cpu:.1f} | {speed} | {run.peak_mib:,.0f} "


def _stage_rows(measured: Sequence[Size]) -> list[str]:
    items = [size.items for size in measured]
    rows = []
    for stage in measured[0].pipeline.seconds:
        cells = [_cells(size, stage) for size in measured]
        slope = growth(items, [size.pipeline.seconds.get(stage, 0.0) for size in measured])
        rows.append(f"| {stage} | " + " | ".join(cells) + f" | {slope:.2f} |")
    rest = [size.pipeline.wall - sum(size.pipeline.seconds.values()) for size in measured]
    cells = [f"{s:.1f} | {n / max(s, 1e-9):,.0f} | " for n, s in zip(items, rest, strict=True)]
    rows.append(f"| checks, Dagster | {' | '.join(cells)} | {growth(items, rest):.2f} |")
    return rows


def _cells(size: Size, stage: str) -> str:
    seconds = size.pipeline.seconds.get(stage, 0.0)
    bare = size.bare.seconds.get(stage) if size.bare else None
    ratio = f"{seconds / bare:.2f}" if bare else ""
    return f"{seconds:.1f} | {size.items / max(seconds, 1e-9):,.0f} | {ratio}"


if __name__ == "__main__":
    main()
