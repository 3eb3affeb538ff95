"""What is known of each cluster that gets a ticket, gathered from the tables.

Belongs here: aggregates over a cluster's items, made in Spark so that only a ticket's worth of
each reaches this process. Does not belong here: how a ticket words them (draft.py).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from feedback_assets.contracts.taxonomy import SEVERITIES
from feedback_assets.pipeline.arrow_map import frame_of
from feedback_assets.pipeline.step import StepContext
from feedback_assets.tickets.evidence import QUOTES_SHOWN
from feedback_assets.tickets.facts import ClusterFacts, Quote

COUNTED = {
    "sources": "source",
    "versions": "product_version",
    "platforms": "platform",
    "countries": "country",
    "tiers": "customer_tier",
    "segments": "segment",
    "languages": "language",
    "sentiments": "sentiment",
}
"""Facts that count items by a column's values."""

LEADING = 4 * QUOTES_SHOWN
"""Items of a cluster looked at for the words that tell it best."""
TELLING_LENGTH = range(20, 91)
_WORD = re.compile(r"[^\W\d_]{4,}")
_LITTLE = frozenset(
    {"been", "have", "from", "just", "that", "they", "this", "were", "what", "when", "will"}
)
OF_LEADING_ITEM = (
    "primary_category", "sub_category", "severity", "lane", "owner_team", "queue", "rule_ids",
    "rule_version", "cluster_label", "root_cause_type", "action", "model_version",
    "priority_score",
)  # fmt: skip
"""Facts that are those of the weightiest item of the area most of the cluster reads as."""


def cluster_facts(context: StepContext, cluster_ids: Sequence[str]) -> list[ClusterFacts]:
    """Facts of each of `cluster_ids`, over all of its items that were not rejected."""
    if not cluster_ids:
        return []
    session = context.runtime.engine.session()
    wanted = frame_of(session, pa.table({"cluster_id": list(cluster_ids)}))
    members = _members(context).join(wanted, "cluster_id", "left_semi")
    counts = _counts(members)
    leading = _leading(members)
    return [
        _facts(row, counts[row["cluster_id"]], leading[row["cluster_id"]], context.runtime.run_id)
        for row in _sizes(members)
    ]


def quotes(
    context: StepContext, items: DataFrame, each: int = QUOTES_SHOWN
) -> dict[str, list[Quote]]:
    """Evidence of the `each` weightiest of `items` (cluster_id, feedback_id), by cluster."""
    members = _members(context).join(items.select("feedback_id"), "feedback_id", "left_semi")
    ranked = members.withColumn("_nth", F.row_number().over(_by_weight())).where(f"_nth <= {each}")
    found: dict[str, list[Quote]] = defaultdict(list)
    for row in ranked.orderBy("cluster_id", "_nth").collect():
        found[row.cluster_id].append(_quote(row.asDict()))
    return found


def _members(context: StepContext) -> DataFrame:
    gold = context.table("gold_feedback", everything=True).drop(
        "sentiment", "severity", "action", "categories", "primary_category"
    )
    validated = context.table("validated_feedback", everything=True).where(
        "validation_state <> 'rejected' AND cluster_id IS NOT NULL"
    )
    clusters = context.table("feedback_clusters", everything=True).select(
        "feedback_id", "cluster_label"
    )
    rules = context.table("triage", everything=True).select(
        "feedback_id", "rule_ids", "rule_version"
    )
    origins = context.table("silver_feedback", everything=True).select("feedback_id", "origin")
    keyed = validated.drop("day", "source", "reviewer", "decision_reason", "decided_at")
    rows = gold
    for part in (keyed, clusters, rules, origins):
        rows = rows.join(part, "feedback_id")
    area = Window.partitionBy("cluster_id", "primary_category")
    matter = Window.partitionBy("cluster_id", "primary_category", "sub_category")
    return rows.withColumn("_alike", F.count(F.lit(1)).over(area)).withColumn(
        "_same_matter", F.count(F.lit(1)).over(matter)
    )


def _by_weight() -> Any:
    return Window.partitionBy("cluster_id").orderBy(
        F.desc("_alike"),
        F.desc("_same_matter"),
        F.desc("priority_score"),
        # Last digits differ with the batches that rows came in.
        F.desc(F.round("confidence", 6)),
        "day",
        "feedback_id",
    )


def _sizes(members: DataFrame) -> list[dict[str, Any]]:
    rows = members.groupBy("cluster_id").agg(
        F.count(F.lit(1)).alias("size"),
        # Reports are customers only where each is known.
        F.when(
            F.count("customer_token") == F.count(F.lit(1)), F.countDistinct("customer_token")
        ).alias("customers"),
        F.min("day").alias("first_seen"),
        F.max("day").alias("last_seen"),
        F.min("confidence").alias("confidence_min"),
        F.avg("confidence").alias("confidence_mean"),
        F.max("confidence").alias("confidence_max"),
        # Counted, not asked of percentile_approx: engines approximate differently.
        *[_this_severe(severity) for severity in SEVERITIES],
    )
    return [row.asDict() for row in rows.orderBy("cluster_id").collect()]


def _this_severe(severity: str) -> Column:
    severe = F.col("severity").isin(*SEVERITIES[SEVERITIES.index(severity) :])
    return F.sum(F.when(severe, 1).otherwise(0)).alias(severity)


def _severity(size: dict[str, Any]) -> str:
    """The highest severity that more than a fifth of a cluster's items have or exceed.

    One alarmed reading among many must not make the ticket critical.
    """
    return next(s for s in reversed(SEVERITIES) if 5 * size[s] > size["size"])


def _counts(members: DataFrame) -> dict[str, dict[str, dict[str, int]]]:
    pairs = [
        F.struct(F.lit(fact).alias("fact"), F.col(column).alias("value"))
        for fact, column in COUNTED.items()
    ]
    long = members.select("cluster_id", F.explode(F.array(*pairs)).alias("pair")).where(
        "pair.value IS NOT NULL"
    )
    counted = long.groupBy("cluster_id", "pair.fact", "pair.value").count()
    found: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for row in counted.orderBy(F.desc("count"), "value").collect():
        found[row["cluster_id"]][row["fact"]][row["value"]] = row["count"]
    return found


def _leading(members: DataFrame) -> dict[str, list[dict[str, Any]]]:
    ranked = members.withColumn("_nth", F.row_number().over(_by_weight()))
    rows = ranked.where(f"_nth <= {LEADING}").orderBy("cluster_id", "_nth")
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows.collect():
        found[row.cluster_id].append(row.asDict(recursive=True))
    return found


def _telling(items: list[dict[str, Any]]) -> dict[str, Any]:
    """The item whose summary tells the complaint best.

    Its words are those that others use too, and those that tell the cluster apart count most.
    """
    said_in = Counter(word for item in items for word in set(_content_words(item["text"])))
    label = set(_content_words(items[0]["cluster_label"] or ""))

    def tells(item: dict[str, Any]) -> tuple[bool, bool, bool, float]:
        summary: str = item["root_cause_summary"]
        words = _content_words(summary)
        told = [said_in[word] * (3 if word in label else 1) for word in words]
        shared = sum(told) / len(told) if len(told) > 1 else 0.0
        return "[" not in summary, len(summary) in TELLING_LENGTH, item["language"] == "en", shared

    return max(items, key=tells)


def _content_words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.casefold()) if word not in _LITTLE]


def _quote(row: dict[str, Any]) -> Quote:
    spans = row["evidence_spans"] or []
    said = " … ".join(span["quote"] for span in spans) or row["text"]
    return Quote(
        row["feedback_id"], row["source"], row["day"], row["language"], said, row["origin"]
    )


def _facts(
    size: dict[str, Any],
    counts: dict[str, dict[str, int]],
    items: list[dict[str, Any]],
    run_id: str,
) -> ClusterFacts:
    first: dict[str, Any] = {name: items[0][name] for name in OF_LEADING_ITEM}
    telling = _telling(items)
    first_seen: date = size["first_seen"]
    return ClusterFacts(
        cluster_id=size["cluster_id"],
        label=first["cluster_label"] or "",
        category=first["primary_category"],
        sub_category=first["sub_category"],
        severity=_severity(size),
        priority_score=first["priority_score"],
        lane=first["lane"],
        owner_team=first["owner_team"],
        queue=first["queue"],
        rule_ids=first["rule_ids"],
        rule_version=first["rule_version"],
        size=size["size"],
        customers=size["customers"],
        first_seen=first_seen,
        last_seen=size["last_seen"],
        sources=counts.get("sources", {}),
        versions=counts.get("versions", {}),
        platforms=counts.get("platforms", {}),
        countries=counts.get("countries", {}),
        tiers=counts.get("tiers", {}),
        segments=counts.get("segments", {}),
        languages=counts.get("languages", {}),
        sentiments=counts.get("sentiments", {}),
        confidence_min=size["confidence_min"],
        confidence_mean=size["confidence_mean"],
        confidence_max=size["confidence_max"],
        root_cause_summary=telling["root_cause_summary"],
        root_cause_type=first["root_cause_type"],
        action=first["action"],
        action_detail=telling["action_detail"],
        quotes=[_quote(item) for item in items[:QUOTES_SHOWN]],
        model_version=first["model_version"],
        run_id=run_id,
    )
