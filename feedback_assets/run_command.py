"""`feedback run` and `feedback demo`: what is new in the landing zone, to tickets.

Belongs here: which partitions are due, and what is printed around their runs. Does not belong
here: arguments as they are typed (cli.py) and the runs (launch.py).
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sys
import time
from contextlib import closing

import typer
from filelock import FileLock, Timeout

from feedback_assets.command_line import console, errors, fail
from feedback_assets.contracts.partitions import Partition
from feedback_assets.pipeline.lanes import Lane
from resources.settings import Settings


def run(
    settings: Settings,
    wanted: list[Partition] | None,
    day: dt.date | None = None,
    source: str | None = None,
    lane: Lane = "batch",
) -> None:
    """Process `wanted`; without it what is new, or all that is of `day` and `source`.

    In the fast lane that is done for urgent items alone, and the rest stays new. Ends with 1 where
    a run failed, with 2 where another process is at work in the same lane.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    lock = settings.home / ("run.lock" if lane == "batch" else "run-fast.lock")
    try:
        with FileLock(lock, timeout=0):
            _run_alone(settings, wanted, day, source, lane)
    except Timeout:
        fail(
            f"another `feedback run` of this lane is at work in {settings.home}; wait for it to end"
        )


def _run_alone(
    settings: Settings,
    wanted: list[Partition] | None,
    day: dt.date | None,
    source: str | None,
    lane: Lane,
) -> None:
    from feedback_assets.insights.summary import summarise
    from feedback_assets.insights.summary_text import show
    from feedback_assets.launch import run_fast_lane, run_path
    from feedback_assets.orchestration.backlog import Backlog
    from feedback_assets.pipeline.assets import FIRST_DAY, is_open
    from feedback_assets.pipeline.compute import Compute
    from feedback_assets.pipeline.lanes import under_way
    from feedback_assets.pipeline.open_batches import open_batches
    from feedback_assets.progress import StepLines
    from resources.lakehouse.opening import open_lakehouse

    backlog = Backlog(settings)
    if wanted is None:
        asked = day is not None or source is not None
        wanted = [
            partition
            for partition in (sorted(backlog.landed) if asked else backlog.new())
            if (day is None or partition.day == day)
            and (source is None or partition.source == source)
        ]
    today = dt.datetime.now(dt.UTC).date()
    for partition in (p for p in wanted if not is_open(p, today)):
        errors.print(
            f"{partition.key}: the day is outside of {FIRST_DAY} to {today} and was left alone; "
            "name the folder for the day the files arrived"
        )
    wanted = [p for p in wanted if is_open(p, today)]
    batches = lane == "batch" and open_batches(open_lakehouse(settings))
    if not wanted and not batches:
        console.print(f"Nothing new in {settings.landing_root}.")
        return
    console.print(f"{len(wanted)} partitions (day and source) to process")
    started = time.monotonic()
    with StepLines(console) as lines, closing(Compute(settings, progress=lines)) as compute:
        outcomes = (run_path if lane == "batch" else run_fast_lane)(compute, wanted)
    half_done = under_way(open_lakehouse(settings))
    for outcome in outcomes:
        # What the fast lane did is a part of it, and what it has not done yet is missing.
        if outcome.success and lane == "batch":
            backlog.record(p for p in outcome.partitions if p not in half_done)
    wanted = sorted({*wanted, *(p for outcome in outcomes for p in outcome.partitions)})
    summary = summarise(open_lakehouse(settings), wanted)
    show(summary, console)
    console.print(f"\n{time.monotonic() - started:.1f} s")
    if summary.example:
        command = "feedback" if shutil.which("feedback") else os.path.relpath(sys.argv[0])
        console.print(f"[bold]Next[/bold]: {command} trace {summary.example}", highlight=False)
    failures = [(o.run_id, f) for o in outcomes for f in o.failures]
    for run_id, failure in failures:
        errors.print(f"[red]run {run_id[:8]} failed[/red]: {failure}", highlight=False)
    if failures:
        raise typer.Exit(1)
