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
from feedback_assets.orchestration.jobs import (
    collect_batches,
    fast_lane,
    feedback_to_tickets,
    train_classifier,
)
from feedback_assets.orchestration.model_triggers import review_models
from feedback_assets.orchestration.ranges import cover
from feedback_assets.orchestration.requests import UNFINISHED
from feedback_assets.orchestration.watching import watch_turnaround
from feedback_assets.pipeline.compute import Compute
from feedback_assets.pipeline.open_batches import open_batches
from resources.lakehouse.opening import open_lakehouse

LAUNCHED_BY = {"feedback/launched_by": "feedback run"}
LAUNCHED_FAST = {"feedback/launched_by": "feedback run --lane fast"}
ENDABLE = [status for status in UNFINISHED if status is not dg.DagsterRunStatus.QUEUED]
"""Runs that a process had begun; a queued one is the daemon's."""
LONGEST_MESSAGE = 400
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How one run ended: its id, its partitions, and the messages of what failed."""

    run_id: str
    partitions: Sequence[Partition]
    success: bool
    failures: Sequence[str]


def run_path(compute: Compute, partitions: Sequence[Partition]) -> list[RunOutcome]:
    """Run the main job over `partitions`, as few runs as ranges allow.

    Before it the model is trained and judged, and ended batches of the language model are
    collected, whose partitions then run too; after it models are reviewed and times measured. A
    failed run doesn't keep the next from running.
    One process at a time may call this on a home: runs it finds unfinished are taken for dead.
    """
    defs = build_defs(compute=compute)
    with open_instance(compute.settings) as instance:
        _end_dead_runs(instance, LAUNCHED_BY)
        before = [_execute(defs, train_classifier.name, instance, {}, [])]
        wanted = set(partitions)
        if open_batches(open_lakehouse(compute.settings)):
            before.append(_execute(defs, collect_batches.name, instance, {}, []))
            wanted.update(_with_answers(instance, before[-1].run_id))
        job = feedback_to_tickets.name
        runs = [
            _execute(defs, job, instance, gathered.tags, gathered.partitions())
            for gathered in cover(wanted)
        ]
        after = [
            _execute(defs, each.name, instance, {}, [])
            for each in (review_models, watch_turnaround)
        ]
        beside = [outcome for outcome in (*before, *after) if not outcome.success]
        return [*beside, *runs]


def run_fast_lane(compute: Compute, partitions: Sequence[Partition]) -> list[RunOutcome]:
    """Run the fast lane's job over `partitions`, as few runs as ranges allow, and nothing else.

    Only where no model was ever trained one is, because the screen needs it. This may run beside
    `run_path`, but as that not twice at once on a home.
    """
    defs = build_defs(compute=compute)
    with open_instance(compute.settings) as instance:
        _end_dead_runs(instance, LAUNCHED_FAST)
        trained = any(compute.settings.models_folder.glob("*"))
        train = [] if trained else [train_classifier.name]
        before = [_execute(defs, job, instance, LAUNCHED_FAST, []) for job in train]
        runs = [
            _execute(
                defs,
                fast_lane.name,
                instance,
                {**gathered.tags, **LAUNCHED_FAST},
                gathered.partitions(),
            )
            for gathered in cover(partitions)
        ]
        return [*(outcome for outcome in before if not outcome.success), *runs]


def _with_answers(instance: dg.DagsterInstance, run_id: str) -> list[Partition]:
    """Partitions that the collection of run `run_id` brought answers for."""
    event = instance.get_latest_materialization_event(dg.AssetKey("model_batches"))
    if event is None or event.run_id != run_id or event.asset_materialization is None:
        return []
    named = event.asset_materialization.metadata.get("partitions")
    keys = named.value if isinstance(named, dg.JsonMetadataValue) else []
    return [Partition.parse(str(key)) for key in keys] if isinstance(keys, list) else []


def _end_dead_runs(instance: dg.DagsterInstance, launched: dict[str, str]) -> None:
    """End the runs of processes that were killed: their pool slots would be waited for."""
    unfinished = dg.RunsFilter(tags=launched, statuses=ENDABLE)
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
        tags={**LAUNCHED_BY, **tags},
        run_config=QUIET,
        raise_on_error=False,
    )
    if result.success:
        # What warned, or was let pass by an operator, failed nothing.
        return RunOutcome(result.run_id, partitions, True, [])
    # A failed check's own words say more than the error that stopped the run.
    checks = [
        f"{check.asset_key.to_user_string()} {check.check_name}: {check.description}"
        for check in result.get_asset_check_evaluations()
        if not check.passed and check.blocking
    ]
    failures = checks + [
        f"{event.step_key}: {_shortened(_innermost(event.step_failure_data.error))}"
        for event in result.all_events
        if event.is_step_failure and "AssetCheckFailed" not in str(event.step_failure_data.error)
    ]
    return RunOutcome(result.run_id, partitions, False, failures)


def _shortened(message: str) -> str:
    if len(message) <= LONGEST_MESSAGE:
        return message
    return f"{message[:LONGEST_MESSAGE]}… (feedback status tells all)"


def _innermost(error: object) -> str:
    while (cause := getattr(error, "cause", None)) is not None:
        error = cause
    return str(getattr(error, "message", error)).strip()
