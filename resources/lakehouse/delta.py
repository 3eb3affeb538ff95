"""Delta tables under one root, committed by deltalake (delta-rs).

Belongs here: how a commit is made safe. Does not belong here: which rows are written and why.

Commits go through delta-rs, not through the engine, because writers of disjoint partitions
must not fail each other, and each names the rows it replaces: an overwrite without a predicate
would replace the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, cast

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from resources.lakehouse.base import ConcurrentCommit, TableSpec
from resources.lakehouse.table_rules import (
    PROPERTIES,
    commit_options,
    refuse_unwritable,
)
from resources.storage.options import StorageOptions
from resources.storage.roots import kind_of, plain_path
from resources.storage.troubles import told_plainly


class DeltaLakehouse:
    """Tables at ``<root>/<name>``; `root` is a folder or an object store URL.

    Raises `ValueError` for a root where concurrent commits can't be safe (table_rules.py), and
    from all methods `StorageTrouble` where the store refuses or can't be reached.
    """

    def __init__(
        self, root: str, storage_options: StorageOptions | Mapping[str, str] | None = None
    ) -> None:
        given = storage_options
        options = given if isinstance(given, StorageOptions) else StorageOptions(given)
        self._root = plain_path(root)
        self._hidden = commit_options(self._root, options)
        self._writable: set[str] = set()

    def uri(self, name: str) -> str:
        """Where the table lives."""
        return f"{self._root}/{name}"

    def exists(self, name: str) -> bool:
        """Whether a Delta log stands at the table's place."""
        with self._told():
            return DeltaTable.is_deltatable(self.uri(name), storage_options=self._options)

    def ensure(self, table: TableSpec) -> None:
        """Create the table unless it exists; of two racing creators, one wins and both go on.

        Raises `UnwritableTable` for a table that others gave features delta-rs can't write:
        better here than after the work whose rows it should take.
        """
        if self.exists(table.name):
            self._refuse_unwritable(table.name)
            return
        try:
            with self._told():
                DeltaTable.create(
                    self.uri(table.name),
                    schema=table.schema,
                    partition_by=list(table.partition_by) or None,
                    mode="ignore",
                    name=table.name,
                    description=table.description,
                    configuration=PROPERTIES,
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
        with self._committing(table.name, f"where {predicate}"):
            write_deltalake(
                target,
                _reader(table, batches),
                mode="overwrite",
                predicate=predicate,
                commit_properties=properties,
            )

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
        with self._committing(table.name, f"({transaction})"):
            write_deltalake(
                target, _reader(table, batches), mode="append", commit_properties=properties
            )

    def merge(self, table: TableSpec, key: Sequence[str], rows: pa.Table) -> None:
        """Upsert `rows` by `key` in one commit, rewriting the partitions they stand in.

        Not delta-rs's MERGE, which writes string views that other engines can't read.
        """
        self.ensure(table)
        target = self._open(table.name)
        # Fixed before the rows are read: whoever commits in between makes this commit fail.
        properties = _at_most_once(target, f"merge {table.name}")
        where = _partitions(table, rows)
        with self._told():
            stream = target.scan(predicate=where)
            stored = pa.RecordBatchReader.from_stream(stream).read_all()
        current = pl.from_arrow(stored.select(table.schema.names).cast(table.schema))
        new = pl.from_arrow(rows.cast(table.schema))
        kept = cast(pl.DataFrame, current).join(cast(pl.DataFrame, new), on=list(key), how="anti")
        merged = pl.concat([kept, cast(pl.DataFrame, new)]).to_arrow().cast(table.schema)
        with self._committing(table.name):
            write_deltalake(
                target, merged, mode="overwrite", predicate=where, commit_properties=properties
            )

    def scan(
        self, name: str, columns: Sequence[str] | None = None, predicate: str | None = None
    ) -> pa.RecordBatchReader:
        """Stream matching rows."""
        table = self._open(name)
        with self._told():
            stream = table.scan(
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
            with self._told():
                return DeltaTable(self.uri(name), storage_options=self._options)
        except TableNotFoundError as error:
            raise FileNotFoundError(
                f"no table {name!r} under {self._root}: run the pipeline first (feedback run)"
            ) from error

    @property
    def _options(self) -> dict[str, str]:
        return {} if kind_of(self._root) == "folder" else self._hidden.plain()

    def _told(self) -> AbstractContextManager[None]:
        return told_plainly(self._root, self._hidden)

    @contextmanager
    def _committing(self, name: str, where: str = "") -> Iterator[None]:
        try:
            with self._told():
                yield
        except CommitFailedError as error:
            if "Unsupported table features" in str(error):
                # Not a race, which would be run again: somebody altered the table since `ensure`.
                self._writable.discard(name)
                self._refuse_unwritable(name)
            raise ConcurrentCommit(f"{name} {where}: {error}") from error

    def _refuse_unwritable(self, name: str) -> None:
        if name not in self._writable:
            refuse_unwritable(self.uri(name), self._open(name).protocol().writer_features)
            self._writable.add(name)


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
