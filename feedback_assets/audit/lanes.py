"""What the fast lane has landed and left to the batch.

Belongs here: counting it, from the tables' logs and `stage_metrics`. Does not belong here: which
items are whose (pipeline/lanes.py), and how it is shown (status_text.py).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from feedback_assets.contracts.ledgers import STAGE_METRICS, URGENT_ITEMS
from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.tables import BRONZE_FEEDBACK, SILVER_FEEDBACK
from feedback_assets.pipeline.lanes import FAST_LANE
from feedback_assets.pipeline.rows_held import rows_by_partition
from resources.lakehouse.base import Lakehouse

NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class LeftToBatch:
    """A partition that the fast lane came to last: `items` of Bronze wait for the batch.

    `urgent` are those that the fast lane has done, or is at, since the batch was there.
    """

    day: dt.date
    source: str
    items: int
    urgent: int


def left_to_batch(lakehouse: Lakehouse) -> tuple[LeftToBatch, ...]:
    """Partitions whose latest run was the fast lane's, in order."""
    if not lakehouse.exists(STAGE_METRICS.name) or not lakehouse.exists(BRONZE_FEEDBACK.name):
        return ()
    fast: dict[Partition, dt.datetime] = {}
    batch: dict[Partition, tuple[dt.datetime, int]] = {}
    marked, counted = set(), []
    where = f"stage = '{SILVER_FEEDBACK.name}' AND metric IN ('rows_in', '{FAST_LANE}')"
    columns = ("day", "source", "metric", "value", "run_id", "recorded_at")
    for row in lakehouse.scan(STAGE_METRICS.name, columns, where).read_all().to_pylist():
        partition = Partition(row["day"], row["source"])
        run = (partition, row["run_id"], row["recorded_at"])
        if row["metric"] == FAST_LANE:
            marked.add(run)
            fast[partition] = max(row["recorded_at"], fast.get(partition, NEVER))
        else:
            counted.append((*run, int(row["value"])))
    for partition, run_id, at, rows in counted:
        if (partition, run_id, at) not in marked and at > batch.get(partition, (NEVER, 0))[0]:
            batch[partition] = (at, rows)
    landed = rows_by_partition(lakehouse, BRONZE_FEEDBACK.name) if fast else {}
    found = []
    for partition, at in sorted(fast.items()):
        ended, rows = batch.get(partition, (NEVER, 0))
        if at > ended:
            urgent = _taken_since(lakehouse, partition, ended)
            items = max(0, landed.get(partition, 0) - rows - urgent)
            found.append(LeftToBatch(partition.day, partition.source, items, urgent))
    return tuple(each for each in found if each.items or each.urgent)


def _taken_since(lakehouse: Lakehouse, partition: Partition, ended: dt.datetime) -> int:
    """Items the fast lane took, or got through, after the batch was there."""
    if not lakehouse.exists(URGENT_ITEMS.name):
        return 0
    where = f"day = '{partition.day}' AND source = '{partition.source}'"
    rows = lakehouse.scan(URGENT_ITEMS.name, ["feedback_id", "recorded_at"], where).read_all()
    return len({r["feedback_id"] for r in rows.to_pylist() if r["recorded_at"] > ended})
