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
from feedback_assets.pipeline.commits import commit_step, quarantine
from feedback_assets.pipeline.gate import data_versions
from feedback_assets.pipeline.lanes import (
    FAST_LANE,
    LAST_BY_ITEM,
    WHOLE,
    Lane,
    Scope,
    record_through,
    scope_of,
)
from feedback_assets.pipeline.metrics import metric_rows
from feedback_assets.pipeline.rows_held import rows_by_partition
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.pipeline.sorting_out import SortingOut
from feedback_assets.pipeline.step_telemetry import step_span
from resources.lakehouse.base import ConcurrentCommit

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Commit = Literal["replace", "append"]
OUT = ("rows_out", "rows_quarantined")


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
    `by_item` says that it makes an item's rows of that item's rows in what it reads: the fast
    lane then runs it on its own items alone.
    """

    name: str
    reads: tuple[str, ...]
    transform: Callable[[StepContext], DataFrame]
    commit: Commit = "replace"
    after_commit: Callable[[StepContext], Mapping[Partition, Mapping[str, float]]] | None = None
    row_for_row: bool = True
    by_item: bool = False
    code_version: str = "1"

    @property
    def writes(self) -> Table:
        """The contract of the table it makes."""
        return TABLES[self.name]


@dataclass
class StepReport:
    """What a run of a step did: counts by partition, and wall seconds in all.

    `counts` holds ``rows_in``, ``rows_out``, ``rows_quarantined``, ``dropped_<code>`` and, where
    the run did not work on the whole partition, ``rows_kept``: those it left as they were.
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
    """What `transform` sees: its partitions, which of their items it works on, and the runtime."""

    partitions: Sequence[Partition]
    runtime: Runtime
    refused: dict[Partition, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    lane: Lane = "batch"
    scope: Scope = WHOLE
    versions: Mapping[str, int] = field(default_factory=dict)

    def table(self, name: str, everything: bool = False) -> DataFrame:
        """Rows of a table: of the context's items in its partitions, or all of them."""
        self.runtime.lakehouse.ensure(TABLES[name])
        reader = self.runtime.engine.session().read.format("delta")
        if name in self.versions:
            reader = reader.option("versionAsOf", str(self.versions[name]))
        frame = reader.load(self.runtime.lakehouse.uri(name))
        return frame if everything else frame.where(self._own(TABLES[name]))

    def elsewhere(self, name: str) -> DataFrame:
        """Rows of a per-item table of all items but the context's."""
        everything = self.table(name, everything=True)
        return everything.where(f"NOT ({self._own(TABLES[name])})")

    def _own(self, table: Table) -> str:
        where = predicate(self.partitions)
        by_item = "feedback_id" in table.column_names and not self.scope.whole
        return f"{where} AND {self.scope.condition}" if by_item else where

    def note(self, text: str) -> None:
        """Say something that whoever watches the run should know."""
        self.notes.append(text)

    def refuse(self, partition: Partition, reason: str) -> None:
        """Leave `partition` out of this run, with a reason that is shown."""
        self.refused[partition] = reason
        self.partitions = [p for p in self.partitions if p != partition]


def run_step(
    step: Step, partitions: Sequence[Partition], runtime: Runtime, lane: Lane = "batch"
) -> StepReport:
    """Run `step` on `partitions` and commit its rows.

    Of a crash at any point, the table holds either the old rows or the new, and running again
    completes. A concurrent commit to the same rows makes it run again from the start. In the
    fast lane a step `by_item` works on that lane's items, and leaves all other rows alone.
    """
    with step_span(runtime.telemetry, step.name, partitions, runtime.run_id) as tell:
        report = _run(step, partitions, runtime, lane)
        tell(report.counts, len(report.refused), report.seconds)
    return report


def _run(step: Step, partitions: Sequence[Partition], runtime: Runtime, lane: Lane) -> StepReport:
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
    context, sorted_out = attempts(_attempt, step, partitions, runtime, lane)
    counts = _counts(step, context, sorted_out)
    seconds = time.monotonic() - started
    versions = data_versions(runtime.lakehouse, step.writes, counts)
    report = StepReport(step.name, counts, seconds, context.refused, context.notes, versions)
    if counts:
        runtime.lakehouse.append(
            STAGE_METRICS, metric_rows(step.name, counts, report.seconds, runtime.run_id)
        )
    if lane == "fast" and step.name == LAST_BY_ITEM and context.scope.only:
        record_through(runtime.lakehouse, context.partitions, context.scope.only, runtime.run_id)
    runtime.progress(step.name, sorted_out.kept_in_all, True)
    return report


def _attempt(
    step: Step, partitions: Sequence[Partition], runtime: Runtime, lane: Lane
) -> tuple[StepContext, SortingOut]:
    context = StepContext(sorted(set(partitions)), runtime, lane=lane)
    lakehouse = runtime.lakehouse
    # What another writer commits from here on makes this attempt fail, and another begin.
    since = lakehouse.commits(step.name, [f"{step.name} {p.key}" for p in context.partitions])
    if step.by_item:
        if step.row_for_row:
            # Rows in are counted from the same rows that are read, whatever lands meanwhile.
            context.versions = {step.reads[0]: lakehouse.version(step.reads[0])}
        # Read after the version: what the fast lane has written in it, it had taken before.
        context.scope = scope_of(lane, lakehouse, context.partitions, step.name == "tickets")
    sorted_out = SortingOut(step.writes)
    if context.scope.empty:
        return context, sorted_out
    frame = step.transform(context)
    if not context.partitions:
        return context, sorted_out
    rows = _watched(step, sorted_out, runtime.engine.stream(frame), runtime)
    if step.commit == "append":
        lakehouse.append(step.writes, rows, unless_since=since)
    else:
        kept = commit_step(lakehouse, step.writes, context.partitions, context.scope, rows, since)
        for partition, number in kept.items():
            sorted_out.counts[partition]["rows_kept"] = number
    quarantine(lakehouse, step.name, context.partitions, context.scope, sorted_out.quarantined())
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


def _counts(
    step: Step, context: StepContext, sorted_out: SortingOut
) -> dict[Partition, dict[str, float]]:
    arrived = _arrived(step, context) if step.reads else {}
    lakehouse = context.runtime.lakehouse
    stored = rows_by_partition(lakehouse, step.name) if context.scope.empty else {}
    counts: dict[Partition, dict[str, float]] = {}
    for partition in context.partitions:
        tally = dict(sorted_out.counts[partition])
        tally.setdefault("rows_out", 0)
        tally.setdefault("rows_quarantined", 0)
        if context.scope.empty:
            tally["rows_kept"] = stored.get(partition, 0)
        told_apart = sum(v for k, v in tally.items() if k in OUT or k.startswith("dropped_"))
        tally["rows_in"] = arrived.get(partition, 0) if step.reads else told_apart
        if context.lane == "fast":
            tally[FAST_LANE] = 1
        counts[partition] = tally
    return counts


def _arrived(step: Step, context: StepContext) -> dict[Partition, int]:
    """Rows of the first table read, of the context's items, by partition."""
    first, lakehouse = step.reads[0], context.runtime.lakehouse
    if context.scope.empty or not context.partitions:
        return {}
    if context.scope.whole:
        return rows_by_partition(lakehouse, first, context.versions.get(first))
    rows = context.table(first).groupBy("day", "source").count().collect()
    return {Partition(row["day"], row["source"]): row["count"] for row in rows}
