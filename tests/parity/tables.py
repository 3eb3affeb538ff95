"""Tables of two homes held against each other, row by row.

Belongs here: what may differ between two runs, by name, and telling what else does. Does not
belong here: how the homes were made.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from feedback_assets.contracts.tables import TABLES
from resources.lakehouse.delta import DeltaLakehouse

MAY_DIFFER: Mapping[str, frozenset[str]] = {
    # When a run did what it did.
    "bronze_feedback": frozenset({"ingested_at"}),
    "tickets": frozenset({"updated_at"}),
    "ticket_items": frozenset({"added_at"}),
    "ticket_outcomes": frozenset({"observed_at"}),
    "stage_metrics": frozenset({"recorded_at"}),
    "gate_status": frozenset({"evaluated_at", "data_version"}),
    # Fingerprints of files, whose names are random.
    "feedback_profile": frozenset({"profiled_version"}),
    # Stamped when a model answered.
    **{
        f"gold_{stage}": frozenset({"provenance.produced_at"})
        for stage in ("translation", "sentiment", "topics", "root_cause", "recommendation")
    },
}
"""By table, the columns that two runs of the same steps on the same files fill differently."""

SECONDS = {
    "stage_metrics": ("metric", "seconds"),
    "feedback_profile": ("feature", "seconds_per_item"),
}
"""By table, the rows whose `value` is how long something took."""

DIGITS = 1e-9
"""Relative difference of floating-point numbers that sums in another order may make."""


def rows_of(home: Path, table: str) -> list[dict[str, Any]]:
    """Rows of a table without what may differ, by partition, key and content."""
    lakehouse = DeltaLakehouse(str(home / "lakehouse"))
    if not lakehouse.exists(table):
        return []
    rows = [_comparable(table, row) for row in lakehouse.scan(table).read_all().to_pylist()]
    named = TABLES[table].partition_by + TABLES[table].key
    return sorted(rows, key=lambda row: (*(str(row.get(name)) for name in named), _place(row)))


def differences(one: Path, other: Path, most: int = 5) -> dict[str, list[str]]:
    """By table, how the two homes' rows differ, `most` of them told."""
    found = {}
    for table in TABLES:
        told = _told(rows_of(one, table), rows_of(other, table))
        if told:
            found[table] = [f"{len(told)} differences", *told[:most]]
    return found


def counted(home: Path) -> dict[str, int]:
    """Rows by table."""
    return {table: len(rows_of(home, table)) for table in TABLES}


def _comparable(table: str, row: dict[str, Any]) -> dict[str, Any]:
    ignored = MAY_DIFFER.get(table, frozenset())
    kept = {name: value for name, value in row.items() if name not in ignored}
    for path in ignored:
        column, _, inner = path.partition(".")
        if inner:
            kept[column] = {name: v for name, v in kept[column].items() if name != inner}
    if table in SECONDS:
        column, timed = SECONDS[table]
        if row[column] == timed:
            kept["value"] = None
    return kept


def _place(row: Mapping[str, Any]) -> str:
    """A row's content without its floats, whose last digits must not decide its place."""
    return orjson.dumps(_without_floats(row), option=orjson.OPT_SORT_KEYS, default=str).decode()


def _without_floats(value: Any) -> Any:
    if isinstance(value, float):
        return None
    if isinstance(value, dict):
        return {key: _without_floats(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_floats(inner) for inner in value]
    return value


def _told(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> list[str]:
    if len(one) != len(other):
        alone = {_place(row) for row in one} ^ {_place(row) for row in other}
        return [f"{len(one)} rows and {len(other)}", *sorted(alone)]
    return [
        f"{name}: {left.get(name)!r} and {right.get(name)!r}, in {_name(left)}"
        for left, right in zip(one, other, strict=True)
        for name in sorted(left.keys() | right.keys())
        if not same(left.get(name), right.get(name))
    ]


def _name(row: Mapping[str, Any]) -> str:
    named = ("day", "source", "feedback_id", "feature", "bin", "stage", "metric", "cluster_id")
    return " ".join(str(row[name]) for name in named if name in row)


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same, but for the last digits of floats."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=DIGITS, abs_tol=DIGITS) or (
            math.isnan(one) and math.isnan(other)
        )
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dt.datetime) and isinstance(other, dt.datetime):
        return one == other and one.tzinfo is not None and other.tzinfo is not None
    return type(one) is type(other) and bool(one == other)
