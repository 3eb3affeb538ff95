"""Clusters: each complaint of the partitions joins a known complaint or founds one.

Belongs here: which items and which known clusters meet. Does not belong here: how alike two
complaints are (clustering.py).
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import Window
from pyspark.sql import functions as F

from feedback_assets.contracts.tables import FEEDBACK_CLUSTERS
from feedback_assets.pipeline.arrow_map import spark_schema
from feedback_assets.pipeline.step import Step, StepContext
from feedback_assets.triage.clustering import assign

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

ASSIGNED = pa.schema([pa.field(field.name, field.type) for field in FEEDBACK_CLUSTERS.schema])
# One group for all: an item whose area was misread still belongs with its complaint. The items
# of a run are thus seen by one task; only their text and a few columns go there.
TOGETHER = "_together"
NEVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
SHOWN_EACH = 4
"""Items that stand for a cluster; the founder is the first."""
ITEMS = (
    "day", "source", "feedback_id", "created_at", "text", "root_cause_summary", "sub_category",
    "product", "language", "primary_category",
)  # fmt: skip


def cluster(context: StepContext) -> DataFrame:
    """A row for each gold item; those with nothing to act on have no cluster."""
    gold = context.table("gold_feedback")
    complaint = (F.col("sentiment") != "positive") & ~F.col("sub_category").isin("praise", "noise")
    # Sail's cogroup takes no nulls.
    complaints = gold.where(complaint).select(*ITEMS).fillna("", ["product"])
    complaints = complaints.withColumn("created_at", F.coalesce("created_at", F.lit(NEVER)))
    standing = in_clusters(context, complaints)
    if standing is not None:
        complaints = complaints.join(standing.select("feedback_id"), "feedback_id", "left_anti")
    complaints = complaints.select(*ITEMS).withColumn(TOGETHER, F.lit(True))
    assigned = (
        complaints.groupBy(TOGETHER)
        .cogroup(representatives(context, standing).groupBy(TOGETHER))
        .applyInArrow(_assign_group, spark_schema(ASSIGNED))
    )
    if standing is not None:
        assigned = assigned.unionByName(standing)
    others = gold.where(~complaint).select(
        "day", "source", "feedback_id", "primary_category",
        F.array().cast("array<int>").alias("terms"),
        F.array().cast("array<float>").alias("weights"),
    )  # fmt: skip
    return assigned.unionByName(others, allowMissingColumns=True)


def in_clusters(context: StepContext, complaints: DataFrame) -> DataFrame | None:
    """Rows of the complaints that stay in the cluster that the fast lane put them in.

    Their tickets may be open; a cluster of another name would get a second one.
    """
    first = context.scope.first
    if not first or context.lane == "fast":
        return None
    stored = context.table("feedback_clusters").where("cluster_id IS NOT NULL")
    return (
        stored.where(F.col("feedback_id").isin(*first))
        .drop("primary_category")
        .join(complaints.select("feedback_id", "primary_category"), "feedback_id")
        .select(*ASSIGNED.names)
    )


def representatives(context: StepContext, standing: DataFrame | None = None) -> DataFrame:
    """The first few items of each cluster known from other items within the lookback.

    `standing` are those of the partitions' own items that are known too.
    """
    days = [partition.day for partition in context.partitions]
    reach = dt.timedelta(days=context.runtime.lookback_days)
    known = context.elsewhere("feedback_clusters").where(
        f"cluster_id IS NOT NULL AND day BETWEEN DATE '{min(days) - reach}'"
        f" AND DATE '{max(days) + reach}'"
    )
    if standing is not None:
        known = known.unionByName(standing)
    # Last digits differ with the batches that rows came in; they must not choose who is shown.
    likeness = F.round("similarity", 6)
    first = Window.partitionBy("cluster_id").orderBy("day", F.desc(likeness), "feedback_id")
    return (
        known.withColumn("_nth", F.row_number().over(first))
        .where(f"_nth <= {SHOWN_EACH}")
        .select("cluster_id", "cluster_label", "terms", "weights", "_nth")
        .withColumn(TOGETHER, F.lit(True))
    )


def _assign_group(items: pa.Table, known: pa.Table) -> pa.Table:
    if not items.num_rows:
        return ASSIGNED.empty_table()
    items = items.sort_by(
        [("day", "ascending"), ("created_at", "ascending"), ("feedback_id", "ascending")]
    )
    known = known.sort_by([("cluster_id", "ascending"), ("_nth", "ascending")])
    assigned = assign(items, known)
    for name in ("day", "source", "primary_category"):
        assigned = assigned.append_column(name, items.column(name))
    return assigned.select(ASSIGNED.names).cast(ASSIGNED)


CLUSTERS = Step("feedback_clusters", ("gold_feedback",), cluster, by_item=True)
