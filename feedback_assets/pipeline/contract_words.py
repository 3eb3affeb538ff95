"""What the messages of a table's contract check have in common.

Belongs here: how lists, times and remedies read. Does not belong here: finding what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from feedback_assets.contracts.columns import Table

NAMED = 3
"""Rows, values or tables that a message names before it only counts."""


def listed(first: Sequence[str], of: int) -> str:
    """The first few of `of` names, and how many more there are."""
    more = of - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")


def rows_told(count: int) -> str:
    """A number of rows and its verb's subject."""
    return "1 row" if count == 1 else f"{count} rows"


def time_told(at: datetime) -> str:
    """A time in UTC, to the second."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def remedy(table: Table) -> str:
    """What makes the rows of a partition of `table` good again."""
    if table.made_from:
        return f"materialize {table.name} again on this partition"
    return f"mend these rows, or restore them from an earlier version of {table.name}"
