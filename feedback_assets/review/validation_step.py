"""Validated feedback: what the models found, what the rules let pass, what people decided.

Belongs here: how a decision changes an item. Does not belong here: who is asked (triage).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from feedback_assets.contracts.tables import VALIDATED_FEEDBACK
from feedback_assets.pipeline.step import Step, StepContext

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

DECIDED = {"approve": "approved", "edit": "edited", "reject": "rejected"}


def validate(context: StepContext) -> DataFrame:
    """A row for each triaged item; a person's decision stands above the rules'."""
    gold = context.table("gold_feedback").select(
        "feedback_id", "sentiment", "categories", "primary_category", "severity", "action",
        F.col("category_confidence").alias("confidence"),
    )  # fmt: skip
    rows = (
        context.table("triage")
        .join(gold, "feedback_id", "left")
        .join(latest_decisions(context), "feedback_id", "left")
    )
    state = F.coalesce(
        *[F.when(F.col("decision") == word, F.lit(state)) for word, state in DECIDED.items()],
        F.when(F.col("auto_approve"), F.lit("auto_approved")),
        F.lit("pending"),
    )
    by_rule = F.concat(F.lit("rules "), F.array_join("rule_ids", ", "))
    edited = {name: F.coalesce(f"_{name}", name) for name in ("sentiment", "severity", "action")}
    edited["categories"] = F.coalesce("_categories", "categories")
    edited["primary_category"] = F.coalesce(F.col("_categories")[0], F.col("primary_category"))
    return (
        rows.withColumn("validation_state", state)
        .withColumn(
            "decision_reason",
            F.coalesce("reason", F.when(F.col("validation_state") == "auto_approved", by_rule)),
        )
        .withColumns(edited)
        .select(*VALIDATED_FEEDBACK.column_names)
    )


def latest_decisions(context: StepContext) -> DataFrame:
    """The last decision on each item; corrected fields carry a leading underscore."""
    decisions = context.table("review_decisions")
    last = Window.partitionBy("feedback_id").orderBy(F.desc("decided_at"))
    corrected = ("categories", "sentiment", "severity", "action")
    return (
        decisions.withColumn("_nth", F.row_number().over(last))
        .where("_nth = 1")
        .select(
            "feedback_id", "decision", "reviewer", "reason", "decided_at",
            *[F.col(name).alias(f"_{name}") for name in corrected],
        )
    )  # fmt: skip


VALIDATION = Step(
    "validated_feedback", ("triage", "gold_feedback", "review_decisions"), validate, by_item=True
)
