"""How a table's contract is written down: its columns, keys and row rules.

Belongs here: `Column` and `Table`, and the Arrow schema they stand for.
Does not belong here: the tables themselves (tables.py) and how a contract is enforced
(validation.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

STRING = pa.string()
DOUBLE = pa.float64()
INTEGER = pa.int64()
BOOLEAN = pa.bool_()
DATE = pa.date32()
TIMESTAMP = pa.timestamp("us", tz="UTC")
STRINGS = pa.list_(pa.string())


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its Arrow type, its meaning, and the rules each value must meet.

    `isin` closes the vocabulary (of each element, for a list); `at_least` and `at_most` bound
    numbers, inclusive; `pii` marks what must not leave a restricted table.
    """

    name: str
    type: pa.DataType
    description: str
    nullable: bool = True
    isin: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    pii: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """Each row has one in `table` with the same `key`.

    It stands in the row's own partition, or `anywhere`. Rows of `table` that bear a value in
    the column `unless` don't count.
    """

    table: str
    key: tuple[str, ...] = ("feedback_id",)
    unless: str | None = None
    anywhere: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the lakehouse, as it is promised to its readers.

    `key` is unique within a partition. `group` is the layer it is shown under. `append_only`
    tables are never rewritten: a later row speaks over an earlier one. `made_from` names the
    tables of whose rows in the same partition its own are made, first the one that gives the
    rows in; what may change later without its rows being wrong (decisions, tickets, ledgers) is
    left out. `references` name the rows that its rows can't be without. `judged_with` names the
    table in whose check this one is judged, where no step of its own makes it.
    """

    name: str
    group: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ("feedback_id",)
    partition_by: tuple[str, ...] = ("day", "source")
    append_only: bool = False
    made_from: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    judged_with: str | None = None

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema, columns in the order of the contract."""
        return pa.schema([pa.field(c.name, c.type, nullable=c.nullable) for c in self.columns])

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of all columns, in order."""
        return tuple(column.name for column in self.columns)


def by_name(tables: Iterable[Table]) -> dict[str, Table]:
    """Tables by name; raises `ValueError` when a name is used twice."""
    named: dict[str, Table] = {}
    for table in tables:
        if table.name in named:
            raise ValueError(f"two contracts are named {table.name!r}")
        named[table.name] = table
    return named
