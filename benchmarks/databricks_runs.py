"""What a step costs beside its work on Databricks, and what a backfill of 90 days comes to.

Run: ``python -m benchmarks.databricks_runs [--repeat 3] [--slots 10]``

The overhead is measured: one step of a small partition here in this process, then as a job run
of the loopback workspace (tests/databricks_workspace), whose clusters start at once. The backfill
is simulated: 90 days by six sources; Dagster's own chunking says how many runs there are, the
project's own sharing how many job runs, and a queue with `--slots` places and the path's pools
how long they take. The seconds of each step are measured on the sample feed with the embedded
engine; how long compute takes to start is assumed (`STARTS`), and printed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import heapq
import shutil
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.automation_tick_evaluation_context import (
    build_run_requests_with_backfill_policies,
)
from dagster._core.definitions.events import AssetKeyPartitionKey

from feedback_assets.cli import SAMPLE_FEED
from feedback_assets.contracts.partitions import SOURCES, Partition
from feedback_assets.definitions import build_defs
from feedback_assets.gold.model_store import train_and_keep
from feedback_assets.orchestration.instance import open_instance
from feedback_assets.orchestration.jobs import feedback_to_tickets
from feedback_assets.pipeline.compute import Compute
from feedback_assets.pipeline.runtime import build_runtime
from feedback_assets.pipeline.step import run_step
from feedback_assets.works import STEPS, WORKS
from resources.compute.connect import SailEngine
from resources.settings import Settings
from tests.databricks_shop import ON, databricks_shop, spark_server
from tests.databricks_workspace.wheels import build_project_wheel
from tests.shop import GOOD, Shop, at, land_complaints

STARTS = {
    "serverless": 25.0,
    "existing cluster": 3.0,
    "job cluster": 240.0,
    "job cluster, pool": 60.0,
}
"""Seconds from submission until the entry point runs. Assumed; `feedback doctor --databricks`
shows a workspace's own."""
DAYS = 90
FIRST = dt.date(2026, 6, 1)
MOST = (1, 30, 90)


def main() -> None:
    """Measure, simulate, print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--repeat", type=int, default=3)
    arguments.add_argument("--slots", type=int, default=10, help="Dagster runs at the same time")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        overhead(Path(folder), asked.repeat)
        costs = step_costs(Path(folder) / "costs")
    backfill(costs, asked.slots)


def overhead(folder: Path, repeat: int) -> None:
    """One step of three items, here and through Pipes, side by side."""
    print("| one step and its check, three items | seconds (median) | of it outside the step |")
    print("|---|---:|---:|")
    here = at(folder / "here")
    land_complaints(here, GOOD)
    with open_instance(here) as instance:
        shop = Shop(here, SailEngine(), instance)
        show("in this process", [timed(shop) for _ in range(repeat + 1)][1:])
    (folder / "wheel").mkdir()
    wheel = build_project_wheel(folder / "wheel")
    with spark_server() as address:
        for mode in ("serverless", "existing_cluster"):
            for seconds in (1.0, 10.0):
                place = folder / f"{mode}-{seconds:g}"
                waits = {"poll_seconds": seconds / 2, "messages_seconds": seconds}
                given: dict[str, Any] = {**ON[mode], **waits, "hurry": False}
                with databricks_shop(place, wheel, address, **given) as shop:
                    land_complaints(shop.compute.settings, GOOD)
                    took = [timed(shop) for _ in range(repeat)]
                show(f"Pipes, {mode}, messages every {seconds:g} s", took)


def timed(shop: Shop) -> tuple[float, float]:
    """Wall seconds of bronze and its check, and the seconds that its own metrics say."""
    started = time.monotonic()
    result = shop.run(GOOD, only=["bronze_feedback"])
    assert result.success
    (made,) = result.asset_materializations_for_node("bronze_feedback")
    return time.monotonic() - started, float(str(made.metadata["seconds"].value))


def show(name: str, took: list[tuple[float, float]]) -> None:
    """A row of the table of overheads."""
    wall = statistics.median(seconds for seconds, _ in took)
    outside = statistics.median(seconds - own for seconds, own in took)
    print(f"| {name} | {wall:.1f} | {outside:.1f} |", flush=True)


@dataclass(frozen=True)
class Cost:
    """Seconds of a work: fixed, and for each partition more."""

    fixed: float
    each: float

    def of(self, partitions: int) -> float:
        """Seconds on so many partitions."""
        return self.fixed + self.each * partitions


def step_costs(folder: Path) -> dict[str, Cost]:
    """Each work's seconds on one and on all 18 partitions of the sample feed, as a line."""
    settings = at(folder)
    shutil.copytree(SAMPLE_FEED, settings.landing_root)
    train_and_keep(settings.golden_set / "train", settings.models_folder)
    days = sorted({path.name for path in SAMPLE_FEED.glob("*/*")})
    every = [Partition(dt.date.fromisoformat(day), source) for day in days for source in SOURCES]
    runtime = build_runtime(settings, "benchmark", SailEngine())
    seconds: dict[str, dict[int, float]] = {name: {} for name in WORKS.names}
    for partitions in (every, every[:1]):
        for step in STEPS:
            seconds[step.name][len(partitions)] = run_step(step, partitions, runtime).seconds
            for judging in (each for each in WORKS.judgings.values() if each.table is step.writes):
                started = time.monotonic()
                judging.judge(runtime, partitions)
                seconds[judging.name][len(partitions)] = time.monotonic() - started
    most = len(every)
    lines = {name: (found[1], found[most]) for name, found in seconds.items() if found}
    return {
        name: Cost(one, max(0.0, (all_ - one) / (most - 1))) for name, (one, all_) in lines.items()
    }


def backfill(costs: Mapping[str, Cost], slots: int) -> None:
    """Simulate the settings worth choosing between, and print what each comes to."""
    print(f"\nBackfill of {DAYS} days by {len(SOURCES)} sources, {slots} runs at a time.")
    print("Assumed seconds to start: " + ", ".join(f"{k} {v:g}" for k, v in STARTS.items()))
    print(
        "\n| partitions a run | job run holds | compute | Dagster runs | job runs "
        "| cluster starts | hours |"
    )
    print("|---:|---|---|---:|---:|---:|---:|")
    for most in MOST:
        sizes = runs_of(most)
        for share in ("step", "run"):
            for compute, start in STARTS.items():
                ops = job_runs(share)
                jobs = len(ops) * len(sizes)
                clusters = jobs if compute.startswith("job") else 0
                hours = wall_seconds(sizes, ops, costs, start, slots) / 3600
                print(f"| {most} | {share} | {compute} | {len(sizes)} | {jobs:,} | {clusters:,} "
                      f"| {hours:,.1f} |", flush=True)  # fmt: skip


def runs_of(most: int) -> list[int]:
    """Partitions of each run that Dagster makes of the backfill."""
    settings = Settings(home=Path("nowhere"), partitions_per_run=most)
    defs = build_defs(Compute(settings))
    path = defs.resolve_job_def(feedback_to_tickets.name).asset_layer.selected_asset_keys
    days = [FIRST + dt.timedelta(days=n) for n in range(DAYS)]
    keys = [Partition(day, source).key for day in days for source in SOURCES]
    requests = build_run_requests_with_backfill_policies(
        [AssetKeyPartitionKey(asset, key) for asset in path for key in keys],
        defs.get_repository_def().asset_graph,
        dynamic_partitions_store=dg.DagsterInstance.ephemeral(),
    )
    sizes = []
    for request in requests:
        start = request.tags.get("dagster/asset_partition_range_start")
        end = request.tags.get("dagster/asset_partition_range_end")
        if not start or not end:
            sizes.append(1)
            continue
        first, last = Partition.parse(start), Partition.parse(end)
        span = SOURCES.index(last.source) - SOURCES.index(first.source) + 1
        sizes.append(((last.day - first.day).days + 1) * span)
    assert sum(sizes) == len(keys)
    return sizes


@dataclass(frozen=True)
class JobRun:
    """The works of a job run, and the pools it holds."""

    works: tuple[str, ...]
    pools: frozenset[str]


def job_runs(share: str) -> list[JobRun]:
    """Job runs of one Dagster run, in order."""
    job = build_defs(Compute(Settings(home=Path("nowhere")))).resolve_job_def("feedback_to_tickets")
    ops = list(job.nodes_in_topological_order)
    pools = {op.name: frozenset(op.definition.pools) for op in ops}
    if share == "run":
        names = tuple(op.name for op in ops)
        return [JobRun(names, frozenset().union(*pools.values()))]
    found: list[JobRun] = []
    for op in ops:
        if op.name in WORKS.steps:
            found.append(JobRun((op.name,), pools[op.name]))
        else:  # a check is judged with the step before it
            found[-1] = JobRun((*found[-1].works, op.name), found[-1].pools)
    return found


def wall_seconds(
    sizes: list[int], jobs: list[JobRun], costs: Mapping[str, Cost], start: float, slots: int
) -> float:
    """Seconds until all runs are through, `slots` at a time, pools one at a time.

    A run's job runs follow each other. A pool is had in the order of asking.
    """
    free_at: dict[str, float] = {}
    waiting = list(enumerate(sizes))[::-1]
    going: list[tuple[float, int, int, int]] = []
    for _ in range(min(slots, len(waiting))):
        number, size = waiting.pop()
        heapq.heappush(going, (0.0, number, 0, size))
    end = 0.0
    while going:
        now, number, at_job, size = heapq.heappop(going)
        if at_job == len(jobs):
            end = max(end, now)
            if waiting:
                number, size = waiting.pop()
                heapq.heappush(going, (now, number, 0, size))
            continue
        job = jobs[at_job]
        begins = max([now, *(free_at.get(pool, 0.0) for pool in job.pools)])
        ends = begins + start + sum(costs[work].of(size) for work in job.works)
        for pool in job.pools:
            free_at[pool] = ends
        heapq.heappush(going, (ends, number, at_job + 1, size))
    return end


if __name__ == "__main__":
    main()
