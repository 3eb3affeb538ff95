"""What is asked of one JVM Spark beyond the path; prints the answers as JSON.

    python -m tests.parity.in_a_jvm jvm FOLDER

Belongs here: how `ActiveEngine` behaves on a cluster's session, and tables that Spark's own Delta
writer and delta-rs write in turn. Does not belong here: what the answers should be
(test_in_a_jvm.py).
"""

from __future__ import annotations

import datetime as dt
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
from deltalake import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from feedback_assets.contracts.tables import TABLES
from feedback_assets.pipeline.arrow_map import frame_of, map_arrow
from resources.compute.base import SparkEngine
from resources.lakehouse.delta import DeltaLakehouse
from tests.parity.engines import start

RESULT = {"jvm": "32m", "jvm-connect": "1g"}
"""``spark.driver.maxResultSize`` by engine: what the driver takes of one job's results. A Spark
Connect server counts all that it streams to the client as one."""
STREAMED = pa.schema([("n", pa.int64()), ("filler", pa.binary())])
ROWS, FILLER = 128_000, 1_000
"""Rows streamed and bytes of each: 128 MB."""
TABLE = TABLES["insights_daily"]
TUESDAY, WEDNESDAY = dt.date(2026, 6, 2), dt.date(2026, 6, 3)


def main() -> None:
    """Ask everything and print it."""
    engine = start(
        sys.argv[1],
        spark__driver__maxResultSize=RESULT[sys.argv[1]],
        spark__sql__adaptive__advisoryPartitionSizeInBytes="8m",
    )
    folder = Path(sys.argv[2])
    answers = {
        "zone": _zone(engine),
        "stream": _stream(engine),
        "error": _error(engine),
        "empty": [batch.num_rows for batch in engine.stream(_rows(engine).where("n < 0"))],
        "tables": _tables(engine, DeltaLakehouse(str(folder))),
        "stopped": _stopped(engine),
    }
    sys.stdout.write(orjson.dumps(answers).decode() + "\n")


def _zone(engine: SparkEngine) -> dict[str, str]:
    given = SparkSession.builder.getOrCreate().conf.get("spark.sql.session.timeZone")
    return {
        "given": str(given),
        "set": str(engine.session().conf.get("spark.sql.session.timeZone")),
    }


def _rows(engine: SparkEngine) -> Any:
    def fill(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        import random

        numbers = batch.column("n")
        # Bytes of chance: what can be compressed would say nothing of size.
        filler = [random.Random(n).randbytes(FILLER) for n in numbers.to_pylist()]
        yield pa.RecordBatch.from_arrays([numbers, pa.array(filler, pa.binary())], schema=STREAMED)

    numbers = engine.session().range(0, ROWS, 1, 8).select(F.col("id").alias("n"))
    return map_arrow(numbers, fill, STREAMED)


def _stream(engine: SparkEngine) -> dict[str, Any]:
    """Four times what a classic driver takes of one job, streamed, then asked for in one piece."""
    frame = _rows(engine)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seen = total = batches = 0
    for batch in engine.stream(frame):
        batches += 1
        seen += batch.num_rows
        total += sum(batch.column("n").to_pylist())
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    try:
        at_once = f"{frame.toArrow().num_rows} rows"
    except Exception as error:  # Told apart by its words in the test.
        at_once = str(error)
    return {"rows": seen, "sum": total, "batches": batches, "mib": grown, "at once": at_once}


def _error(engine: SparkEngine) -> str:
    def fails(_batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        raise ValueError("line 7 is upside down")

    try:
        list(engine.stream(map_arrow(engine.session().range(3), fails, STREAMED)))
    except Exception as error:  # Told apart by its words in the test.
        return str(error)
    return ""


def _insight(day: dt.date, source: str, items: int) -> dict[str, Any]:
    return {
        "day": day, "source": source, "primary_category": "payment", "sentiment": "negative",
        "severity": "high", "lane": "fast", "items": items, "auto_approved": 0, "pending": 0,
        "mean_rating": None,
    }  # fmt: skip


def _tables(engine: SparkEngine, lakehouse: DeltaLakehouse) -> dict[str, Any]:
    """One table written by both in turn, and read by both after each turn."""
    uri = lakehouse.uri(TABLE.name)
    seen = []

    def look(turn: str) -> None:
        spark = engine.session().read.format("delta").load(uri)
        by_spark = sorted((str(r.day), r.source, r.items) for r in spark.collect())
        by_rust = sorted(
            (str(r["day"]), r["source"], r["items"])
            for r in lakehouse.scan(TABLE.name).read_all().to_pylist()
        )
        seen.append([turn, by_spark, by_rust])

    def by_rust(*rows: dict[str, Any]) -> None:
        where = f"day = '{rows[0]['day']}' AND source = '{rows[0]['source']}'"
        batch = pa.RecordBatch.from_pylist(list(rows), schema=TABLE.schema)
        lakehouse.replace(TABLE, where, [batch])

    def by_spark(*rows: dict[str, Any]) -> None:
        nullable = pa.schema([pa.field(f.name, f.type) for f in TABLE.schema])
        frame = frame_of(engine.session(), pa.Table.from_pylist(list(rows), schema=nullable))
        where = f"day = DATE '{rows[0]['day']}' AND source = '{rows[0]['source']}'"
        frame.write.format("delta").mode("overwrite").option("replaceWhere", where).save(uri)

    by_rust(_insight(TUESDAY, "zendesk", 1))
    by_rust(_insight(WEDNESDAY, "ü 100%/=", 2))
    look("delta-rs")
    by_spark(_insight(TUESDAY, "zendesk", 3))
    look("Spark replaces")
    by_spark(_insight(TUESDAY, "survey", 4))
    by_rust(_insight(TUESDAY, "zendesk", 5))
    look("delta-rs replaces what Spark wrote")
    engine.session().sql(f"DELETE FROM delta.`{uri}` WHERE source = 'survey'")
    look("Spark deletes")
    lakehouse.append(
        TABLE, [pa.RecordBatch.from_pylist([_insight(WEDNESDAY, "survey", 6)], schema=TABLE.schema)]
    )
    engine.session().sql(f"OPTIMIZE delta.`{uri}`").collect()
    by_rust(_insight(WEDNESDAY, "survey", 7))
    look("delta-rs after Spark's OPTIMIZE")
    protocol = DeltaTable(uri).protocol()
    return {
        "seen": seen,
        "reader": protocol.min_reader_version,
        "writer": protocol.min_writer_version,
        "features": sorted(protocol.writer_features or ()),
    }


def _stopped(engine: SparkEngine) -> int:
    session = engine.session()
    engine.stop()
    return session.range(5).count()


if __name__ == "__main__":
    main()
