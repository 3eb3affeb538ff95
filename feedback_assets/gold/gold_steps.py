"""Gold: one step a model stage, and the business-ready join.

Belongs here: what each stage reads and how its rows reach Spark. Does not belong here: what a
stage finds (one module a stage) and Dagster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from feedback_assets.contracts.tables import GOLD_FEEDBACK, TABLES
from feedback_assets.gold.model_store import load, version_in_force
from feedback_assets.gold.stages import STAGES, Stamp
from feedback_assets.pipeline.arrow_map import map_arrow
from feedback_assets.pipeline.step import Step, StepContext

ITEM = ["day", "source", "feedback_id"]


def stage_step(stage: str) -> Step:
    """The step of one stage of `STAGES`."""

    def find(context: StepContext) -> DataFrame:
        silver = context.table("silver_feedback")
        found = map_arrow(
            INPUTS[stage](context, _worth_reading(silver)),
            _inferrer(stage, context),
            nullable(TABLES[stage].schema),
        )
        return found.unionByName(_resubmitted(silver), allowMissingColumns=True)

    return Step(stage, ("silver_feedback", *READS[stage]), find)


def nullable(schema: pa.Schema) -> pa.Schema:
    """`schema` with nulls allowed, so that the contract decides about them and not the engine."""
    return pa.schema([pa.field(field.name, field.type) for field in schema])


def _inferrer(
    stage: str, context: StepContext
) -> Callable[[pa.RecordBatch], Iterator[pa.RecordBatch]]:
    models: Path = context.runtime.models_folder
    version = version_in_force(models)
    stamp = Stamp(context.runtime.run_id, datetime.now(UTC))

    def infer(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        if batch.num_rows:
            yield STAGES[stage].infer(batch, load(models, version), stamp)

    return infer


def _worth_reading(silver: DataFrame) -> DataFrame:
    return silver.where("duplicate_of IS NULL")


def _resubmitted(silver: DataFrame) -> DataFrame:
    return (
        silver.where("duplicate_of IS NOT NULL")
        .select(*ITEM)
        .withColumn("_dropped", F.lit("duplicate"))
    )


def _text(_context: StepContext, silver: DataFrame) -> DataFrame:
    return silver.select(*ITEM, "text", "language", "rating")


def _text_and_topics(context: StepContext, silver: DataFrame) -> DataFrame:
    topics = context.table("gold_topics").select(
        "feedback_id",
        "primary_category",
        "sub_category",
        "severity",
        "evidence_spans",
        "confidence",
    )
    tone = context.table("gold_sentiment").select("feedback_id", "sentiment")
    return _text(context, silver).join(topics, "feedback_id").join(tone, "feedback_id").select(
        *ITEM, "text", "language", "rating",
        "primary_category", "sub_category", "severity", "evidence_spans", "confidence",
        "sentiment",
    )  # fmt: skip


def _findings(context: StepContext, silver: DataFrame) -> DataFrame:
    cause = context.table("gold_root_cause").select(
        "feedback_id", "root_cause_summary", "root_cause_type"
    )
    return _text_and_topics(context, silver).join(cause, "feedback_id")


INPUTS: dict[str, Callable[[StepContext, DataFrame], DataFrame]] = {
    "gold_sentiment": _text,
    "gold_topics": _text,
    "gold_root_cause": _text_and_topics,
    "gold_recommendation": _findings,
}
READS: dict[str, tuple[str, ...]] = {
    "gold_sentiment": (),
    "gold_topics": (),
    "gold_root_cause": ("gold_topics", "gold_sentiment"),
    "gold_recommendation": ("gold_topics", "gold_sentiment", "gold_root_cause"),
}


def join_findings(context: StepContext) -> DataFrame:
    """Text, facts and findings side by side.

    An item whose finding is missing (held in quarantine) comes out with nulls, which its
    contract sends to quarantine too: it is shown, not lost.
    """
    silver = context.table("silver_feedback")
    topics = context.table("gold_topics").select(
        "feedback_id", "categories", "primary_category", "sub_category", "severity",
        "severity_confidence", "evidence_spans",
        F.col("confidence").alias("category_confidence"),
        F.col("provenance")["model_version"].alias("model_version"),
    )  # fmt: skip
    tone = context.table("gold_sentiment").select(
        "feedback_id", "sentiment", F.col("confidence").alias("sentiment_confidence")
    )
    cause = context.table("gold_root_cause").select(
        "feedback_id", "root_cause_summary", "root_cause_type"
    )
    advice = context.table("gold_recommendation").select("feedback_id", "action", "action_detail")
    joined = _worth_reading(silver)
    for finding in (topics, tone, cause, advice):
        joined = joined.join(finding, "feedback_id", "left")
    return joined.select(*GOLD_FEEDBACK.column_names).unionByName(
        _resubmitted(silver), allowMissingColumns=True
    )


JOIN = Step("gold_feedback", ("silver_feedback", *STAGES), join_findings)
