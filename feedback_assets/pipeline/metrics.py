"""A step's counts as rows of `stage_metrics`.

Belongs here: the shape of those rows. Does not belong here: what is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pyarrow as pa

from feedback_assets.contracts.ledgers import STAGE_METRICS
from feedback_assets.contracts.partitions import Partition


def metric_rows(
    stage: str,
    counts: Mapping[Partition, Mapping[str, float]],
    seconds: float,
    run_id: str,
) -> list[pa.RecordBatch]:
    """Rows for every count of every partition.

    `seconds` is the wall time of the run's step; each of its partitions bears an equal share.
    """
    now = datetime.now(UTC)
    share = seconds / max(len(counts), 1)
    rows = [
        {
            "day": partition.day,
            "source": partition.source,
            "stage": stage,
            "metric": metric,
            "value": float(value),
            "run_id": run_id,
            "recorded_at": now,
        }
        for partition, tally in counts.items()
        for metric, value in {**tally, "seconds": share}.items()
    ]
    return [pa.RecordBatch.from_pylist(rows, schema=STAGE_METRICS.schema)]
