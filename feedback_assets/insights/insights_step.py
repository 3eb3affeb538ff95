"""Insights: the counts that dashboards show.

Belongs here: aggregates over a partition. Does not belong here: charts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Column
from pyspark.sql import functions as F

from feedback_assets.pipeline.step import Step, StepContext

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SHOWN_BY = ("day", "source", "primary_category", "sentiment", "severity", "lane")


def count(context: StepContext) -> DataFrame:
    """Items by area, tone, severity and lane, a row each combination that occurs."""
    ratings = context.table("gold_feedback").select("feedback_id", "rating")
    rows = context.table("validated_feedback").join(ratings, "feedback_id", "left")

    def in_state(state: str) -> Column:
        return F.sum(F.when(F.col("validation_state") == state, 1).otherwise(0)).alias(state)

    return rows.groupBy(*SHOWN_BY).agg(
        F.count(F.lit(1)).alias("items"),
        in_state("auto_approved"),
        in_state("pending"),
        F.avg("rating").alias("mean_rating"),
    )


INSIGHTS = Step("insights_daily", ("validated_feedback", "gold_feedback"), count, row_for_row=False)
