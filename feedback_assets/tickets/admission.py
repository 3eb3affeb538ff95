"""Which partitions the gate admits to tickets, and what is told of those an operator let through.

Belongs here: the gate as tickets meet it. Does not belong here: verdicts and overrides
(pipeline), and a ticket's words (draft.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from feedback_assets.contracts.partitions import Partition
from feedback_assets.pipeline.gate import openings
from feedback_assets.pipeline.step import StepContext

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

LetThrough = Mapping[Partition, Sequence[str]]
"""By partition that only operators' overrides admit, what is told of each override."""


def admit(context: StepContext, now: datetime) -> LetThrough:
    """Refuse the context's partitions whose gate is closed at `now`."""
    gates = openings(context.runtime.lakehouse, context.partitions, now=now)
    for partition, gate in gates.items():
        if gate.reasons:
            context.refuse(partition, "; ".join(gate.reasons))
    return {
        partition: [override.told for override in gate.overridden]
        for partition, gate in gates.items()
        if gate.overridden and not gate.reasons
    }


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
