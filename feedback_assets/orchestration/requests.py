"""Runs that sensors ask for: a partition each, or ranges where settings let runs share.

Belongs here: partitions as run requests, and which runs are under way. Does not belong here:
which partitions are due.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import dagster as dg

from feedback_assets.contracts.partitions import Partition
from feedback_assets.orchestration.ranges import Range, cover

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
"""States of runs that were asked for and are not over."""


def run_requests(due: Mapping[Partition, str], most: int) -> list[dg.RunRequest]:
    """Runs of the partitions that are `due`, of up to `most` each; none is asked for twice.

    `due` gives each partition a mark of what it is due for.
    """
    return [_request(each, due) for each in sorted(cover(due, most), key=lambda each: each.first)]


def _request(asked: Range, due: Mapping[Partition, str]) -> dg.RunRequest:
    partitions = asked.partitions()
    marks = [f"{partition.key}@{due[partition]}" for partition in partitions]
    if len(partitions) > 1:
        key = hashlib.sha256("\n".join(marks).encode()).hexdigest()[:32]
        return dg.RunRequest(run_key=key, tags=asked.tags)
    (partition,) = partitions
    return dg.RunRequest(
        run_key=marks[0],
        partition_key=dg.MultiPartitionKey(
            {"day": partition.day.isoformat(), "source": partition.source}
        ),
    )
