"""Rows of the tables, as dicts or as records.

Belongs here: scans that read no more columns and files than asked for, and the predicates that
restrict them. Does not belong here: what the rows mean.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

from feedback_assets.contracts.columns import Table
from feedback_assets.contracts.partitions import Partition
from resources.lakehouse.base import Lakehouse

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Record = TypeVar("Record", bound=DataclassInstance)


@dataclass(frozen=True, slots=True)
class PartitionOfItem:
    """An item and where it lives."""

    day: dt.date
    source: str
    feedback_id: str


def rows(
    lakehouse: Lakehouse, table: Table, where: str, columns: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Rows matching the SQL predicate `where`; none of a table that does not exist.

    A table whose step never ran does not exist yet; that is no error of the one who asks.
    """
    if not lakehouse.exists(table.name):
        return []
    found: list[dict[str, Any]] = lakehouse.scan(table.name, columns, where).read_all().to_pylist()
    return found


def plain_rows(
    lakehouse: Lakehouse, table: Table, columns: Sequence[str], where: str
) -> list[dict[str, Any]]:
    """Rows with tuples in place of lists."""
    return [
        {name: tuple(v) if isinstance(v, list) else v for name, v in row.items()}
        for row in rows(lakehouse, table, where, columns)
    ]


def records(lakehouse: Lakehouse, table: Table, record: type[Record], where: str) -> list[Record]:
    """Rows as `record`s, reading only its fields."""
    return [record(**row) for row in plain_rows(lakehouse, table, field_names(record), where)]


def partitions_of(lakehouse: Lakehouse, table: Table, where: str) -> set[Partition]:
    """The partitions that hold rows matching `where`."""
    found = rows(lakehouse, table, where, ["day", "source"])
    return {Partition(row["day"], row["source"]) for row in found}


def field_names(record: type[DataclassInstance]) -> list[str]:
    """Names of the fields of a dataclass, in order."""
    return [field.name for field in fields(record)]


def equal(column: str, value: str) -> str:
    """The predicate that `column` is `value`."""
    return among(column, [value])


def among(column: str, values: Iterable[str]) -> str:
    """The predicate that `column` is one of `values`, quoted."""
    quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in sorted(set(values)))
    return f"`{column}` IN ({quoted})"
