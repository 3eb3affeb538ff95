"""Work carried out on the Spark of this process, one piece or an order of several.

Belongs here: what is done where the engine is, be it the machine Dagster runs on or a cluster.
Does not belong here: Dagster, Pipes, and how an order arrives (job_main.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from feedback_assets.contracts.partitions import Partition
from feedback_assets.pipeline.gate_overrides import overrides_in_force
from feedback_assets.pipeline.judgement import write_unjudged
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.pipeline.step import run_step
from feedback_assets.pipeline.wire import Answer, Order
from feedback_assets.pipeline.work import Judged, Judging, Works

Log = Callable[[str], None]


def carry_out(works: Works, order: Order, runtime: Runtime, log: Log) -> Iterator[Answer]:
    """The answers to an order's works, each as soon as it is there.

    Ends early where Dagster would not go on: after a step that refused partitions, after checks
    that close the way for all of them. Raises what a work raised, and `ValueError` for a name
    this code does not know, before anything is done.
    """
    unknown = [name for name in order.works if name not in works.names]
    if unknown:
        raise ValueError(
            f"this wheel knows no {', '.join(unknown)}: it is not of the version that ordered; "
            "upload the wheel again (docs/databricks.md)"
        )
    partitions = [Partition.parse(key) for key in order.partitions]
    for name in order.works:
        log(f"{name}: begun")
        if name in works.steps:
            report = run_step(works.steps[name], partitions, runtime)
            for note in report.notes:
                log(f"{name}: {note}")
            yield Answer.of_step(name, report)
            goes_on = not report.refused
        elif name in works.judgings:
            judged = judge(works.judgings[name], partitions, runtime)
            yield Answer.of_judging(name, judged)
            goes_on = not closes(judged, partitions)
        else:
            done = works.routines[name].do(runtime)
            yield Answer.of_routine(name, done)
            goes_on = all(check.state != "failed" for check in done.checks.values())
        log(f"{name}: done")
        if not goes_on:
            log(f"{name}: what follows is not begun")
            return


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
