"""Python over Arrow batches on any Spark, with Arrow schemas on both sides.

Belongs here: the bridge from a plain function over record batches to Spark's `mapInArrow`
and `applyInArrow`. Does not belong here: the functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType


def spark_schema(schema: pa.Schema) -> StructType:
    """The Spark schema of an Arrow schema."""
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(schema)


def map_arrow(
    frame: DataFrame,
    function: Callable[[pa.RecordBatch], Iterator[pa.RecordBatch]],
    schema: pa.Schema,
) -> DataFrame:
    """`function` applied to each batch of `frame`; its batches must have `schema`."""

    def over_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from function(batch)

    return frame.mapInArrow(over_batches, spark_schema(schema))


def frame_of(session: SparkSession, table: pa.Table) -> DataFrame:
    """A small Arrow table as a frame, its schema kept even where it has no rows."""
    return session.createDataFrame(table, schema=spark_schema(table.schema))
