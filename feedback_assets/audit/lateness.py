"""How late items are, read without starting an engine.

Belongs here: running the statement of pipeline/turnaround over the tables with Polars, and what
the status tells of it. Does not belong here: the figures themselves (pipeline/turnaround), and
how they are shown (lateness_text.py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from feedback_assets.contracts.quality_rules import Deadlines
from feedback_assets.contracts.tables import TABLES
from feedback_assets.pipeline.turnaround.groups import READS, STATEMENT, as_frame
from feedback_assets.pipeline.turnaround.hours import figures
from feedback_assets.pipeline.turnaround.ladder import Overdue, overdue
from feedback_assets.pipeline.turnaround.ledger import among_days
from feedback_assets.pipeline.turnaround.looking import look
from resources.lakehouse.base import Lakehouse
from resources.landing.zone import LandingFile

IDS = ("feedback_id", "origin")


@dataclass(frozen=True, slots=True)
class AgeBand:
    """Undecided items of an age above `from_hours` up to `to_hours`, null in the last band."""

    from_hours: float
    to_hours: float | None
    items: int


@dataclass(frozen=True, slots=True)
class Lateness:
    """What is late at `at`, what soon will be, and how long items took and wait.

    `deadlines` are the hours by rung. `figures` are those of `stage_metrics`, over all items
    looked at; a quantile of no items is null. `days_left_out` are old days in which items wait
    and that were not looked at.
    """

    at: dt.datetime
    deadlines: dict[str, dict[str, float]]
    figures: dict[str, float | None]
    overdue: tuple[Overdue, ...]
    undecided: tuple[AgeBand, ...]
    days_left_out: int

    def items(self, level: str) -> int:
        """Items that are ``late``, or ``soon`` will be."""
        return sum(one.items for one in self.overdue if one.level == level)


def lateness(
    lakehouse: Lakehouse, files: Iterable[LandingFile], deadlines: Deadlines, now: dt.datetime
) -> Lateness | None:
    """How late items are at `now` (aware); None where nothing has landed. Writes nothing.

    `files` are all that stand in the landing zone.
    """
    found = look(lakehouse, lambda days: ask(lakehouse, days), files, now)
    if found.items.is_empty():
        return None
    return Lateness(
        at=now,
        deadlines=deadlines.model_dump(),
        figures=found.items.select(figures(deadlines)).row(0, named=True),
        overdue=overdue(found.items, deadlines),
        undecided=_ages(found.items, deadlines),
        days_left_out=found.days_left_out,
    )


def ask(lakehouse: Lakehouse, days: Sequence[dt.date]) -> pl.DataFrame:
    """Polars' answer to the statement over the rows of `days`, reading no column it needs not."""
    views = {name: _view(lakehouse, name, columns, days) for name, columns in READS.items()}
    return as_frame(pl.SQLContext(views).execute(STATEMENT, eager=True).to_arrow())


def _view(
    lakehouse: Lakehouse, name: str, columns: Sequence[str], days: Sequence[dt.date]
) -> pl.DataFrame:
    """The table's rows, batch by batch; of ids, which are only compared, a number is kept."""
    batches = lakehouse.scan(name, columns, among_days(days)) if lakehouse.exists(name) else ()
    nothing = TABLES[name].schema.empty_table().select(list(columns))
    ids = pl.col([column for column in columns if column in IDS]).hash()
    return pl.concat(pl.DataFrame(rows).with_columns(ids) for rows in (nothing, *batches))


def _ages(items: pl.DataFrame, deadlines: Deadlines) -> tuple[AgeBand, ...]:
    """Undecided items by age, in bands between the deadlines' hours."""
    steps = sorted(
        {hours for one in (deadlines.insight, deadlines.decision, deadlines.ticket)
         for hours in (one.warn, one.late)}
    )  # fmt: skip
    undecided = items.filter("lacks_decision")
    bands = []
    for low, high in pairwise([0.0, *steps, None]):
        assert low is not None
        # Who was just received is 0 hours old.
        inside = (pl.col("age") > low) | (pl.lit(low == 0) & (pl.col("age") == 0))
        if high is not None:
            inside &= pl.col("age") <= high
        bands.append(AgeBand(low, high, undecided.filter(inside).select(pl.sum("items")).item()))
    return tuple(bands)
