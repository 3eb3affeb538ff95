"""What compute promises: a Spark session to run DataFrame work on.

Belongs here: the protocol. Does not belong here: how one engine is started.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class SparkEngine(Protocol):
    """A way to a Spark session, opened when first asked for and kept for the process."""

    @property
    def name(self) -> str:
        """What the engine is called in logs and reports."""
        ...

    def session(self) -> SparkSession:
        """The session of this process."""
        ...

    def stream(self, frame: DataFrame) -> Iterator[pa.RecordBatch]:
        """The rows of `frame` as they are made, without holding them all."""
        ...

    def stop(self) -> None:
        """End the session and what was started for it."""
        ...
