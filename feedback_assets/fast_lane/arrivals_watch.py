"""New landing files written down in `landing_arrivals`, for the fast lane's sensor to read.

Belongs here: the rows. Does not belong here: who sees the files (resources/landing/auto_loader.py)
and who reads the table (orchestration/recent_files.py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import pyarrow as pa

from feedback_assets.contracts.ledgers import LANDING_ARRIVALS
from feedback_assets.contracts.partitions import SOURCES
from resources.lakehouse.base import Lakehouse
from resources.landing.zone import LandingFile


def record_arrivals(lakehouse: Lakehouse, files: Iterable[LandingFile]) -> int:
    """Append a row a file of the known sources; returns how many."""
    now = dt.datetime.now(dt.UTC)
    rows = [
        {
            "day": file.day,
            "source": file.source,
            "path": file.path,
            "size": file.size,
            "modified": file.modified,
            "recorded_at": now,
        }
        for file in files
        if file.source in SOURCES
    ]
    if rows:
        batch = pa.RecordBatch.from_pylist(rows, schema=LANDING_ARRIVALS.schema)
        lakehouse.append(LANDING_ARRIVALS, [batch])
    return len(rows)
