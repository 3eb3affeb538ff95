"""Spark Connect engines: Sail inside this process, or any server at an address.

Belongs here: starting and reaching an engine. Does not belong here: what runs on it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
from dagster_pyspark import LazyPySparkResource
from pyspark.sql.connect.client.retries import DefaultPolicy

from resources.storage.options import NO_OPTIONS, StorageOptions

if TYPE_CHECKING:
    from pysail.spark import SparkConnectServer
    from pyspark.sql import DataFrame, SparkSession

# Sail logs each plan at INFO; set before the server starts.
os.environ.setdefault("RUST_LOG", "error")


_RETRIES: dict[str, Any] = {"max_retries": 4, "initial_backoff": 100, "max_backoff": 1000}
"""Milliseconds. Enough for a server that is busy or starting; an error shows in seconds."""


class ConnectEngine:
    """Spark at a Spark Connect address such as ``sc://host:15002``."""

    name = "spark-connect"

    def __init__(self, address: str, settings: Mapping[str, str] | None = None) -> None:
        """`settings` are put into the session, such as those that open an object store."""
        self._address = address
        self._settings = dict(settings or {})
        self._resource: LazyPySparkResource | None = None

    def session(self) -> SparkSession:
        """The session at the address, opened at the first call.

        One of a process is shared by all engines in it; where another has ended it, it is opened
        again.
        """
        if self._resource is None or cast(Any, self._resource.spark_session).client.is_closed:
            resource = LazyPySparkResource(
                spark_config={
                    "spark.remote": self._address,
                    "spark.sql.session.timeZone": "UTC",
                }
            )
            # By default the client tries a failing plan for minutes before it shows the error.
            client = cast(Any, resource.spark_session).client
            client.set_retry_policies([DefaultPolicy(**_RETRIES)])
            for key, value in self._settings.items():
                resource.spark_session.conf.set(key, value)
            self._resource = resource
        return cast("SparkSession", self._resource.spark_session)

    def stream(self, frame: DataFrame) -> Iterator[pa.RecordBatch]:
        """Rows as the server sends them.

        `DataFrame.toArrow` would hold the whole result; the client's own iterator does not.
        """
        client = cast(Any, self.session()).client
        plan = cast(Any, frame)._plan
        for chunk in client.to_table_as_iterator(plan.to_proto(client), plan.observations):
            if isinstance(chunk, pa.Table):
                yield from chunk.to_batches()

    def stop(self) -> None:
        """End the session."""
        if self._resource is not None:
            self._resource.spark_session.stop()
            self._resource = None


class SailEngine:
    """Sail, started in this process on a loopback port. Needs no JVM.

    Sail finds an object store's options in the process's environment alone (it passes over those
    of a session or a read), so they are put there while the engine runs, under names that
    processes started meanwhile see too.
    """

    name = "sail"

    def __init__(self, storage_options: StorageOptions = NO_OPTIONS) -> None:
        self._options = storage_options
        self._environment: dict[str, str] = {}
        self._server: SparkConnectServer | None = None
        self._connect: ConnectEngine | None = None

    def session(self) -> SparkSession:
        """The session on the embedded server, which is started at the first call."""
        if self._connect is None:
            from pysail.spark import SparkConnectServer

            logging.getLogger("pyspark").setLevel(logging.ERROR)
            self._environment = os.environ.copy()
            os.environ.update(self._options.plain())
            self._server = SparkConnectServer("127.0.0.1", 0)
            self._server.start()
            host, port = self._server.listening_address
            self._connect = ConnectEngine(f"sc://{host}:{port}")
        return self._connect.session()

    def stream(self, frame: DataFrame) -> Iterator[pa.RecordBatch]:
        """Rows as the server sends them."""
        self.session()
        assert self._connect is not None
        return self._connect.stream(frame)

    def stop(self) -> None:
        """End the session and the server."""
        if self._connect is not None:
            self._connect.stop()
            self._connect = None
        if self._server is not None:
            self._server.stop()
            self._server = None
            for key in self._options.plain():
                os.environ.pop(key, None)
                os.environ.update({k: v for k, v in self._environment.items() if k == key})
