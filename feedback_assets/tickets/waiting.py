"""Which items wait for a ticket.

Belongs here: that one question, asked when tickets are planned and when items are linked.
Does not belong here: what follows from the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedback_assets.contracts.decisions import PASSING_STATES
from feedback_assets.pipeline.step import StepContext

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def waiting_items(context: StepContext) -> DataFrame:
    """Approved items of the partitions that belong in a ticket and stand in none."""
    states = ", ".join(f"'{state}'" for state in PASSING_STATES)
    approved = context.table("validated_feedback").where(
        f"validation_state IN ({states}) AND open_ticket AND cluster_id IS NOT NULL"
    )
    standing = context.table("ticket_items", everything=True).select("feedback_id").distinct()
    # Rows that stand there twice, which an operator may let pass, are one item all the same.
    once = approved.dropDuplicates(["feedback_id"])
    return once.join(standing, "feedback_id", "left_anti")
