"""Which partitions the gate admits to tickets, and what is told of those an operator let through.

Belongs here: the gate as tickets meet it. Does not belong here: verdicts and overrides
(pipeline), and a ticket's words (draft.py).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from feedback_assets.contracts.partitions import Partition
from feedback_assets.pipeline.gate import openings
from feedback_assets.pipeline.lanes import taken
from feedback_assets.pipeline.step import StepContext

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

LetThrough = Mapping[Partition, Sequence[str]]
"""By partition that only operators' overrides admit, what is told of each override."""


PATIENCE = timedelta(seconds=90)
"""How long a verdict is waited for that the partition's other lane is about to give."""
LOOKED_EVERY = 2.0
OTHER_LANE_WITHIN = timedelta(minutes=5)


def admit(context: StepContext, now: datetime) -> LetThrough:
    """Refuse the context's partitions whose gate is closed at `now`."""
    _wait_for_the_other_lane(context)
    gates = openings(context.runtime.lakehouse, context.partitions, now=now)
    for partition, gate in gates.items():
        if gate.reasons:
            context.refuse(partition, "; ".join(gate.reasons))
    return {
        partition: [override.told for override in gate.overridden]
        for partition, gate in gates.items()
        if gate.overridden and not gate.reasons
    }


def _wait_for_the_other_lane(context: StepContext) -> None:
    """Wait while verdicts are older than what the other lane has just committed.

    Its own checks are about to judge the partition as it is now.
    """
    lakehouse, began = context.runtime.lakehouse, time.monotonic()
    shared = [p for p in context.partitions if _fast_lane_was_there(context, p)]
    while shared and time.monotonic() - began < PATIENCE.total_seconds():
        gates = openings(lakehouse, shared)
        shared = [partition for partition in shared if gates[partition].outdated]
        if shared:
            time.sleep(LOOKED_EVERY)


def _fast_lane_was_there(context: StepContext, partition: Partition) -> bool:
    items = taken(context.runtime.lakehouse, [partition]).get(partition, {})
    since = datetime.now(UTC) - OTHER_LANE_WITHIN
    return any(item.at > since for item in items.values())


def told_by_cluster(items: DataFrame, let_through: LetThrough) -> dict[str, list[str]]:
    """What is told of the overrides that let any of `items` (cluster_id, day, source) through."""
    if not let_through:
        return {}
    grouped = items.groupBy("cluster_id").agg(F.collect_set(F.struct("day", "source")).alias("at"))
    return {
        row["cluster_id"]: [
            told
            for partition in sorted(Partition(place["day"], place["source"]) for place in row["at"])
            for told in let_through.get(partition, ())
        ]
        for row in grouped.collect()
    }
