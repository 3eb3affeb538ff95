"""Silver: bronze rows to the canonical table.

Belongs here: the order of the work. Does not belong here: the work (canonical, duplicates).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedback_assets.pipeline.arrow_map import map_arrow
from feedback_assets.pipeline.step import Step, StepContext
from feedback_assets.silver.canonical import CANONICAL, canonicaliser
from feedback_assets.silver.duplicates import history, relate

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def clean(context: StepContext) -> DataFrame:
    """Canonical rows of the partitions' bronze rows; redeliveries are marked as dropped."""
    bronze = context.table("bronze_feedback").select(
        "day", "source", "feedback_id", "native_id", "payload", "payload_format",
        "payload_header", "received_at", "origin",
    )  # fmt: skip
    runtime = context.runtime
    rows = map_arrow(bronze, canonicaliser(runtime.connectors, runtime.token_key), CANONICAL)
    return relate(rows, history(context), context.scope.first)


SILVER = Step("silver_feedback", ("bronze_feedback",), clean, by_item=True)
