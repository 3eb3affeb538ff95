"""The contract check on tables whose columns are not those of their contract."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from feedback_assets.contracts.columns import Column
from feedback_assets.contracts.tables import TABLES
from feedback_assets.pipeline.contract_schema import schema_problems
from resources.lakehouse.delta import DeltaLakehouse
from tests.pipeline.contract_tables import batch, item, put, told

STRUCT = pa.struct([("start", pa.int64()), ("quote", pa.string()), ("page", pa.int32())])
RETYPED: dict[tuple[str, str], pa.DataType] = {
    ("silver_feedback", "rating"): pa.string(),
    ("silver_feedback", "day"): pa.string(),
    ("silver_feedback", "pii_types"): pa.list_(pa.int64()),
    ("silver_feedback", "source_metadata"): pa.map_(pa.string(), pa.float64()),
    ("gold_topics", "evidence_spans"): pa.list_(STRUCT),
    ("gold_topics", "provenance"): pa.string(),
}


@pytest.fixture
def lake(tmp_path: Path) -> DeltaLakehouse:
    return DeltaLakehouse(str(tmp_path))


def stored_otherwise(lake: DeltaLakehouse, name: str, **changes: Any) -> None:
    """Create a table with other columns, or otherwise partitioned, than its contract says."""
    lake.ensure(replace(TABLES[name], **changes))


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (("silver_feedback", "rating"), ["column 'rating' is string, the contract says double"]),
        (("silver_feedback", "day"), ["column 'day' is string, the contract says date32[day]"]),
        (("silver_feedback", "pii_types"), ["column 'pii_types[]' is int64, the contract says"]),
        (
            ("silver_feedback", "source_metadata"),
            ["column 'source_metadata.value' is double, the contract says string"],
        ),
        (
            ("gold_topics", "evidence_spans"),
            [
                "column 'evidence_spans[].start' is int64, the contract says int32",
                "column 'evidence_spans[].end' is missing",
                "column 'evidence_spans[].page' is not in the contract",
            ],
        ),
        (
            ("gold_topics", "provenance"),
            ["column 'provenance' is string, the contract says struct<tier: string, model_ver"],
        ),
    ],
)
def test_a_retyped_column_is_named(
    lake: DeltaLakehouse, place: tuple[str, str], words: list[str]
) -> None:
    name, column = place
    columns = tuple(
        replace(c, type=RETYPED[place]) if c.name == column else c for c in TABLES[name].columns
    )
    stored_otherwise(lake, name, columns=columns)
    found = told(lake, name)
    assert all(word in found for word in words), found
    assert found.count("column '") == len(words)
    assert found.endswith(f"give {name} the columns of its contract again, or change the contract")


def test_added_removed_and_narrowed_columns_are_named(lake: DeltaLakehouse) -> None:
    columns = [c for c in TABLES["silver_feedback"].columns if c.name != "language"]
    columns = [replace(c, nullable=False) if c.name == "rating" else c for c in columns]
    columns.append(Column("mood", pa.string(), "Somebody's idea"))
    stored_otherwise(lake, "silver_feedback", columns=tuple(columns))
    assert told(lake, "silver_feedback").split("; ")[:3] == [
        "column 'language' is missing",
        "column 'rating' takes no nulls, the contract allows them",
        "column 'mood' is not in the contract",
    ]


def test_a_message_about_many_columns_stays_short(lake: DeltaLakehouse) -> None:
    columns = TABLES["silver_feedback"].columns[:3]
    stored_otherwise(lake, "silver_feedback", columns=columns)
    found = told(lake, "silver_feedback")
    assert "column 'native_id' is missing" in found
    assert f"; and {len(TABLES['silver_feedback'].columns) - 3 - 5} more; " in found
    assert len(found) < 400


@pytest.mark.parametrize("partition_by", [(), ("source",)])
def test_another_partitioning_is_named(lake: DeltaLakehouse, partition_by: tuple[str, ...]) -> None:
    table = replace(TABLES["triage"], partition_by=partition_by)
    lake.append(table, [batch(table, item(1))])
    stored = ", ".join(partition_by) or "nothing"
    assert f"partitioned by {stored}, the contract says day, source" in told(lake, "triage")


def test_readers_variants_of_a_type_are_the_type() -> None:
    table = TABLES["gold_topics"]
    large = {pa.string(): pa.string_view(), pa.list_(pa.string()): pa.large_list(pa.large_string())}
    stored = pa.schema(
        [field.with_type(large.get(field.type, field.type)) for field in table.schema]
    )
    assert stored != table.schema
    assert schema_problems(table, stored) == []


def test_a_referred_table_with_other_columns_fails_the_check_and_does_not_break_it(
    lake: DeltaLakehouse,
) -> None:
    columns = tuple(c for c in TABLES["silver_feedback"].columns if c.name != "duplicate_of")
    stored_otherwise(lake, "silver_feedback", columns=columns)
    put(lake, "gold_topics", item(1))
    found = told(lake, "gold_topics")
    assert found == "silver_feedback can't be looked at: column 'duplicate_of' is missing"
