"""Bronze: landing files to one row an item, payload byte for byte.

Belongs here: reading files through Spark, naming items, and telling what is new.
Does not belong here: splitting files into records (records.py) and vendors' shapes.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from feedback_assets.contracts.columns import DATE, STRING, TIMESTAMP
from feedback_assets.contracts.identity import feedback_id, sha256_hex
from feedback_assets.contracts.tables import BRONZE_FEEDBACK
from feedback_assets.pipeline.arrow_map import frame_of, map_arrow
from feedback_assets.pipeline.step import Step, StepContext
from resources.connectors.base import Connector, UnreadableItem
from resources.landing.records import Record, Unreadable, read_records
from resources.landing.zone import LandingZone

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

LISTING = pa.schema([("path", STRING), ("source", STRING), ("day", DATE), ("modified", TIMESTAMP)])
READ = pa.schema(
    [
        *[pa.field(f.name, f.type) for f in BRONZE_FEEDBACK.schema],
        ("_quarantined", STRING),
        ("_raw", STRING),
    ]
)
BATCH_ROWS = 4096
BATCH_BYTES = 32 << 20
CLOCK_SKEW = dt.timedelta(days=2)


def land(context: StepContext) -> DataFrame:
    """Items of the landing files that Bronze doesn't hold yet, and what can't be read."""
    from pyspark.sql import functions as F

    runtime = context.runtime
    zone = runtime.landing
    files = [f for p in context.partitions for f in zone.files(p.source, p.day)]
    listing = pa.table(
        {
            "path": [f.path for f in files],
            "source": [f.source for f in files],
            "day": [f.day for f in files],
            "modified": [f.modified for f in files],
        },
        schema=LISTING,
    )
    session = runtime.engine.session()
    reader = file_reader(zone, runtime.connectors, runtime.max_record_bytes)
    records = map_arrow(frame_of(session, listing), reader, READ)
    known = (
        context.table(BRONZE_FEEDBACK.name)
        .select("origin", "payload_sha256")
        .withColumn("_known", F.lit(True))
    )
    return records.join(known, ["origin", "payload_sha256"], "left").withColumn(
        "_dropped", F.when(F.col("_known"), F.lit("already_landed"))
    )


def file_reader(
    zone: LandingZone, connectors: Mapping[str, Connector], max_record_bytes: int
) -> Callable[[pa.RecordBatch], Iterator[pa.RecordBatch]]:
    """A function from a batch of listed files to batches of `READ`."""

    def read(listing: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        ingested_at = dt.datetime.now(dt.UTC)
        for file in listing.to_pylist():
            rows = _file_rows(zone, file, connectors[file["source"]], max_record_bytes)
            yield from _batches(rows, ingested_at)

    return read


def _file_rows(
    zone: LandingZone, file: Mapping[str, Any], connector: Connector, max_record_bytes: int
) -> Iterator[dict[str, Any]]:
    seen: Counter[str] = Counter()
    lines: Counter[int] = Counter()
    base = {"day": file["day"], "source": file["source"], "received_at": file["modified"]}
    with zone.open(file["path"]) as stream:
        for record in read_records(stream, file["path"], connector.containers, max_record_bytes):
            row = {**base, "origin": _origin(file["path"], record.line, lines)}
            if isinstance(record, Unreadable):
                yield {**row, "_quarantined": record.reason, "_raw": record.raw}
            else:
                yield {**row, **_item(record, connector, file, seen)}


def _origin(path: str, line: int, lines: Counter[int]) -> str:
    # Records of a compact JSON file can share a line; each still needs its own name.
    if line not in lines:
        lines.clear()
    lines[line] += 1
    return f"{path}#{line}" if lines[line] == 1 else f"{path}#{line}.{lines[line]}"


def _item(
    record: Record, connector: Connector, file: Mapping[str, Any], seen: Counter[str]
) -> dict[str, Any]:
    try:
        item = connector.read(record.value)
        _refuse_future(item.created_at, file["day"])
    except UnreadableItem as unreadable:
        return {"_quarantined": str(unreadable), "_raw": record.payload}
    digest = sha256_hex(record.payload)
    native_id = item.native_id
    if not native_id:
        # Items that bear no id are told apart by their place among equals, so that a file
        # delivered again names them alike, and two customers' equal words stay two.
        seen[digest] += 1
        native_id = f"sha256-{digest[:16]}-{seen[digest]}"
    return {
        "feedback_id": feedback_id(file["source"], native_id, digest),
        "native_id": native_id,
        "payload": record.payload,
        "payload_format": record.payload_format,
        "payload_header": record.payload_header,
        "payload_sha256": digest,
    }


def _refuse_future(created_at: dt.datetime | None, day: dt.date) -> None:
    end_of_day = dt.datetime.combine(day, dt.time.max, dt.UTC)
    if created_at is not None and created_at > end_of_day + CLOCK_SKEW:
        raise UnreadableItem(
            f"absurd_date: written {created_at.isoformat()}, but received on {day.isoformat()}; "
            "check the clock or the time zone of the export"
        )


def _batches(rows: Iterator[dict[str, Any]], ingested_at: dt.datetime) -> Iterator[pa.RecordBatch]:
    held: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        row["ingested_at"] = ingested_at
        held.append(row)
        size += len(row.get("payload") or row.get("_raw") or "")
        if len(held) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield pa.RecordBatch.from_pylist(held, schema=READ)
            held, size = [], 0
    if held:
        yield pa.RecordBatch.from_pylist(held, schema=READ)


# Nothing but the reader itself counts the records of a file, so there is no count to hold it to.
BRONZE = Step("bronze_feedback", (), land, commit="append", row_for_row=False)
