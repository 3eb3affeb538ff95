"""The main job, run here and now in this process.

Belongs here: executing the job over ranges of partitions on the shared instance. Does not
belong here: choosing the partitions (backlog.py) and showing progress (cli).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg

from feedback_assets.contracts.partitions import Partition
from feedback_assets.definitions import build_defs
from feedback_assets.orchestration.instance import open_instance
from feedback_assets.orchestration.jobs import feedback_to_tickets, train_classifier
from feedback_assets.orchestration.ranges import cover
from feedback_assets.pipeline.assets import Compute

LAUNCHED_BY = {"feedback/launched_by": "feedback run"}
UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How one run ended: its id, its partitions, and the messages of what failed."""

    run_id: str
    partitions: Sequence[Partition]
    success: bool
    failures: Sequence[str]


def run_path(compute: Compute, partitions: Sequence[Partition]) -> list[RunOutcome]:
    """Run the main job over `partitions`, as few runs as ranges allow; train first.

    A failed run doesn't keep the next from running. One process at a time may call this on a
    home: runs it finds unfinished are taken for dead.
    """
    defs = build_defs(compute=compute)
    with open_instance(compute.settings) as instance:
        _end_dead_runs(instance)
        _execute(defs, train_classifier.name, instance, {}, [])
        job = feedback_to_tickets.name
        return [
            _execute(defs, job, instance, gathered.tags, gathered.partitions())
            for gathered in cover(partitions)
        ]


def _end_dead_runs(instance: dg.DagsterInstance) -> None:
    """End the runs of processes that were killed: their pool slots would be waited for."""
    unfinished = dg.RunsFilter(tags=LAUNCHED_BY, statuses=UNFINISHED)
    for run in instance.get_runs(unfinished):
        instance.report_run_failed(run, "the process that ran it is gone")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def _execute(
    defs: dg.Definitions,
    job: str,
    instance: dg.DagsterInstance,
    tags: dict[str, str],
    partitions: Sequence[Partition],
) -> RunOutcome:
    result = defs.resolve_job_def(job).execute_in_process(
        instance=instance,
        tags={**tags, **LAUNCHED_BY},
        run_config=QUIET,
        raise_on_error=not partitions,
    )
    failures = [
        f"{event.step_key}: {_innermost(event.step_failure_data.error)}"
        for event in result.all_events
        if event.is_step_failure
    ]
    return RunOutcome(result.run_id, partitions, result.success, failures)


def _innermost(error: object) -> str:
    while (cause := getattr(error, "cause", None)) is not None:
        error = cause
    return str(getattr(error, "message", error)).strip()
