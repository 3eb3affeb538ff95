"""Records of .parquet files: rows as canonical JSON, for parquet has no text of its own.

Belongs here: which JSON stands for a parquet value, and what is saved of a damaged file.
Does not belong here: what the columns mean (connectors).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from resources.landing.payloads import Outcome, Record, Unreadable, too_large

_BATCH_ROWS = 512
# Arrow's own errors, and what it lets through where names in a damaged footer are not UTF-8.
_DAMAGE = (pa.ArrowException, OSError, ValueError)


def read_parquet(source: BinaryIO | pa.BufferReader, limit: int) -> Iterator[Outcome]:
    """One outcome for each row, `limit` in bytes; one for each row group that can't be read.

    `source` must be seekable. Keys are sorted; dates and times are ISO 8601, decimals exact
    text, bytes their UTF-8 text or else base64, NaN and infinities null.
    """
    try:
        file = pq.ParquetFile(
            source, page_checksum_verification=True, coerce_int96_timestamp_unit="us"
        )
        names = file.schema_arrow.names
    except _DAMAGE as error:
        yield _broken(1, f"not readable as parquet ({_first_line(error)})")
        return
    if len(set(names)) != len(names):
        yield _broken(1, "two columns have the same name")
        return
    first = 1
    for group in range(file.num_row_groups):
        row, end = first, first + file.metadata.row_group(group).num_rows
        try:
            for batch in file.iter_batches(_BATCH_ROWS, row_groups=[group], use_threads=False):
                for outcome in _batch_outcomes(batch, row, limit):
                    yield outcome
                    row += 1
        except _DAMAGE as error:
            yield _broken(row, f"rows {row} to {end - 1} are damaged ({_first_line(error)})")
        else:
            # A damaged footer can make Arrow read too few rows without a word.
            if row != end:
                yield _broken(row, f"rows {first} to {end - 1} are announced, {row - first} found")
        first = end
    if first - 1 != file.metadata.num_rows:
        announced = file.metadata.num_rows
        yield _broken(first, f"the file announces {announced} rows, its row groups {first - 1}")


def _broken(row: int, found: str) -> Unreadable:
    reason = f"broken_parquet: {found}; the file may still be written, or have it delivered again"
    return Unreadable(row, reason, "")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _batch_outcomes(batch: pa.RecordBatch, first: int, limit: int) -> Iterator[Outcome]:
    try:
        rows: list[dict[str, Any]] = batch.to_pylist()
    except (ValueError, OverflowError):
        # Some value has no Python form (text that is not UTF-8, the year 20000): row by row.
        for at in range(batch.num_rows):
            yield _single_row(batch.slice(at, 1), first + at, limit)
        return
    for at, row in enumerate(rows):
        yield _outcome(row, first + at, limit)


def _single_row(batch: pa.RecordBatch, line: int, limit: int) -> Outcome:
    row: dict[str, Any] = {}
    reason = None
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            row[name] = column[0].as_py()
        except UnicodeDecodeError as error:
            reason = (
                f"invalid_encoding: column {name!r} is not UTF-8 ({error.reason}); "
                "have the file exported as UTF-8"
            )
            row[name] = _undecodable(column)
        except (ValueError, OverflowError) as error:
            reason = (
                f"broken_parquet: column {name!r} holds a value out of range "
                f"({_first_line(error)}); have the row exported again"
            )
            row[name] = None
    if reason is None:
        return _outcome(row, line, limit)
    return Unreadable(line, reason, _canonical(row).decode())


def _undecodable(column: pa.Array[Any]) -> str | None:
    """Text that is not UTF-8, as far as it stands in the column itself and not nested in it."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return None
    raw: bytes = column.cast(pa.large_binary())[0].as_py()
    return raw.decode("utf-8", "backslashreplace")


def _outcome(row: dict[str, Any], line: int, limit: int) -> Outcome:
    payload = _canonical(row)
    if len(payload) > limit:
        return Unreadable(line, too_large(len(payload), limit), payload.decode())
    return Record(line, payload.decode(), "parquet", None, orjson.loads(payload))


def _canonical(row: dict[str, Any]) -> bytes:
    return orjson.dumps(row, default=_plain, option=orjson.OPT_SORT_KEYS)


def _plain(value: Any) -> str:
    """What stands in JSON for a value orjson does not know."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    if isinstance(value, datetime | date | time):  # subclasses, such as nanosecond timestamps
        return value.isoformat()
    return str(value)
