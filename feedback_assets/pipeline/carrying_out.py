"""Work carried out on the Spark of this process, one piece or an order of several.

Belongs here: what is done where the engine is, be it the machine Dagster runs on or a cluster.
Does not belong here: Dagster, Pipes, and how an order arrives (job_main.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from logging import Logger

from feedback_assets.contracts.partitions import Partition
from feedback_assets.pipeline.gate_overrides import overrides_in_force
from feedback_assets.pipeline.judgement import write_unjudged
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.pipeline.step import run_step
from feedback_assets.pipeline.wire import Answer, Order
from feedback_assets.pipeline.work import Judged, Judging, Works


def carry_out(works: Works, order: Order, runtime: Runtime, log: Logger) -> Iterator[Answer]:
    """The answers to an order's works, each as soon as it is there.

    As in Dagster, a work that failed, refused partitions or closed the way for all of them keeps
    those after it from being begun, and no others. Raises `ValueError` for a name this code does
    not know, before anything is done, and at the end what works raised.
    """
    unknown = [work.name for work in order.works if work.name not in works.names]
    if unknown:
        raise ValueError(
            f"this wheel knows no {', '.join(unknown)}: it is not of the version that ordered; "
            "upload the wheel again (docs/databricks.md)"
        )
    stopped: set[str] = set()
    errors: list[Exception] = []
    for work in order.works:
        if stopped.intersection(work.after):
            stopped.add(work.name)
            log.info(f"{work.name}: not begun, because of what comes before it")
            continue
        log.info(f"{work.name}: begun")
        try:
            answer, went_well = _answered(works, work.name, order, runtime, log)
        except Exception as error:
            log.exception(f"{work.name}: failed")
            errors.append(error)
            answer, went_well = Answer.of_failure(work.name, error), False
        else:
            log.info(f"{work.name}: done")
        if not went_well:
            stopped.add(work.name)
        yield answer
    if errors:
        raise errors[0] if len(errors) == 1 else ExceptionGroup("works failed", errors)


def _answered(
    works: Works, name: str, order: Order, runtime: Runtime, log: Logger
) -> tuple[Answer, bool]:
    """A work's answer, and whether what comes after it may be begun."""
    partitions = [Partition.parse(key) for key in order.partitions]
    if name in works.steps:
        report = run_step(works.steps[name], partitions, runtime, order.lane)
        for note in report.notes:
            log.info(f"{name}: {note}")
        return Answer.of_step(name, report), not report.refused
    if name in works.judgings:
        judged = judge(works.judgings[name], partitions, runtime)
        return Answer.of_judging(name, judged), not closes(judged, partitions)
    done = works.routines[name].do(runtime)
    failed = any(check.state == "failed" for check in done.checks.values())
    return Answer.of_routine(name, done), not failed


def judge(judging: Judging, partitions: Sequence[Partition], runtime: Runtime) -> Judged:
    """Judge `partitions`. An error is on record as a verdict that failed before it is raised."""
    try:
        findings = judging.judge(runtime, partitions)
    except Exception as error:
        write_unjudged(
            runtime.lakehouse,
            judging.table,
            judging.descriptions,
            partitions,
            error,
            runtime.run_id,
        )
        raise
    return Judged(findings, overrides_in_force(runtime.lakehouse, partitions))


def closes(judged: Judged, partitions: Sequence[Partition]) -> bool:
    """Whether one of the checks failed on every partition, with no operator letting one pass."""
    return any(
        all(
            found[partition].state == "failed" and (partition, name) not in judged.overrides
            for partition in partitions
        )
        for name, found in judged.findings.items()
    )
