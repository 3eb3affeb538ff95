"""What an item is to those before it: a redelivery, a new revision, a resubmission, or new.

Belongs here: relations among items, in Spark expressions. Does not belong here: what one item
says.

The items of a run are laid beside the others that Silver holds within the lookback, in the order
of their days. What is held already makes a redelivery of what says the same, on whatever day:
first come stays, and a partition run again finds what it found. What the fast lane did came first
in its partition, wherever its file stands.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from pyspark.sql import Window, WindowSpec
from pyspark.sql import functions as F

from feedback_assets.contracts.tables import SILVER_FEEDBACK
from feedback_assets.pipeline.step import StepContext

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

ITEM = ["source", "native_id"]
SAID = [*ITEM, "content_hash", "_rating"]
SUBMISSION = ["_customer", "content_hash"]
ARRIVAL = ["day", "source", "_late", "origin"]


def history(context: StepContext) -> DataFrame:
    """Silver rows of other items within the lookback, as few columns as relations need."""
    days = [partition.day for partition in context.partitions]
    reach = dt.timedelta(days=context.runtime.lookback_days)
    rows = context.elsewhere(SILVER_FEEDBACK.name).where(
        f"day BETWEEN DATE '{min(days) - reach}' AND DATE '{max(days) + reach}'"
    )
    return rows.select(
        *ITEM, "day", "feedback_id", "origin", "content_hash", "rating", "customer_token"
    )


def relate(rows: DataFrame, held: DataFrame, first: frozenset[str] = frozenset()) -> DataFrame:
    """`rows` with `revision`, `supersedes`, `duplicate_of`, and ``_dropped`` on redeliveries.

    A redelivery says the same under the same native id. A revision says something else under
    it. A duplicate says the same under another id by the same known customer. `held` are the
    rows of `history`; they are looked at and not returned. `first` came before the other rows of
    their partition.
    """
    late = ~F.col("feedback_id").isin(*first) if first else F.lit(True)
    rows = rows.withColumn("_late", late)
    held = held.withColumn("_late", F.lit(True))
    beside = rows.unionByName(held.withColumn("_held", F.lit(True)), allowMissingColumns=True)
    related = _resubmissions(_revisions(_redeliveries(_keyed(beside))))
    return related.where("_held IS NULL").drop("_held", "_rating", "_customer", "_late")


def _keyed(rows: DataFrame) -> DataFrame:
    # Keys must not be null: a missing rating equals a missing rating, and an unknown customer
    # equals nobody.
    return rows.withColumn(
        "_rating", F.coalesce(F.col("rating").cast("string"), F.lit("-"))
    ).withColumn("_customer", F.coalesce("customer_token", "feedback_id"))


def _redeliveries(rows: DataFrame) -> DataFrame:
    first_come = Window.partitionBy(*SAID).orderBy(F.col("_held").asc_nulls_last(), *ARRIVAL)
    again = (F.row_number().over(first_come) > 1) & F.col("_held").isNull()
    return rows.withColumn(
        "_dropped", F.when(F.col("_quarantined").isNull() & again, F.lit("redelivery"))
    )


def _revisions(rows: DataFrame) -> DataFrame:
    arrived = Window.partitionBy(*ITEM).orderBy(*ARRIVAL)
    before = arrived.rowsBetween(Window.unboundedPreceding, -1)
    return rows.withColumn(
        "revision", F.count(_kept("feedback_id")).over(_until_now(arrived))
    ).withColumn("supersedes", F.last(_kept("feedback_id"), ignorenulls=True).over(before))


def _resubmissions(rows: DataFrame) -> DataFrame:
    arrived = Window.partitionBy(*SUBMISSION).orderBy(*ARRIVAL)

    def first(name: str) -> Column:
        return F.first(_kept(name), ignorenulls=True).over(_until_now(arrived))

    return (
        rows.withColumn("_first", first("feedback_id"))
        .withColumn("_first_native", first("native_id"))
        .withColumn(
            "duplicate_of", F.when(F.col("_first_native") != F.col("native_id"), F.col("_first"))
        )
        .drop("_first", "_first_native")
    )


def _kept(name: str) -> Column:
    stays = F.col("_dropped").isNull() & F.col("_quarantined").isNull()
    return F.when(stays, F.col(name))


def _until_now(arrived: WindowSpec) -> WindowSpec:
    return arrived.rowsBetween(Window.unboundedPreceding, Window.currentRow)
