"""Triage: facts about each item and its cluster, through the rules.

Belongs here: the facts that rules may ask for. Does not belong here: the rules (routing.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

from feedback_assets.contracts.tables import TRIAGE
from feedback_assets.pipeline.arrow_map import map_arrow
from feedback_assets.pipeline.step import Step, StepContext
from feedback_assets.triage.routing import Routing

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

TRIAGED = pa.schema([pa.field(field.name, field.type) for field in TRIAGE.schema])
RECENT_DAYS = 7


def triage(context: StepContext) -> DataFrame:
    """A row for each gold item: lane, priority, owner, and the rules behind them."""
    gold = context.table("gold_feedback").select(
        "day", "source", "feedback_id", "language", "sentiment", "sentiment_confidence",
        "primary_category", "categories", "sub_category", "category_confidence", "severity",
        "severity_confidence", "root_cause_type", "action", "customer_tier", "country", "rating",
        "doubts",
        F.size("evidence_spans").alias("evidence_count"),
    )  # fmt: skip
    member = context.table("feedback_clusters").select("feedback_id", "cluster_id")
    facts = (
        gold.join(member, "feedback_id", "left")
        .join(cluster_sizes(context), ["cluster_id", "day"], "left")
        .join(area_sizes(context), ["cluster_id", "day", "primary_category"], "left")
        .withColumn("cluster_agreement", F.col("area_size") / F.col("cluster_size"))
        .fillna(0, ["cluster_size", "cluster_size_7d"])
    )
    runtime = context.runtime
    return map_arrow(
        facts, _router(Routing.from_file(runtime.routing_rules), runtime.automation), TRIAGED
    )


def cluster_sizes(context: StepContext) -> DataFrame:
    """Items of each cluster up to each of the partitions' days, and in the week before it."""
    week = F.col("_day") > F.date_sub(F.col("day"), RECENT_DAYS)
    return (
        _until_each_day(context, [])
        .groupBy("cluster_id", "day")
        .agg(
            F.sum("items").alias("cluster_size"),
            F.sum(F.when(week, F.col("items")).otherwise(0)).alias("cluster_size_7d"),
        )
    )


def area_sizes(context: StepContext) -> DataFrame:
    """Items of each cluster by area, up to each of the partitions' days."""
    return (
        _until_each_day(context, ["primary_category"])
        .groupBy("cluster_id", "day", "primary_category")
        .agg(F.sum("items").alias("area_size"))
    )


def _until_each_day(context: StepContext, by: list[str]) -> DataFrame:
    """Items of clusters by day (`_day`) up to each day asked for.

    Later days don't count, so that triaging a past day again gives what it gave.
    """
    members = context.table("feedback_clusters", everything=True).where("cluster_id IS NOT NULL")
    counted = members.groupBy("cluster_id", F.col("day").alias("_day"), *by).agg(
        F.count(F.lit(1)).alias("items")
    )
    asked = context.table("feedback_clusters").select("cluster_id", "day").distinct()
    return asked.join(counted, "cluster_id").where("_day <= day")


def _router(
    routing: Routing, automation: str
) -> Callable[[pa.RecordBatch], Iterator[pa.RecordBatch]]:
    def route(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        routed = routing.route_batch(batch, automation)
        columns = {name: batch.column(name) for name in ("day", "source", "feedback_id")}
        columns["cluster_id"] = batch.column("cluster_id")
        columns |= {name: routed.column(name) for name in routed.schema.names}
        yield pa.RecordBatch.from_arrays(
            [columns[field.name].cast(field.type) for field in TRIAGED], schema=TRIAGED
        )

    return route


TRIAGE_STEP = Step("triage", ("gold_feedback", "feedback_clusters"), triage, by_item=True)
