"""Reads landing files: every record of a file comes out once, readable or not.

Belongs here: which reader a file gets, and reading a stored payload again.
Does not belong here: the formats themselves (`json_records`, `csv_records`,
`parquet_records`), files and folders, and what the fields of a record mean (connectors).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import pyarrow as pa

from resources.landing.csv_records import parse_csv_payload, read_csv
from resources.landing.json_records import JsonDocument, read_jsonl
from resources.landing.landing_bytes import LandingBytes
from resources.landing.parquet_records import read_parquet
from resources.landing.payloads import (
    Outcome,
    Record,
    Unreadable,
    UnreadablePayload,
    parse_json_object,
)

__all__ = ["Record", "Unreadable", "UnreadablePayload", "parse_payload", "read_records"]

MAX_RECORD_BYTES = 1_048_576

_FORMATS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".parquet": "parquet",
}


def read_records(
    stream: BinaryIO,
    name: str,
    containers: Sequence[str] = (),
    max_record_bytes: int = MAX_RECORD_BYTES,
) -> Iterator[Record | Unreadable]:
    """Every record in `stream`, once and in the file's order; one bad record costs no other.

    The ending of `name` decides the format: .jsonl, .ndjson, .json, .csv or .parquet, each
    also with .gz. A .json file holds an array, an object with its records in a list under the
    first of `containers` that is there with one, or a single record. Blank lines are no
    records. Only .json and gzipped .parquet are held in memory whole, once.

    Nothing in the file raises; errors of the stream itself (`OSError`) do. `stream` stays open.
    """
    format_name, zipped = _format(name)
    if format_name is None:
        yield Unreadable(
            1,
            f"unsupported_file_type: {name[-80:]!r} ends in none of {', '.join(_FORMATS)} "
            "(with or without .gz); deliver one of these",
            "",
        )
        return
    landing = LandingBytes(stream, zipped)
    if format_name == "jsonl":
        yield from read_jsonl(landing.lines(), max_record_bytes)
    elif format_name == "csv":
        yield from read_csv(landing.lines(), max_record_bytes)
    elif format_name == "json":
        data = landing.whole()
        document = JsonDocument(data, containers, max_record_bytes, landing.gzip_fault)
        yield from document.read()
        return
    elif not zipped and stream.seekable():
        yield from read_parquet(stream, max_record_bytes)
    else:
        source = pa.BufferReader(landing.whole())
        for outcome in read_parquet(source, max_record_bytes):
            yield from _unless_cut(outcome, landing.gzip_fault)
    yield from landing.fault()


def _format(name: str) -> tuple[str | None, bool]:
    lower = name.lower()
    plain = lower.removesuffix(".gz")
    ending = next((ending for ending in _FORMATS if plain.endswith(ending)), None)
    return (None if ending is None else _FORMATS[ending]), plain != lower


def _unless_cut(outcome: Outcome, fault: str | None) -> Iterator[Outcome]:
    """Leaves out what is broken only because the gzip stream around it is."""
    if fault is None or isinstance(outcome, Record):
        yield outcome


def parse_payload(payload: str, payload_format: str, payload_header: str | None) -> dict[str, Any]:
    """The value of a stored payload, the same as `Record.value` was when it was read.

    Raises `UnreadablePayload` for text that is no such record, and for a format that is not
    one of ``json``, ``csv`` (with its raw header) and ``parquet``.
    """
    if payload_format in ("json", "parquet"):
        return parse_json_object(payload)
    if payload_format == "csv" and payload_header is not None:
        return dict(parse_csv_payload(payload, payload_header))
    raise UnreadablePayload(
        f"unsupported_payload_format: {payload_format!r} with"
        f"{'out' if payload_header is None else ''} a header; expected json, parquet, or csv "
        "with its header"
    )
