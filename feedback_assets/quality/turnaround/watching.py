"""Turnaround, looked at through Spark and recorded as metrics.

Belongs here: asking Spark, writing the figures down, and telling them. Does not belong here:
Dagster (assets.py), and what the figures are (pipeline/turnaround).
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from feedback_assets.contracts.partitions import SOURCES
from feedback_assets.contracts.tables import TABLES
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.pipeline.turnaround.groups import GROUPS, READS, STATEMENT, as_frame
from feedback_assets.pipeline.turnaround.hours import figures
from feedback_assets.pipeline.turnaround.ladder import Overdue, aged, counted, overdue, where
from feedback_assets.pipeline.turnaround.ledger import Figures, among_days, record, told
from feedback_assets.pipeline.turnaround.looking import look

COLUMNS = ("level", "lacks", "where they are stuck", "items", "oldest", "deadline", "partitions",
           "what to do")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Watched:
    """Figures over all items looked at, what is overdue, and how many partitions got new rows."""

    figures: Figures
    overdue: tuple[Overdue, ...]
    recorded: int
    days_left_out: int

    @property
    def state(self) -> str:
        """``late``, ``soon`` or ``kept``: the worst of what is overdue."""
        return self.overdue[0].level if self.overdue else "kept"

    @property
    def message(self) -> str:
        """What is late and soon late, how many, the oldest, where, and what to do."""
        parts = [f"{one.level.upper()}: {one.told}; {one.to_do}" for one in self.overdue]
        if self.days_left_out:
            parts.append(f"{self.days_left_out} older days in which items wait were left out")
        return ". ".join(parts) or "Every item came as far as its age asks for"


def watch(runtime: Runtime, now: dt.datetime | None = None) -> Watched:
    """Look at every item's way and append the partitions' figures to `stage_metrics`.

    `now` (aware) is the moment ages are counted to.
    """
    started = time.monotonic()
    deadlines = runtime.quality_rules.deadlines
    found = look(
        runtime.lakehouse,
        lambda days: ask(runtime, days),
        runtime.landing.walk(SOURCES),
        now or dt.datetime.now(dt.UTC),
    )
    seconds = time.monotonic() - started
    recorded = record(runtime.lakehouse, found.items, deadlines, seconds, runtime.run_id)
    return Watched(
        figures=told(found.items.select(figures(deadlines)).row(0, named=True)),
        overdue=overdue(found.items, deadlines),
        recorded=len(recorded),
        days_left_out=found.days_left_out,
    )


def ask(runtime: Runtime, days: Sequence[dt.date]) -> pl.DataFrame:
    """Spark's answer to the statement over the rows of `days`; only groups leave the engine."""
    session = runtime.engine.session()
    views = []
    try:
        for name, columns in READS.items():
            runtime.lakehouse.ensure(TABLES[name])
            frame = session.read.format("delta").load(runtime.lakehouse.uri(name))
            frame.where(among_days(days)).select(*columns).createOrReplaceTempView(name)
            views.append(name)
        batches = list(runtime.engine.stream(session.sql(STATEMENT)))
    finally:
        for name in views:
            session.catalog.dropTempView(name)
    return as_frame(pa.Table.from_batches(batches) if batches else GROUPS.empty_table())


def as_markdown(found: Sequence[Overdue]) -> str:
    """What is overdue as a table, what is late first."""
    if not found:
        return "Nothing is late, and nothing soon will be."
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for one in found:
        cells = (
            f"**{one.level}**" if one.level == "late" else one.level, one.rung,
            one.stuck, counted(one.items), aged(one.oldest_hours), f"{one.hours:g} h",
            where(one.places), one.to_do,
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
