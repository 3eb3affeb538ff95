"""What a lakehouse promises: named tables that are committed whole or not at all.

Belongs here: the protocol the steps write against. Does not belong here: Delta, paths of one
cloud, or what the tables mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa


class TableSpec(Protocol):
    """As much of a table's contract as storage needs."""

    @property
    def name(self) -> str:
        """Name of the table, and of its folder."""
        ...

    @property
    def description(self) -> str:
        """One sentence, kept with the table."""
        ...

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema, nullability included."""
        ...

    @property
    def partition_by(self) -> tuple[str, ...]:
        """Partition columns, in order."""
        ...


class Lakehouse(Protocol):
    """Tables by name, created when first written to.

    Predicates are SQL over partition columns unless said otherwise.
    """

    def uri(self, name: str) -> str:
        """Where the table lives, as Spark and deltalake both read it."""
        ...

    def ensure(self, table: TableSpec) -> None:
        """Create the table from its spec unless it exists. Safe to race."""
        ...

    def exists(self, name: str) -> bool:
        """Whether the table has been created."""
        ...

    def replace(
        self,
        table: TableSpec,
        predicate: str,
        batches: Iterable[pa.RecordBatch],
        unless_since: Mapping[str, int] | None = None,
    ) -> None:
        """Make `batches` the rows of `predicate`, in one commit, leaving all other rows alone.

        Rows outside the predicate are refused. `batches` is consumed once, as a stream.
        `unless_since` is what `commits` said before anything was read: where another writer has
        committed under one of its names since, nothing is written and `ConcurrentCommit` raised.
        """
        ...

    def append(
        self,
        table: TableSpec,
        batches: Iterable[pa.RecordBatch],
        transaction: str | None = None,
        unless_since: Mapping[str, int] | None = None,
    ) -> None:
        """Add rows in one commit.

        Two writers that name the same `transaction` can't both commit from the same state: the
        later one raises `ConcurrentCommit` and has added nothing. `unless_since` as in `replace`.
        """
        ...

    def commits(self, name: str, transactions: Sequence[str]) -> dict[str, int]:
        """How often the table was committed to under each of `transactions`."""
        ...

    def version(self, name: str) -> int:
        """The number of the table's latest commit."""
        ...

    def merge(self, table: TableSpec, key: Sequence[str], rows: pa.Table) -> None:
        """Update the rows that match on `key`, insert the others, in one commit."""
        ...

    def scan(
        self, name: str, columns: Sequence[str] | None = None, predicate: str | None = None
    ) -> pa.RecordBatchReader:
        """A stream of the rows matching `predicate` (any columns), in no stated order."""
        ...

    def files(self, name: str, version: int | None = None) -> list[dict[str, Any]]:
        """The table's live files: `path`, `num_records`, and each partition column's value.

        As they were at `version`, if one is given.
        """
        ...

    def physical_schema(self, name: str) -> pa.Schema:
        """The schema as stored, which a check compares to the contract."""
        ...


class ConcurrentCommit(RuntimeError):
    """Another writer committed to the same rows first; nothing was written. Run again."""
