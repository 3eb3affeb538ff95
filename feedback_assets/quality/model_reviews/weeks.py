"""The last week of profiles, and the weeks it is held against.

Belongs here: reading `feedback_profile` for the model reviews. Does not belong here: what is
noticed in it, and how profiles are made.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from feedback_assets.contracts.monitoring import FEEDBACK_PROFILE
from resources.lakehouse.base import Lakehouse

RECENT_DAYS = 7


@dataclass(frozen=True)
class Weeks:
    """Counts of the last `RECENT_DAYS` days of data, and of the days before them.

    Columns: `day`, `source`, `feature`, `bin`, `items`. `last` is the newest day of any profile.
    """

    last: dt.date
    recent: pl.DataFrame
    reference: pl.DataFrame

    def of(self, feature: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The recent and the reference counts of one feature."""
        wanted = pl.col("feature") == feature
        return self.recent.filter(wanted), self.reference.filter(wanted)


def read_weeks(lakehouse: Lakehouse, features: Sequence[str], days: int) -> Weeks | None:
    """The counts of `features`, with `days` days of reference; None where there is no profile."""
    if not lakehouse.exists(FEEDBACK_PROFILE.name):
        return None
    profiled = [file["day"] for file in lakehouse.files(FEEDBACK_PROFILE.name)]
    if not profiled:
        return None
    last: dt.date = max(profiled)
    start = last - dt.timedelta(days=RECENT_DAYS - 1)
    named = ", ".join(f"'{feature}'" for feature in features)
    where = f"day >= '{start - dt.timedelta(days=days)}' AND feature IN ({named})"
    columns = ["day", "source", "feature", "bin", "items"]
    counts = pl.DataFrame(lakehouse.scan(FEEDBACK_PROFILE.name, columns, where).read_all())
    is_recent = pl.col("day") >= start
    return Weeks(last, counts.filter(is_recent), counts.filter(~is_recent))
