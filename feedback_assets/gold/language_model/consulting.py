"""Tier 2 within a step: doubtful findings go to the language model, answers come back by table.

Belongs here: how questions leave Spark and answers join it. Does not belong here: what is asked
(`questions`), sending (`asking`, `batching`), and who is believed (`combining`).

Questions stream to the driver, because one process must hold to the service's limits; answers
go into the ledger, and the finding is made from the ledger alone. So a step that is run again
asks only what has no answer yet.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql import functions as F

from feedback_assets.contracts.calls import UNUSABLE_OUTCOMES
from feedback_assets.contracts.tables import TABLES
from feedback_assets.gold.language_model import confidence, ledger
from feedback_assets.gold.language_model.asking import Asker, AskReport
from feedback_assets.gold.language_model.batching import submit
from feedback_assets.gold.language_model.combining import combine
from feedback_assets.gold.language_model.doubts import QUESTION
from feedback_assets.gold.language_model.questions import Question
from feedback_assets.gold.language_model.waiting import rung
from feedback_assets.gold.prompts import Prompt
from feedback_assets.pipeline.arrow_map import map_arrow
from feedback_assets.pipeline.model_plan import ModelPlan
from feedback_assets.pipeline.step import StepContext

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Inferrer = Callable[[pa.RecordBatch], Iterator[pa.RecordBatch]]


def consult(
    context: StepContext, plan: ModelPlan, prompt: Prompt, inputs: DataFrame, infer: Inferrer
) -> DataFrame:
    """The stage's findings, after asking what tier 1 leaves open.

    `infer` gives tier 1's findings of a batch of `inputs`, with the columns of `QUESTION`.
    """
    table = TABLES[f"gold_{prompt.stage}"]
    contract = [pa.field(field.name, field.type) for field in table.schema]
    found = map_arrow(inputs, infer, pa.schema([*contract, *QUESTION]))
    _ask(context, plan, prompt, found)
    known = ledger.latest(context.table("model_calls", everything=True), prompt, plan.model.name)
    joined = found.join(known.withColumnRenamed("input_hash", "_input_hash"), "_input_hash", "left")
    models = context.runtime.models_folder
    calibration = confidence.read(models, plan.model.name, prompt.hash)
    version = f"{prompt.stage}/{prompt.version}"
    stage = prompt.stage

    def decide(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        yield from combine(stage, batch, version, calibration)

    return map_arrow(joined, decide, pa.schema(contract))


def _ask(context: StepContext, plan: ModelPlan, prompt: Prompt, found: DataFrame) -> None:
    now = dt.datetime.now(dt.UTC)
    lakehouse, run_id = context.runtime.lakehouse, context.runtime.run_id
    for_batch: list[Question] = []

    def direct() -> Iterator[Question]:
        for question, outcome in _open(context, plan, prompt, found):
            urgent = question.urgent or context.lane == "fast"
            step = rung(plan, now, question.received_at, outcome, urgent)
            if step == "batch":
                for_batch.append(question)
            elif step == "direct":
                yield question

    report = Asker(plan, prompt, lakehouse, run_id).ask(direct())
    submitted = submit(plan, prompt, lakehouse, run_id, for_batch)
    _tell(context, prompt.stage, report, submitted)


def _open(
    context: StepContext, plan: ModelPlan, prompt: Prompt, found: DataFrame
) -> Iterator[tuple[Question, str | None]]:
    """Questions without a settled answer, each input once, and how its last attempt ended."""
    ledger_now = context.table("model_calls", everything=True)
    known = ledger.latest(ledger_now, prompt, plan.model.name)
    asked = (
        found.where("_input_hash IS NOT NULL")
        .select("day", "source", "feedback_id", *QUESTION.names)
        .dropDuplicates(["_input_hash"])
        .join(known.withColumnRenamed("input_hash", "_input_hash"), "_input_hash", "left")
        .where(~F.coalesce(F.col("settled"), F.lit(False)))
    )
    for batch in context.runtime.engine.stream(asked):
        for row in batch.to_pylist():
            yield _question(row), row["outcome"]


def _question(row: dict[str, Any]) -> Question:
    outcome = row["outcome"] or ""
    return Question(
        day=row["day"],
        source=row["source"],
        feedback_id=row["feedback_id"],
        text=row["_text"],
        content=row["_content"],
        input_hash=row["_input_hash"],
        urgent=bool(row["_urgent"]),
        received_at=row["_received_at"],
        earlier=row["times_sent"] or 0,
        unusable=outcome if outcome in UNUSABLE_OUTCOMES else "",
    )


def _tell(context: StepContext, stage: str, report: AskReport, submitted: int) -> None:
    """Counts for the run's metrics; a stop is said aloud."""
    counts = {
        "asked": report.items,
        "answered": report.answered,
        "unusable": report.unusable,
        "unanswered": report.unanswered,
        "attempts": report.attempts,
        "submitted": submitted,
    }
    if report.items or submitted:
        context.note(f"{stage}: {counts} cost {report.cost:.4f}")
    if report.stopped:
        context.note(f"{stage}: {report.stopped}")
