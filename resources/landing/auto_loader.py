"""Databricks Auto Loader watching the landing zone, so that nobody has to list it.

Belongs here: its options, and what it tells of a file. Does not belong here: what is done with
that (fast_lane/arrivals_watch.py).

Auto Loader (the Structured Streaming source ``cloudFiles``) exists on Databricks only. It finds
new files by listing the folder in a smart way, or, with `notifications`, by events of the object
store, for which it sets up a queue. Either way it keeps account of what it has seen in its
checkpoint. Of a file only its name, size and time are asked for, never its content.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from resources.landing.zone import LandingFile

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

TOLD = ("file_path", "file_size", "file_modification_time")


@dataclass(frozen=True, slots=True)
class Watching:
    """How the landing zone is watched.

    `notifications`: by events of the object store in place of listing. `every` a new look is
    taken; without it, what is new is told once and the watch ends, as a scheduled job wants it.
    """

    landing_root: str
    checkpoint: str
    notifications: bool = False
    every: dt.timedelta | None = None

    @property
    def options(self) -> dict[str, str]:
        """Options of the source ``cloudFiles``."""
        return {
            # Of a binary file the content is a column of its own, which nobody selects.
            "cloudFiles.format": "binaryFile",
            "cloudFiles.useNotifications": "true" if self.notifications else "false",
            "cloudFiles.includeExistingFiles": "true",
            # A file that grows arrives again.
            "cloudFiles.allowOverwrites": "true",
        }

    @property
    def trigger(self) -> dict[str, Any]:
        """When the stream looks."""
        if self.every is None:
            return {"availableNow": True}
        return {"processingTime": f"{int(self.every.total_seconds())} seconds"}


def watch(
    session: SparkSession, watching: Watching, tell: Callable[[list[LandingFile]], None]
) -> None:
    """Hand new files to `tell`, batch by batch, until the watch ends. Needs Databricks."""

    def each(batch: DataFrame, _number: int) -> None:
        files = landing_files(watching.landing_root, (row.asDict() for row in batch.collect()))
        if files:
            tell(files)

    stream = (
        session.readStream.format("cloudFiles")
        .options(**watching.options)
        .load(watching.landing_root)
        .select(*[f"_metadata.{name}" for name in TOLD])
    )
    query = (
        stream.writeStream.foreachBatch(each)
        .option("checkpointLocation", watching.checkpoint)
        .trigger(**watching.trigger)
        .start()
    )
    query.awaitTermination()


def landing_files(root: str, told: Iterable[Mapping[str, Any]]) -> list[LandingFile]:
    """Landing files of what the source tells, which is URLs, once each, by name.

    What does not stand at ``<root>/<source>/<YYYY-MM-DD>/`` or is still being written (its name
    starts with . or _) is no landing file. Raises `ValueError` for a file outside of `root`.
    """
    found: dict[str, LandingFile] = {}
    for row in told:
        path = _below(root, row["file_path"])
        source, _, rest = path.partition("/")
        day, _, name = rest.partition("/")
        if not name or "/" in name or name.startswith((".", "_")):
            continue
        try:
            received = dt.date.fromisoformat(day)
        except ValueError:
            continue
        modified: dt.datetime = row["file_modification_time"]
        if modified.tzinfo is None:
            # Spark hands times over in the session's zone, which the project sets to UTC.
            modified = modified.replace(tzinfo=dt.UTC)
        found[path] = LandingFile(path, source, received, int(row["file_size"]), modified)
    return [found[path] for path in sorted(found)]


def _below(root: str, url: str) -> str:
    path, base = _plain(url), _plain(root).rstrip("/") + "/"
    if not path.startswith(base):
        raise ValueError(f"{url} does not lie under the landing zone {root}")
    return path[len(base) :]


def _plain(url: str) -> str:
    """A URL without its escapes, and without the scheme where that only says that it is a file."""
    parts = urlsplit(url)
    if parts.scheme in ("", "file", "dbfs"):
        return unquote(parts.path)
    return f"{parts.scheme}://{parts.netloc}{unquote(parts.path)}"
