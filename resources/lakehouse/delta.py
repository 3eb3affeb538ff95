"""Delta tables under one root, committed by deltalake (delta-rs).

Belongs here: how a commit is made safe. Does not belong here: which rows are written and why.

Commits go through delta-rs, not through the engine, because writers of disjoint partitions
must not fail each other, and each names the rows it replaces: an overwrite without a predicate
would replace the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from resources.lakehouse.base import ConcurrentCommit, TableSpec

_PROPERTIES = {
    # delta-rs reads deletion vectors but can't write them.
    "delta.enableDeletionVectors": "false",
    "delta.logRetentionDuration": "interval 90 days",
}


class DeltaLakehouse:
    """Tables at ``<root>/<name>``; `root` is a folder or an object store URL."""

    def __init__(self, root: str, storage_options: dict[str, str] | None = None) -> None:
        self._root = root.rstrip("/")
        self._options = dict(storage_options or {})

    def uri(self, name: str) -> str:
        """Where the table lives."""
        return f"{self._root}/{name}"

    def exists(self, name: str) -> bool:
        """Whether a Delta log stands at the table's place."""
        return DeltaTable.is_deltatable(self.uri(name), storage_options=self._options)

    def ensure(self, table: TableSpec) -> None:
        """Create the table unless it exists; of two racing creators, one wins and both go on."""
        if self.exists(table.name):
            return
        try:
            DeltaTable.create(
                self.uri(table.name),
                schema=table.schema,
                partition_by=list(table.partition_by) or None,
                mode="ignore",
                name=table.name,
                description=table.description,
                configuration=_PROPERTIES,
                storage_options=self._options,
            )
        except DeltaError:
            if not self.exists(table.name):
                raise

    def replace(
        self,
        table: TableSpec,
        predicate: str,
        batches: Iterable[pa.RecordBatch],
        unless_since: Mapping[str, int] | None = None,
    ) -> None:
        """Replace the rows of `predicate` by `batches` in one commit."""
        if not predicate:
            raise ValueError(f"{table.name}: replacing without a predicate would drop every row")
        self.ensure(table)
        target = self._open(table.name)
        properties = None if unless_since is None else _unless(target, table.name, unless_since)
        try:
            write_deltalake(
                target,
                _reader(table, batches),
                mode="overwrite",
                predicate=predicate,
                commit_properties=properties,
            )
        except CommitFailedError as error:
            raise ConcurrentCommit(f"{table.name} where {predicate}: {error}") from error

    def append(
        self,
        table: TableSpec,
        batches: Iterable[pa.RecordBatch],
        transaction: str | None = None,
        unless_since: Mapping[str, int] | None = None,
    ) -> None:
        """Add rows in one commit, at most once per state of `transaction`."""
        self.ensure(table)
        # Opened before the rows are drawn, so a commit by another writer meanwhile is seen.
        target = self._open(table.name)
        properties = None if transaction is None else _at_most_once(target, transaction)
        if unless_since is not None:
            properties = _unless(target, table.name, unless_since)
        try:
            write_deltalake(
                target, _reader(table, batches), mode="append", commit_properties=properties
            )
        except CommitFailedError as error:
            raise ConcurrentCommit(f"{table.name} ({transaction}): {error}") from error

    def merge(self, table: TableSpec, key: Sequence[str], rows: pa.Table) -> None:
        """Upsert `rows` by `key` in one commit, rewriting the partitions they stand in.

        Not delta-rs's MERGE, which writes string views that other engines can't read.
        """
        self.ensure(table)
        target = self._open(table.name)
        # Fixed before the rows are read: whoever commits in between makes this commit fail.
        properties = _at_most_once(target, f"merge {table.name}")
        where = _partitions(table, rows)
        stream = target.scan(predicate=where)
        stored = pa.RecordBatchReader.from_stream(stream).read_all()
        current = pl.from_arrow(stored.select(table.schema.names).cast(table.schema))
        new = pl.from_arrow(rows.cast(table.schema))
        kept = cast(pl.DataFrame, current).join(cast(pl.DataFrame, new), on=list(key), how="anti")
        merged = pl.concat([kept, cast(pl.DataFrame, new)]).to_arrow().cast(table.schema)
        try:
            write_deltalake(
                target, merged, mode="overwrite", predicate=where, commit_properties=properties
            )
        except CommitFailedError as error:
            raise ConcurrentCommit(f"{table.name}: {error}") from error

    def scan(
        self, name: str, columns: Sequence[str] | None = None, predicate: str | None = None
    ) -> pa.RecordBatchReader:
        """Stream matching rows."""
        stream = self._open(name).scan(
            columns=list(columns) if columns is not None else None, predicate=predicate
        )
        return pa.RecordBatchReader.from_stream(stream)

    def commits(self, name: str, transactions: Sequence[str]) -> dict[str, int]:
        """Each transaction's number of commits, as the log holds it."""
        target = self._open(name)
        return {each: target.transaction_version(each) or 0 for each in transactions}

    def version(self, name: str) -> int:
        """The number of the latest commit."""
        return int(self._open(name).version())

    def files(self, name: str, version: int | None = None) -> list[dict[str, Any]]:
        """Live files with their record counts and partition values, from the log alone."""
        target = self._open(name)
        if version is not None and version != target.version():
            target.load_as_version(version)
        actions = pa.table(target.get_add_actions(flatten=True))
        columns = [
            column
            for column in actions.column_names
            if column in ("path", "num_records") or column.startswith("partition.")
        ]
        rows = actions.select(columns).to_pylist()
        return [{k.removeprefix("partition."): v for k, v in row.items()} for row in rows]

    def physical_schema(self, name: str) -> pa.Schema:
        """The stored schema in Arrow types."""
        return pa.schema(self._open(name).schema().to_arrow())

    def _open(self, name: str) -> DeltaTable:
        try:
            return DeltaTable(self.uri(name), storage_options=self._options)
        except TableNotFoundError as error:
            raise FileNotFoundError(
                f"no table {name!r} under {self._root}: run the pipeline first (feedback run)"
            ) from error


def _at_most_once(target: DeltaTable, transaction: str) -> CommitProperties:
    version = (target.transaction_version(transaction) or 0) + 1
    return CommitProperties(app_transactions=[Transaction(transaction, version)])


def _unless(target: DeltaTable, name: str, since: Mapping[str, int]) -> CommitProperties:
    """Properties of a commit that fails where one of `since` is committed meanwhile."""
    for transaction, commits in since.items():
        now = target.transaction_version(transaction) or 0
        if now != commits:
            raise ConcurrentCommit(f"{name}: {transaction} was committed by another writer")
    return CommitProperties(
        app_transactions=[Transaction(each, commits + 1) for each, commits in since.items()]
    )


def _partitions(table: TableSpec, rows: pa.Table) -> str:
    """A predicate over the partitions that `rows` stand in."""
    values = rows.select(list(table.partition_by)).to_pylist()
    clauses = {
        " AND ".join("`{}` = '{}'".format(n, str(v).replace("'", "''")) for n, v in row.items())
        for row in values
    }
    return " OR ".join(f"({clause})" for clause in sorted(clauses))


def _reader(table: TableSpec, batches: Iterable[pa.RecordBatch]) -> pa.RecordBatchReader:
    schema = table.schema

    def cast() -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield batch if batch.schema == schema else batch.select(schema.names).cast(schema)

    return pa.RecordBatchReader.from_batches(schema, cast())
