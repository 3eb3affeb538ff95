"""Rows told apart on their way to a table: kept, dropped by name, or quarantined.

Belongs here: the one pass over a step's output that enforces the contract and counts.
Does not belong here: why a step drops or quarantines a row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from feedback_assets.contracts.columns import Table
from feedback_assets.contracts.ledgers import QUARANTINE
from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.validation import conform, split


class SortingOut:
    """Consumes a step's batches once; afterwards holds its counts and what it quarantined."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._held: list[pa.RecordBatch] = []
        self.counts: defaultdict[Partition, dict[str, float]] = defaultdict(dict)
        self.kept_in_all = 0

    def keep(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The valid rows of `batches`, in the contract's columns and types."""
        for batch in batches:
            remaining = self._set_apart_quarantined(self._set_apart_dropped(batch))
            told = split(self._table, conform(self._table, remaining))
            if told.reasons:
                self._hold(told.invalid, told.reasons)
            self._count(told.valid, "rows_out")
            self.kept_in_all += told.valid.num_rows
            if told.valid.num_rows:
                yield told.valid

    def quarantined(self) -> pa.Table:
        """Rows for the quarantine table."""
        return pa.Table.from_batches(self._held, schema=QUARANTINE.schema)

    def _set_apart_dropped(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if "_dropped" not in batch.schema.names:
            return batch
        codes = batch.column("_dropped")
        kept = pc.is_null(codes)
        dropped = batch.filter(pc.invert(kept))
        for code in pc.unique(dropped.column("_dropped")).to_pylist():
            rows = dropped.filter(pc.equal(dropped.column("_dropped"), code))
            self._count(rows, f"dropped_{code}")
        return batch.filter(kept)

    def _set_apart_quarantined(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if "_quarantined" not in batch.schema.names:
            return batch
        reasons = batch.column("_quarantined")
        kept = pc.is_null(reasons)
        held = batch.filter(pc.invert(kept))
        if held.num_rows:
            self._hold(held, held.column("_quarantined").to_pylist())
        return batch.filter(kept)

    def _hold(self, rows: pa.RecordBatch, reasons: list[str]) -> None:
        raw = _raw(rows)
        self._held.append(
            pa.RecordBatch.from_arrays(
                [
                    rows.column("day").cast(pa.date32()),
                    rows.column("source").cast(pa.string()),
                    pa.array([self._table.name] * rows.num_rows, pa.string()),
                    _first_column(rows, ("_origin", "origin", "feedback_id")),
                    pa.array(reasons, pa.string()),
                    raw,
                ],
                schema=QUARANTINE.schema,
            )
        )
        self._count(rows, "rows_quarantined")

    def _count(self, rows: pa.RecordBatch, name: str) -> None:
        if not rows.num_rows:
            return
        grouped = (
            pa.table({"day": rows.column("day"), "source": rows.column("source")})
            .group_by(["day", "source"])
            .aggregate([([], "count_all")])
        )
        for row in grouped.to_pylist():
            tally = self.counts[Partition(row["day"], row["source"])]
            tally[name] = tally.get(name, 0) + row["count_all"]


def _first_column(rows: pa.RecordBatch, names: tuple[str, ...]) -> pa.Array:
    for name in names:
        if name in rows.schema.names:
            return rows.column(name).cast(pa.string()).fill_null("")
    return pa.array([""] * rows.num_rows, pa.string())


def _raw(rows: pa.RecordBatch) -> pa.Array:
    if "_raw" in rows.schema.names:
        return rows.column("_raw").cast(pa.string()).fill_null("")
    texts = [orjson.dumps(row, default=str).decode() for row in rows.to_pylist()]
    return pa.array(texts, pa.string())
