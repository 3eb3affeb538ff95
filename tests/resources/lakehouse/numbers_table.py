"""A small partitioned table that tests of the lakehouse write to.

Belongs here: its spec and its rows. Does not belong here: tests, and imports that take long, for
writing processes start with this.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pyarrow as pa

SCHEMA = pa.schema([("day", pa.date32()), ("key", pa.string()), ("n", pa.int64())])
FIRST, SECOND = dt.date(2026, 6, 1), dt.date(2026, 6, 2)


@dataclass(frozen=True)
class Numbers:
    """A table's spec."""

    name: str = "numbers"
    description: str = "Numbers by day"
    schema: pa.Schema = SCHEMA
    partition_by: tuple[str, ...] = ("day",)


TABLE = Numbers()


def batch(*rows: tuple[dt.date, str, int]) -> pa.RecordBatch:
    """Rows of the table."""
    return pa.RecordBatch.from_pylist(
        [dict(zip(SCHEMA.names, row, strict=True)) for row in rows], SCHEMA
    )
