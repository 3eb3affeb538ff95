"""Which fields payloads bear, and of what type."""

from __future__ import annotations

from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_assets.quality.payload_fields import (
    COLUMNS,
    LONGEST_NAME,
    MOST_FIELDS,
    UNREADABLE,
    count_fields,
    fields_of,
)
from tests.conftest import DAY

NAMES = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)


def test_json_types_of_top_level_fields() -> None:
    payload = (
        '{"id": 3, "score": 4.5, "text": "x", "tags": ["a"], "user": {"name": "n"}, "v": null,'
        ' "ok": true}'
    )
    assert fields_of(payload, "json", None) == {
        "id: number", "score: number", "text: string", "tags: array", "user: object", "v: null",
        "ok: boolean",
    }  # fmt: skip


def test_fields_of_csv_are_strings() -> None:
    assert fields_of("7,", "csv", "score,How was it?") == {"score: string", "How was it?: string"}


@pytest.mark.parametrize(
    ("payload", "kind", "header"),
    [("{", "json", None), ("[1]", "json", None), ('{"a": NaN}', "json", None), ("1", "csv", None),
     ("1,2,3", "csv", "a,b"), ('{"a": "\\ud800"}', "json", None), ("{}", "xml", None)],
)  # fmt: skip
def test_what_can_no_longer_be_read_is_told(payload: str, kind: str, header: str | None) -> None:
    assert fields_of(payload, kind, header) == {UNREADABLE}


@given(st.dictionaries(NAMES, VALUES, max_size=8))
def test_any_record_has_one_type_a_field(record: dict[str, Any]) -> None:
    found = fields_of(orjson.dumps(record).decode(), "json", None)
    assert {name.rpartition(": ")[0] for name in found} == set(record)
    assert len(found) == len(record)


def test_neither_many_fields_nor_long_names_blow_up() -> None:
    many = orjson.dumps({f"f{n}": n for n in range(50_000)}).decode()
    assert len(fields_of(many, "json", None)) == MOST_FIELDS
    (found,) = fields_of(orjson.dumps({"n" * 1_000_000: 1}).decode(), "json", None)
    assert found == "n" * LONGEST_NAME + ": number"


def test_fields_are_counted_by_payload() -> None:
    rows = [
        {"payload": '{"a": 1, "b": 2}', "payload_format": "json", "payload_header": None},
        {"payload": '{"a": "1"}', "payload_format": "json", "payload_header": None},
        {"payload": '{"a": 2}', "payload_format": "json", "payload_header": None},
    ]
    batch = pa.RecordBatch.from_pylist(
        [{"day": DAY, "source": "survey", **row} for row in rows]
    ).select(list(COLUMNS))
    (found,) = count_fields(batch)
    assert {(r["feature"], r["bin"]): r["items"] for r in found.to_pylist()} == {
        ("field", "a: number"): 2, ("field", "b: number"): 1, ("field", "a: string"): 1,
    }  # fmt: skip
