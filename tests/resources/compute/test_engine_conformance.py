"""What every engine must do for the steps; run over each engine the machine can start."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import functions as F

from feedback_assets.contracts.tables import TABLES
from feedback_assets.pipeline.arrow_map import frame_of, map_arrow
from resources.compute.base import SparkEngine
from resources.compute.connect import ConnectEngine, SailEngine
from resources.lakehouse.delta import DeltaLakehouse

NUMBERS = pa.table({"day": ["a", "a", "b"], "n": [1, 2, 3]})


@pytest.fixture(params=["sail", "address"])
def spark(request: pytest.FixtureRequest, engine: SailEngine) -> Iterator[SparkEngine]:
    """The embedded engine, and the same server reached by its address."""
    if request.param == "sail":
        yield engine
        return
    engine.session()
    assert engine._server is not None
    host, port = engine._server.listening_address
    yield ConnectEngine(f"sc://{host}:{port}")


def collected(spark: SparkEngine, frame: object) -> list[dict[str, object]]:
    batches = list(spark.stream(frame))  # type: ignore[arg-type]
    return pa.Table.from_batches(batches).to_pylist() if batches else []


def test_python_over_arrow_batches(spark: SparkEngine) -> None:
    def double(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pydict({"m": [2 * n for n in batch.column("n").to_pylist()]})

    frame = frame_of(spark.session(), NUMBERS)
    found = collected(spark, map_arrow(frame, double, pa.schema([("m", pa.int64())])))
    assert sorted(row["m"] for row in found) == [2, 4, 6]  # type: ignore[type-var]


def test_an_error_in_python_comes_back_with_its_words(spark: SparkEngine) -> None:
    def fails(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        raise ValueError("line 7 is upside down")

    frame = map_arrow(frame_of(spark.session(), NUMBERS), fails, NUMBERS.schema)
    with pytest.raises(Exception, match="line 7 is upside down"):
        list(spark.stream(frame))


def test_windows_and_groups(spark: SparkEngine) -> None:
    frame = frame_of(spark.session(), NUMBERS).groupBy("day").agg(F.sum("n").alias("n"))
    assert {row["day"]: row["n"] for row in collected(spark, frame)} == {"a": 3, "b": 3}


def test_an_empty_table_keeps_its_schema(spark: SparkEngine) -> None:
    frame = frame_of(spark.session(), TABLES["gold_topics"].schema.empty_table())
    assert frame.columns == list(TABLES["gold_topics"].column_names)
    assert frame.count() == 0


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_reads_what_deltalake_committed(spark: SparkEngine, table: object, tmp_path: Path) -> None:
    lakehouse = DeltaLakehouse(str(tmp_path))
    contract = TABLES[table.name]  # type: ignore[attr-defined]
    lakehouse.append(contract, [one_row(contract.schema)])
    frame = spark.session().read.format("delta").load(lakehouse.uri(contract.name))
    (row,) = collected(spark, frame)
    assert set(row) == set(contract.column_names)
    assert row.get("day", dt.date(2026, 6, 1)) == dt.date(2026, 6, 1)


def one_row(schema: pa.Schema) -> pa.RecordBatch:
    """A row of plain values of each column's type."""
    row = {field.name: value_of(field.type) for field in schema}
    return pa.RecordBatch.from_pylist([row], schema=schema)


def value_of(kind: pa.DataType) -> object:
    if pa.types.is_struct(kind):
        return {field.name: value_of(field.type) for field in kind}
    if pa.types.is_map(kind):
        return [(value_of(kind.key_type), value_of(kind.item_type))]
    if pa.types.is_list(kind):
        return [value_of(kind.value_type)]
    plain: dict[pa.DataType, object] = {
        pa.date32(): dt.date(2026, 6, 1),
        pa.string(): "word",
        pa.bool_(): True,
        pa.timestamp("us", tz="UTC"): dt.datetime(2026, 6, 1, tzinfo=dt.UTC),
    }
    return plain.get(kind, 1)
