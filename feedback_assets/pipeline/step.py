"""A step: a plain function over DataFrames that makes one table, and how it is run.

Belongs here: read, transform, enforce the contract, quarantine, commit, count.
Does not belong here: Dagster, vendors, and what any one step does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random

from feedback_assets.contracts.columns import Table
from feedback_assets.contracts.ledgers import QUARANTINE, STAGE_METRICS
from feedback_assets.contracts.partitions import Partition, predicate
from feedback_assets.contracts.tables import TABLES
from feedback_assets.pipeline.gate import data_versions
from feedback_assets.pipeline.metrics import metric_rows
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.pipeline.sorting_out import SortingOut
from feedback_assets.pipeline.step_telemetry import step_span
from resources.lakehouse.base import ConcurrentCommit

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Commit = Literal["replace", "append"]


@dataclass(frozen=True)
class Step:
    """One table's making.

    `reads` names the tables it reads, the first of which gives its rows in. `transform` returns
    the contract's columns for the context's partitions, and may add ``_dropped`` (a code: the
    row is counted, not kept), ``_quarantined`` (a reason: the row goes to quarantine), ``_raw``
    and ``_origin`` (what quarantine shows of it). `commit` is ``replace`` (the partitions'
    rows) or ``append``. `after_commit` is for effects outside the tables that must not happen
    before the commit; it returns metrics by partition. `row_for_row` says that each row in
    becomes a row out, a quarantined or a dropped one, which the contract check holds it to.
    """

    name: str
    reads: tuple[str, ...]
    transform: Callable[[StepContext], DataFrame]
    commit: Commit = "replace"
    after_commit: Callable[[StepContext], Mapping[Partition, Mapping[str, float]]] | None = None
    row_for_row: bool = True
    code_version: str = "1"

    @property
    def writes(self) -> Table:
        """The contract of the table it makes."""
        return TABLES[self.name]


@dataclass
class StepReport:
    """What a run of a step did: counts by partition, and wall seconds in all.

    `counts` holds ``rows_in``, ``rows_out``, ``rows_quarantined`` and ``dropped_<code>``.
    `refused` says why partitions were left untouched, `notes` what else a person should know.
    `versions` are fingerprints of the partitions' data as this run left them. `run_page` is the
    address of the job run that did it, where another machine did.
    """

    step: str
    counts: dict[Partition, dict[str, float]]
    seconds: float
    refused: dict[Partition, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    versions: dict[Partition, str] = field(default_factory=dict)
    run_page: str = ""


@dataclass
class StepContext:
    """What `transform` sees: its partitions and the runtime."""

    partitions: Sequence[Partition]
    runtime: Runtime
    refused: dict[Partition, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def table(self, name: str, everything: bool = False) -> DataFrame:
        """Rows of a table in the context's partitions, or all of them."""
        self.runtime.lakehouse.ensure(TABLES[name])
        spark = self.runtime.engine.session()
        frame = spark.read.format("delta").load(self.runtime.lakehouse.uri(name))
        return frame if everything else frame.where(predicate(self.partitions))

    def note(self, text: str) -> None:
        """Say something that whoever watches the run should know."""
        self.notes.append(text)

    def refuse(self, partition: Partition, reason: str) -> None:
        """Leave `partition` out of this run, with a reason that is shown."""
        self.refused[partition] = reason
        self.partitions = [p for p in self.partitions if p != partition]


def run_step(step: Step, partitions: Sequence[Partition], runtime: Runtime) -> StepReport:
    """Run `step` on `partitions` and commit its rows.

    Of a crash at any point, the table holds either the old rows or the new, and running again
    completes. A concurrent commit to the same rows makes it run again from the start.
    """
    with step_span(runtime.telemetry, step.name, partitions, runtime.run_id) as tell:
        report = _run(step, partitions, runtime)
        tell(report.counts, len(report.refused), report.seconds)
    return report


def _run(step: Step, partitions: Sequence[Partition], runtime: Runtime) -> StepReport:
    started = time.monotonic()
    for name in (*step.reads, step.name, QUARANTINE.name, STAGE_METRICS.name):
        runtime.lakehouse.ensure(TABLES[name])
    attempts = Retrying(
        retry=retry_if_exception_type(ConcurrentCommit),
        stop=stop_after_attempt(5),
        wait=wait_random(0.1, 1.0),
        reraise=True,
    )
    runtime.progress(step.name, 0, False)
    context, sorted_out = attempts(_attempt, step, partitions, runtime)
    counts = _counts(step, context, sorted_out)
    seconds = time.monotonic() - started
    versions = data_versions(runtime.lakehouse, step.writes, counts)
    report = StepReport(step.name, counts, seconds, context.refused, context.notes, versions)
    if counts:
        runtime.lakehouse.append(
            STAGE_METRICS, metric_rows(step.name, counts, report.seconds, runtime.run_id)
        )
    runtime.progress(step.name, sorted_out.kept_in_all, True)
    return report


def _attempt(
    step: Step, partitions: Sequence[Partition], runtime: Runtime
) -> tuple[StepContext, SortingOut]:
    context = StepContext(sorted(set(partitions)), runtime)
    frame = step.transform(context)
    sorted_out = SortingOut(step.writes)
    if not context.partitions:
        return context, sorted_out
    rows = _watched(step, sorted_out, runtime.engine.stream(frame), runtime)
    where = predicate(context.partitions)
    if step.commit == "append":
        runtime.lakehouse.append(step.writes, rows, transaction=f"{step.name} {where}")
    else:
        runtime.lakehouse.replace(step.writes, where, rows)
    _quarantine(step, context, sorted_out)
    if step.after_commit is not None:
        for partition, metrics in step.after_commit(context).items():
            sorted_out.counts[partition].update(metrics)
    return context, sorted_out


def _watched(
    step: Step, sorted_out: SortingOut, batches: Iterator[pa.RecordBatch], runtime: Runtime
) -> Iterator[pa.RecordBatch]:
    for batch in sorted_out.keep(batches):
        runtime.progress(step.name, sorted_out.kept_in_all, False)
        yield batch


def _quarantine(step: Step, context: StepContext, sorted_out: SortingOut) -> None:
    where = predicate(context.partitions, table=step.name)
    held = sorted_out.quarantined()
    lakehouse = context.runtime.lakehouse
    # Most runs quarantine nothing and have nothing to take back: spare them the commit.
    if held.num_rows or _held_before(step.name, context):
        lakehouse.replace(QUARANTINE, where, held.to_batches())


def _held_before(step: str, context: StepContext) -> bool:
    wanted = set(context.partitions)
    return any(
        file["table"] == step and Partition(file["day"], file["source"]) in wanted
        for file in context.runtime.lakehouse.files(QUARANTINE.name)
    )


def _counts(
    step: Step, context: StepContext, sorted_out: SortingOut
) -> dict[Partition, dict[str, float]]:
    arrived = rows_by_partition(step.reads[0], context) if step.reads else {}
    counts: dict[Partition, dict[str, float]] = {}
    for partition in context.partitions:
        tally = dict(sorted_out.counts[partition])
        tally.setdefault("rows_out", 0)
        tally.setdefault("rows_quarantined", 0)
        told_apart = sum(v for k, v in tally.items() if k.startswith(("rows_", "dropped_")))
        tally["rows_in"] = arrived.get(partition, 0) if step.reads else told_apart
        counts[partition] = tally
    return counts


def rows_by_partition(table: str, context: StepContext) -> dict[Partition, int]:
    """Rows of a table by partition, from its log alone."""
    rows: dict[Partition, int] = {}
    for file in context.runtime.lakehouse.files(table):
        partition = Partition(file["day"], file["source"])
        rows[partition] = rows.get(partition, 0) + int(file["num_records"])
    return rows
