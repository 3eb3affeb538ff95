"""What an item is to those before it: a redelivery, a new revision, a resubmission, or new.

Belongs here: relations among items, in Spark expressions. Does not belong here: what one item
says.

Earlier items are those of the same run that came first, and those that Silver already holds in
other partitions, within the lookback. First come stays: what Silver holds is never taken back
by a partition that is processed later.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from feedback_assets.contracts.partitions import predicate
from feedback_assets.contracts.tables import SILVER_FEEDBACK
from feedback_assets.pipeline.step import StepContext

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

ITEM = ["source", "native_id"]
SAID = [*ITEM, "content_hash", "_rating"]
SUBMISSION = ["_customer", "content_hash"]
ARRIVAL = ["day", "source", "origin"]


def history(context: StepContext) -> DataFrame:
    """Silver rows of other partitions within the lookback, as few columns as relations need."""
    days = [partition.day for partition in context.partitions]
    reach = dt.timedelta(days=context.runtime.lookback_days)
    rows = context.table(SILVER_FEEDBACK.name, everything=True).where(
        f"day BETWEEN DATE '{min(days) - reach}' AND DATE '{max(days) + reach}'"
        f" AND NOT ({predicate(context.partitions)})"
    )
    return _keyed(
        rows.select(
            *ITEM, "day", "feedback_id", "content_hash", "rating", "customer_token", "revision"
        )
    )


def relate(rows: DataFrame, earlier: DataFrame) -> DataFrame:
    """`rows` with `revision`, `supersedes`, `duplicate_of`, and ``_dropped`` on redeliveries.

    A redelivery says the same under the same native id. A revision says something else under
    it. A duplicate says the same under another id by the same known customer.
    """
    return _resubmissions(_revisions(_redeliveries(_keyed(rows), earlier), earlier), earlier)


def _keyed(rows: DataFrame) -> DataFrame:
    # Keys must not be null: a missing rating equals a missing rating, and an unknown customer
    # equals nobody.
    return rows.withColumn(
        "_rating", F.coalesce(F.col("rating").cast("string"), F.lit("-"))
    ).withColumn("_customer", F.coalesce("customer_token", "feedback_id"))


def _redeliveries(rows: DataFrame, earlier: DataFrame) -> DataFrame:
    held = earlier.select(*SAID).distinct().withColumn("_held", F.lit(True))
    nth = F.row_number().over(Window.partitionBy(*SAID).orderBy(*ARRIVAL))
    again = F.col("_held") | (F.col("_nth") > 1)
    return (
        rows.withColumn("_nth", nth)
        .join(held, SAID, "left")
        .withColumn(
            "_dropped",
            F.when(F.col("_quarantined").isNull() & again, F.lit("redelivery")),
        )
        .drop("_nth", "_held")
    )


def _revisions(rows: DataFrame, earlier: DataFrame) -> DataFrame:
    last = earlier.groupBy(*ITEM).agg(
        F.max("revision").alias("_revision"),
        F.max_by("feedback_id", "revision").alias("_feedback_id"),
    )
    arrived = Window.partitionBy(*ITEM).orderBy(*ARRIVAL)
    kept = F.when(F.col("_dropped").isNull(), F.col("feedback_id"))
    before = F.last(kept, ignorenulls=True).over(arrived.rowsBetween(Window.unboundedPreceding, -1))
    nth = F.count(kept).over(arrived.rowsBetween(Window.unboundedPreceding, Window.currentRow))
    return (
        rows.withColumn("_before", before)
        .withColumn("_count", nth)
        .join(last, ITEM, "left")
        .withColumn("revision", F.coalesce("_revision", F.lit(0)) + F.col("_count"))
        .withColumn("supersedes", F.coalesce("_before", "_feedback_id"))
        .drop("_before", "_count", "_revision", "_feedback_id")
    )


def _resubmissions(rows: DataFrame, earlier: DataFrame) -> DataFrame:
    age = F.concat_ws("|", F.col("day").cast("string"), F.col("feedback_id"))
    first_held = (
        earlier.withColumn("_age", age)
        .groupBy(*SUBMISSION)
        .agg(
            F.min_by("feedback_id", "_age").alias("_held"),
            F.min_by("native_id", "_age").alias("_held_native"),
        )
    )
    arrived = Window.partitionBy(*SUBMISSION).orderBy(*ARRIVAL)
    until_now = arrived.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    kept = F.col("_dropped").isNull() & F.col("_quarantined").isNull()

    def first(name: str) -> Column:
        return F.first(F.when(kept, F.col(name)), ignorenulls=True).over(until_now)

    another = F.coalesce("_held_native", "_first_native") != F.col("native_id")
    return (
        rows.withColumn("_first", first("feedback_id"))
        .withColumn("_first_native", first("native_id"))
        .join(first_held, SUBMISSION, "left")
        .withColumn("duplicate_of", F.when(another, F.coalesce("_held", "_first")))
        .drop("_first", "_first_native", "_held", "_held_native", "_rating", "_customer")
    )
