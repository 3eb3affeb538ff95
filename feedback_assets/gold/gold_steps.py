"""Gold: one step a model stage, and the business-ready join.

Belongs here: what each stage reads and how its rows reach Spark. Does not belong here: what a
stage finds (one module a stage), the language model (language_model/) and Dagster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from feedback_assets.contracts.tables import GOLD_FEEDBACK, TABLES
from feedback_assets.contracts.taxonomy import taxonomy_hash
from feedback_assets.gold.language_model.consulting import consult
from feedback_assets.gold.language_model.doubts import with_questions
from feedback_assets.gold.model_store import load, load_suspicion, version_in_force
from feedback_assets.gold.prompts import Prompt, active_versions, read_prompt
from feedback_assets.gold.reading import read_safely, watched
from feedback_assets.gold.stages import STAGES, Stamp
from feedback_assets.gold.suspicion import FILE as SUSPICION
from feedback_assets.pipeline.arrow_map import map_arrow
from feedback_assets.pipeline.step import Step, StepContext

ITEM = ["day", "source", "feedback_id"]


def stage_step(table: str) -> Step:
    """The step of one stage of `STAGES`."""

    def find(context: StepContext) -> DataFrame:
        silver = context.table("silver_feedback")
        inputs = INPUTS[table](context, _worth_reading(silver))
        found = _found(table, context, inputs)
        return found.unionByName(_resubmitted(silver), allowMissingColumns=True)

    reads = ("silver_feedback", *READS[table])
    # Labels with another meaning are other findings: Dagster shows what was made before as stale.
    return Step(table, reads, find, by_item=True, code_version=taxonomy_hash())


def _found(table: str, context: StepContext, inputs: DataFrame) -> DataFrame:
    plan = context.runtime.model_plan
    if plan is None:
        return map_arrow(inputs, _inferrer(table, context), nullable(TABLES[table].schema))
    folder, stage = context.runtime.prompts_folder, table.removeprefix("gold_")
    prompt = read_prompt(folder, stage, active_versions(folder)[stage])
    return consult(
        context, plan, prompt, inputs, _inferrer(table, context, prompt, plan.model.name)
    )


def nullable(schema: pa.Schema) -> pa.Schema:
    """`schema` with nulls allowed, so that the contract decides about them and not the engine."""
    return pa.schema([pa.field(field.name, field.type) for field in schema])


def _inferrer(
    table: str, context: StepContext, prompt: Prompt | None = None, model_name: str = ""
) -> Callable[[pa.RecordBatch], Iterator[pa.RecordBatch]]:
    """Tier 1 over a batch; with a prompt, the questions it leaves open ride beside."""
    models = context.runtime.models_folder
    version, guard = version_in_force(models), version_in_force(models, SUSPICION)
    stamp = Stamp(context.runtime.run_id, datetime.now(UTC))

    def infer(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        if not batch.num_rows:
            return
        model = load(models, version)
        if "attempts" not in batch.schema.names:
            batch = watched(batch, load_suspicion(models, guard))
        found, instructs = read_safely(batch, lambda b: STAGES[table].infer(b, model, stamp))
        if prompt is not None:
            found = with_questions(batch, found, instructs, prompt, model_name)
        yield found

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
    return silver.select(*ITEM, "text", "language", "rating", "received_at", "customer_tier")


def _watched(context: StepContext, silver: DataFrame) -> DataFrame:
    """The text, and what of it no model may read."""
    reading = context.table("gold_translation").select("feedback_id", "attempts", "suspect")
    return _text(context, silver).join(reading, "feedback_id")


def _text_and_topics(context: StepContext, silver: DataFrame) -> DataFrame:
    topics = context.table("gold_topics").select(
        "feedback_id", "primary_category", "sub_category", "severity", "evidence_spans",
        "confidence", F.col("provenance")["validation_state"].alias("topics_state"),
    )  # fmt: skip
    tone = context.table("gold_sentiment").select("feedback_id", "sentiment")
    return _watched(context, silver).join(topics, "feedback_id").join(tone, "feedback_id")


def _findings(context: StepContext, silver: DataFrame) -> DataFrame:
    cause = context.table("gold_root_cause").select(
        "feedback_id", "root_cause_summary", "root_cause_type"
    )
    return _text_and_topics(context, silver).join(cause, "feedback_id")


INPUTS: dict[str, Callable[[StepContext, DataFrame], DataFrame]] = {
    "gold_translation": _text,
    "gold_sentiment": _watched,
    "gold_topics": _watched,
    "gold_root_cause": _text_and_topics,
    "gold_recommendation": _findings,
}
READS: dict[str, tuple[str, ...]] = {
    "gold_translation": (),
    "gold_sentiment": ("gold_translation",),
    "gold_topics": ("gold_translation",),
    "gold_root_cause": ("gold_translation", "gold_topics", "gold_sentiment"),
    "gold_recommendation": (
        "gold_translation",
        "gold_topics",
        "gold_sentiment",
        "gold_root_cause",
    ),
}
DECIDING = ("sentiment", "topics", "root_cause", "recommendation")
"""Stages whose doubt is an item's doubt; an untranslated text is none."""


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
        F.col("provenance")["model_version"].alias("model_version"), _state("topics"),
    )  # fmt: skip
    tone = context.table("gold_sentiment").select(
        "feedback_id", "sentiment", F.col("confidence").alias("sentiment_confidence"),
        _state("sentiment"),
    )  # fmt: skip
    cause = context.table("gold_root_cause").select(
        "feedback_id", "root_cause_summary", "root_cause_type", _state("root_cause")
    )
    advice = context.table("gold_recommendation").select(
        "feedback_id", "action", "action_detail", _state("recommendation")
    )
    english = context.table("gold_translation").select("feedback_id", "english")
    joined = _worth_reading(silver)
    for finding in (topics, tone, cause, advice, english):
        joined = joined.join(finding, "feedback_id", "left")
    return (
        joined.withColumn("doubts", _doubts())
        .select(*GOLD_FEEDBACK.column_names)
        .unionByName(_resubmitted(silver), allowMissingColumns=True)
    )


def _state(stage: str) -> Column:
    return F.col("provenance")["validation_state"].alias(f"_{stage}_state")


def _doubts() -> Column:
    named = [F.when(F.col(f"_{stage}_state") != "valid", F.lit(stage)) for stage in DECIDING]
    return F.filter(F.array(*named), lambda stage: stage.isNotNull())


JOIN = Step(
    "gold_feedback",
    ("silver_feedback", *STAGES),
    join_findings,
    by_item=True,
    code_version=taxonomy_hash(),
)
STEPS = [*(stage_step(stage) for stage in STAGES), JOIN]
