"""Which batches of the language model have not ended yet.

Belongs here: reading `model_batches`, for the stage that collects and the sensor that starts
it. Does not belong here: handing over and collecting (gold).
"""

from __future__ import annotations

from typing import Any

from feedback_assets.contracts.ledgers import MODEL_BATCHES
from resources.lakehouse.base import Lakehouse


def open_batches(lakehouse: Lakehouse) -> list[dict[str, Any]]:
    """Batches handed over and not ended, oldest first: their rows of `model_batches`."""
    if not lakehouse.exists(MODEL_BATCHES.name):
        return []
    latest: dict[str, dict[str, Any]] = {}
    rows = lakehouse.scan(MODEL_BATCHES.name).read_all().to_pylist()
    for row in sorted(rows, key=lambda row: row["recorded_at"]):
        latest[row["batch_id"]] = row
    return [row for row in latest.values() if row["state"] == "submitted"]
