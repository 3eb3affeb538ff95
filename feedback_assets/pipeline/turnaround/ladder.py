"""What is late and what soon will be: where items are stuck, since when, and what to do.

Belongs here: the ladder of deadlines over timed items, and its words. Does not belong here:
hours (hours.py), and how it is shown in Dagster or on a terminal.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from feedback_assets.contracts.quality_rules import Deadlines
from feedback_assets.pipeline.turnaround.hours import PARTITION, RUNGS, deadline, late, soon

Level = Literal["late", "soon"]
SHOWN_PLACES = 3

STUCK = {
    "unread": "in landing files that were not read",
    "landed": "landed and not cleaned",
    "clean": "cleaned and not gone through the models",
    "uncounted": "validated and not in insights_daily",
    "pending": "waiting for a person",
    "approved": "approved and in no ticket",
}
"""Where an item can be stuck, in words."""
_RUN = "run `feedback run`; if it ran, its failed run in Dagster says why they stayed behind"
TO_DO = {
    "unread": _RUN,
    "landed": _RUN,
    "clean": _RUN,
    "uncounted": "materialize insights_daily on these partitions",
    "pending": "decide them, the oldest first",
    "approved": "see `feedback gate show` for what keeps the gate closed; when it is open, "
    "materialize tickets on these partitions",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Overdue items of one partition: how many, and the oldest's hours since receipt."""

    day: dt.date
    source: str
    items: int
    oldest_hours: float


@dataclass(frozen=True, slots=True)
class Overdue:
    """Items that are `late` for a rung, or `soon` will be; an item stands in one of these only.

    `rung` is the first it lacks and is overdue for; `stuck` a key of `STUCK`; `hours` the
    deadline, or the warning, that passed. `places` begin with the oldest.
    """

    level: Level
    rung: str
    stuck: str
    hours: float
    items: int
    oldest_hours: float
    places: tuple[Place, ...]

    @property
    def told(self) -> str:
        """What, how many, since when and where, in one sentence without what to do."""
        past = f"past {self.hours:g} h for {'an' if self.rung == 'insight' else 'a'} {self.rung}"
        return (
            f"{counted(self.items)} {STUCK[self.stuck]}, {past}, the oldest "
            f"{aged(self.oldest_hours)} old ({where(self.places)})"
        )

    @property
    def to_do(self) -> str:
        """What helps."""
        return TO_DO[self.stuck]


def overdue(items: pl.DataFrame, deadlines: Deadlines) -> tuple[Overdue, ...]:
    """What is late of `timed` items, then what soon will be; the oldest first in each."""
    past = {rung: late(rung, deadlines) for rung in RUNGS}
    warned = {rung: soon(rung, deadlines) for rung in RUNGS}
    rung = pl.coalesce(
        *(pl.when(past[name]).then(pl.lit(name)) for name in RUNGS),
        *(pl.when(warned[name]).then(pl.lit(name)) for name in RUNGS),
    )
    stuck = (
        pl.when(pl.col("state").is_in(["unread", "landed", "clean"]))
        .then(pl.col("state"))
        .otherwise(
            pl.col("_rung").replace_strict(
                {"insight": "uncounted", "decision": "pending", "ticket": "approved"},
                return_dtype=pl.String,
            )
        )
    )
    level = pl.when(pl.any_horizontal(past.values())).then(pl.lit("late")).otherwise(pl.lit("soon"))
    places = (
        items.with_columns(_rung=rung, _level=level)
        .filter(pl.col("_rung").is_not_null())
        .with_columns(_stuck=stuck)
        .group_by("_level", "_rung", "_stuck", *PARTITION)
        .agg(pl.col("items").sum(), pl.col("age").max())
        .sort("age", *PARTITION, descending=[True, False, False])
    )
    found: dict[tuple[Level, str, str], list[Place]] = {}
    for level_, rung_, stuck_, day, source, count, age in places.iter_rows():
        found.setdefault((level_, rung_, stuck_), []).append(Place(day, source, count, age))
    told = [
        Overdue(
            level=level_,
            rung=rung_,
            stuck=stuck_,
            hours=getattr(deadline(rung_, deadlines), "late" if level_ == "late" else "warn"),
            items=sum(place.items for place in there),
            oldest_hours=there[0].oldest_hours,
            places=tuple(there),
        )
        for (level_, rung_, stuck_), there in found.items()
    ]
    return tuple(sorted(told, key=lambda one: (one.level != "late", -one.oldest_hours)))


def where(places: Sequence[Place]) -> str:
    """The first partitions with their items, and how many more there are."""
    told = ", ".join(f"{p.day} {p.source}: {p.items}" for p in places[:SHOWN_PLACES])
    more = len(places) - SHOWN_PLACES
    return told + (f" and {more} more" if more > 0 else "")


def aged(hours: float) -> str:
    """An age in hours, from 10 days on in days."""
    return f"{hours:.0f} h" if hours < 240 else f"{hours / 24:.1f} days"


def counted(items: int) -> str:
    """Items in words."""
    return f"{items:,} {'item' if items == 1 else 'items'}"
