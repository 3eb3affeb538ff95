"""Records of .parquet files: rows as canonical JSON, and what breaks them."""

from __future__ import annotations

import datetime as dt
import gzip
import io
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.landing.records import Record, Unreadable, parse_payload, read_records


def parquet(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def read(data: bytes, name: str = "f.parquet", limit: int = 10_000) -> list[Record | Unreadable]:
    return list(read_records(io.BytesIO(data), name, (), limit))


def codes(outcomes: list[Record | Unreadable]) -> list[str]:
    return ["record" if isinstance(o, Record) else o.reason.split(":")[0] for o in outcomes]


def test_a_row_is_canonical_json() -> None:
    columns: dict[str, pa.Array[Any]] = {
        "z": pa.array(["é"]),
        "a": pa.array([2**63], pa.uint64()),
        "day": pa.array([dt.date(2026, 4, 13)]),
        "utc": pa.array([dt.datetime(2026, 4, 13, 1, 2, 3)], pa.timestamp("ms", "UTC")),
        "naive": pa.array([dt.datetime(2026, 4, 13, 1, 2, 3, 5)], pa.timestamp("us")),
        "nano": pa.array([1_776_042_123_000_000_001], pa.timestamp("ns")),
        "clock": pa.array([dt.time(1, 2, 3)]),
        "price": pa.array([Decimal("1.50")]),
        "text": pa.array(["naïve".encode()], pa.binary()),
        "blob": pa.array([b"\xff\x00"], pa.binary()),
        "nan": pa.array([float("nan")]),
        "nested": pa.array([{"y": [1, None], "b": {"c": True}}]),
    }
    (record,) = read(parquet(pa.table(columns)))
    assert isinstance(record, Record)
    assert record.payload == (
        '{"a":9223372036854775808,"blob":"/wA=","clock":"01:02:03","day":"2026-04-13",'
        '"naive":"2026-04-13T01:02:03.000005","nan":null,'
        '"nano":"2026-04-13T01:02:03.000000001","nested":{"b":{"c":true},"y":[1,null]},'
        '"price":"1.50","text":"naïve","utc":"2026-04-13T01:02:03+00:00","z":"é"}'
    )
    assert (record.line, record.payload_format, record.payload_header) == (1, "parquet", None)
    assert parse_payload(record.payload, "parquet", None) == record.value


@pytest.mark.parametrize("name", ["f.parquet", "f.parquet.gz"])
def test_rows_are_numbered_through_row_groups(name: str) -> None:
    data = parquet(pa.table({"id": range(2_000)}), row_group_size=700)
    outcomes = read(gzip.compress(data) if name.endswith("gz") else data, name)
    assert [(o.line, o.value["id"]) for o in outcomes if isinstance(o, Record)] == [
        (at + 1, at) for at in range(2_000)
    ]


def test_a_row_over_the_limit_is_kept_whole() -> None:
    outcomes = read(parquet(pa.table({"text": ["a", "x" * 100, "b"]})), limit=50)
    assert codes(outcomes) == ["record", "record_too_large", "record"]
    assert isinstance(outcomes[1], Unreadable)
    assert outcomes[1].raw == '{"text":"' + "x" * 100 + '"}'


def test_text_that_is_not_utf8_costs_one_row() -> None:
    raw = pa.array([b"a", b"caf\xe9", b"c"], pa.binary())
    text = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    outcomes = read(parquet(pa.table({"id": [1, 2, 3], "text": text})))
    assert codes(outcomes) == ["record", "invalid_encoding", "record"]
    assert isinstance(outcomes[1], Unreadable)
    assert (outcomes[1].line, outcomes[1].raw) == (2, '{"id":2,"text":"caf\\\\xe9"}')


def test_a_value_python_cannot_hold_costs_one_row() -> None:
    far = pa.array([0, 2**62, 0], pa.timestamp("us"))
    outcomes = read(parquet(pa.table({"id": [1, 2, 3], "at": far})))
    assert codes(outcomes) == ["record", "broken_parquet", "record"]
    assert isinstance(outcomes[1], Unreadable)
    assert outcomes[1].raw == '{"at":null,"id":2}'


def test_a_damaged_row_group_costs_no_other() -> None:
    table = pa.table({"id": [f"value {at}" for at in range(300)]})
    options = {"row_group_size": 100, "use_dictionary": False, "compression": "none"}
    data = bytearray(parquet(table, **options, write_page_checksum=True))
    data[data.index(b"value 150")] ^= 0xFF
    outcomes = read(bytes(data))
    assert codes(outcomes) == ["record"] * 100 + ["broken_parquet"] + ["record"] * 100
    assert outcomes[100].line == 101
    assert outcomes[101].line == 201


@pytest.mark.parametrize("data", [b"", b"PAR1", b"no parquet at all"])
def test_a_file_that_is_not_parquet_says_so(data: bytes) -> None:
    assert codes(read(data)) == ["broken_parquet"]


def test_a_file_that_breaks_off_says_so_once() -> None:
    data = parquet(pa.table({"id": [1, 2, 3]}))
    assert codes(read(data[:-20])) == ["broken_parquet"]
    assert codes(read(gzip.compress(data)[:-20], "f.parquet.gz")) == ["truncated_gzip"]
    wrong_checksum = gzip.compress(data)[:-8] + b"\0" * 8
    assert codes(read(wrong_checksum, "f.parquet.gz")) == ["record"] * 3 + ["broken_gzip"]


def test_two_columns_of_one_name_are_refused() -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    assert codes(read(parquet(table))) == ["broken_parquet"]


def test_flipped_bytes_never_raise() -> None:
    data = parquet(pa.table({"id": range(40), "text": ["good"] * 40}))
    for at in range(0, len(data), 3):
        damaged = bytearray(data)
        damaged[at] ^= 0x55
        assert read(bytes(damaged)), at
