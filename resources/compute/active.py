"""The Spark of the process this runs in, as a cluster gives it to a job.

Belongs here: what holds for any pyspark from 4.0 on, classic (the driver's own JVM) and Connect
(serverless). Does not belong here: starting Spark, and anything a cluster lacks: pysail,
dagster and its libraries.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

PIECE_BYTES = 8 << 20
"""About as much as one packed row holds; a message of Spark Connect takes 128 MiB."""


class ActiveEngine:
    """The session of the process; it was there before and stays when the work is done."""

    name = "active-spark"

    def __init__(self) -> None:
        self._session: SparkSession | None = None

    def session(self) -> SparkSession:
        """The process's session, its time zone set to UTC."""
        if self._session is None:
            from pyspark.sql import SparkSession

            session = SparkSession.builder.getOrCreate()
            session.conf.set("spark.sql.session.timeZone", "UTC")
            self._session = session
        return self._session

    def stream(self, frame: DataFrame) -> Iterator[pa.RecordBatch]:
        """Rows as Arrow batches, of which the driver holds one partition at a time.

        `DataFrame.toArrow` would hold them all, and `toLocalIterator` alone would make a Python
        object of each value and, in classic mode, compute one partition after the other. So
        batches are packed to bytes where they are made, and the hint has all of them computed
        side by side and laid down on the executors' disks, in partitions of like size (of
        ``spark.sql.adaptive.advisoryPartitionSizeInBytes``), before the first is fetched.
        In Connect mode the server refuses results larger than ``spark.driver.maxResultSize`` in
        all, in classic mode only single partitions that large.
        """
        packed = frame.mapInArrow(_pack, "batch binary").hint("rebalance")
        for row in packed.toLocalIterator():
            with pa.ipc.open_stream(pa.py_buffer(row[0])) as reader:
                yield from reader

    def stop(self) -> None:
        """Let go of the session. It is not ended: whoever started the process does that."""
        self._session = None


def _pack(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        if not batch.num_rows:
            continue
        rows = max(1, batch.num_rows * PIECE_BYTES // max(batch.nbytes, PIECE_BYTES))
        for first in range(0, batch.num_rows, rows):
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, batch.schema) as writer:
                writer.write_batch(batch.slice(first, rows))
            yield pa.RecordBatch.from_arrays(
                [pa.array([sink.getvalue().to_pybytes()], pa.binary())], ["batch"]
            )
