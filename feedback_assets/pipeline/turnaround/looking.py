"""A look at how far all items have come, whichever engine reads the tables.

Belongs here: the order of looking. Does not belong here: engines, figures (hours.py) and what is
late (ladder.py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from feedback_assets.pipeline.turnaround.groups import empty_groups, unread
from feedback_assets.pipeline.turnaround.hours import timed
from feedback_assets.pipeline.turnaround.ledger import days_to_look_at, runs
from resources.lakehouse.base import Lakehouse
from resources.landing.zone import LandingFile

Ask = Callable[[Sequence[dt.date]], pl.DataFrame]
"""Answers groups.STATEMENT over the rows of days, as a frame of groups.GROUPS."""


@dataclass(frozen=True, slots=True)
class Look:
    """`timed` groups of items, and how many old days in which something waits were left out."""

    items: pl.DataFrame
    days_left_out: int


def look(lakehouse: Lakehouse, ask: Ask, files: Iterable[LandingFile], now: dt.datetime) -> Look:
    """Where items stand at `now` (aware); `files` are all that stand in the landing zone."""
    landed = list(files)
    window = days_to_look_at(lakehouse)
    days = {*window.days, *(file.day for file in landed)}
    if not days:
        return Look(timed(empty_groups(), _NO_RUNS, now), 0)
    ran = runs(lakehouse, days)
    groups = ask(window.days) if window.days else empty_groups()
    return Look(timed(pl.concat([groups, unread(landed, ran, now)]), ran, now), window.left_out)


_NO_RUNS = pl.DataFrame(
    schema={
        "day": pl.Date,
        "source": pl.String,
        "stage": pl.String,
        "recorded_at": pl.Datetime("us", "UTC"),
    }
)
