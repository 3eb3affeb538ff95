"""Both tiers on a batch in memory, as the steps run them on tables.

Belongs here: what the evaluation on the golden set calls. Does not belong here: the steps' way
through Spark (`consulting`); the parts are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from feedback_assets.contracts.tables import TABLES
from feedback_assets.gold import recommendation
from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.language_model.asking import Asker
from feedback_assets.gold.language_model.combining import ANSWERED, combine
from feedback_assets.gold.language_model.confidence import Calibration
from feedback_assets.gold.language_model.doubts import QUESTION, with_questions
from feedback_assets.gold.language_model.ledger import SPENT, known_answers
from feedback_assets.gold.language_model.questions import Question
from feedback_assets.gold.prompts import Prompt
from feedback_assets.gold.reading import read_safely, watched
from feedback_assets.gold.recommendation import RuleBook, built_in
from feedback_assets.gold.stages import STAGES, Stamp
from feedback_assets.gold.suspicion import Suspicion
from feedback_assets.pipeline.model_plan import ModelPlan
from resources.lakehouse.base import Lakehouse


class NotAskedToTheEnd(RuntimeError):
    """Asking had to stop early; a judgement on half the answers would be none."""


_NOTHING = dict.fromkeys(ANSWERED.names)


@dataclass(frozen=True)
class Cascade:
    """One configuration of both tiers; without a plan, tier 1 alone.

    `prompts` and `calibrations` are by stage. Questions and answers go through the ledger of
    `lakehouse`, so what was asked before is not asked again.
    """

    model: TriageClassifier
    suspicion: Suspicion
    stamp: Stamp
    plan: ModelPlan | None
    prompts: dict[str, Prompt]
    lakehouse: Lakehouse
    calibrations: Mapping[str, Calibration | None]
    rules: RuleBook = field(default_factory=built_in)

    def decide(self, stage: str, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The stage's findings of `batch` in its order: its contract's columns, and what the
        language model took for each (`SPENT`).

        Raises `NotAskedToTheEnd`.
        """
        table = f"gold_{stage}"
        if "attempts" not in batch.schema.names:
            batch = watched(batch, self.suspicion)
        found, instructs = read_safely(batch, lambda b: self._tier_one(stage, b))
        if self.plan is None:
            return found
        prompt = self.prompts[stage]
        open_ = with_questions(batch, found, instructs, prompt, self.plan.model.name)
        rows = open_.to_pylist()
        asked = {row["_input_hash"]: row for row in rows if row["_input_hash"] is not None}
        known = self._answers(prompt, asked)
        joined = [{**row, **_answer(known.get(row["_input_hash"] or ""))} for row in rows]
        contract = [pa.field(f.name, f.type) for f in TABLES[table].schema]
        schema = pa.schema([*contract, *QUESTION, *[f for f in ANSWERED if f.name != "input_hash"]])
        version = f"{stage}/{prompt.version}"
        calibration = self.calibrations.get(stage)
        parts = list(
            combine(stage, pa.RecordBatch.from_pylist(joined, schema), version, calibration)
        )
        ordered = _in_order(parts, batch, pa.schema(contract))
        for name in SPENT:
            spent = [(known.get(row["_input_hash"] or "") or {}).get(name, 0.0) for row in rows]
            ordered = ordered.append_column(name, pa.array(spent, pa.float64()))
        return ordered

    def _tier_one(self, stage: str, batch: pa.RecordBatch) -> pa.RecordBatch:
        if stage == "recommendation":
            return recommendation.infer(batch, self.model, self.stamp, self.rules)
        return STAGES[f"gold_{stage}"].infer(batch, self.model, self.stamp)

    def _answers(self, prompt: Prompt, asked: dict[str, dict[str, Any]]) -> dict[str, Any]:
        assert self.plan is not None
        name = self.plan.model.name
        known = known_answers(self.lakehouse, prompt, name, asked)
        missing = [row for key, row in asked.items() if not known.get(key, _UNSETTLED)["settled"]]
        report = Asker(self.plan, prompt, self.lakehouse, self.stamp.run_id).ask(
            map(_question, missing)
        )
        if report.stopped:
            raise NotAskedToTheEnd(f"{prompt.stage}: {report.stopped}")
        return known_answers(self.lakehouse, prompt, name, asked)


_UNSETTLED = {"settled": False}


def _question(row: dict[str, Any]) -> Question:
    return Question(
        row["day"], row["source"], row["feedback_id"], row["_text"], row["_content"],
        row["_input_hash"],
    )  # fmt: skip


def _answer(known: dict[str, Any] | None) -> dict[str, Any]:
    if known is None:
        return {k: v for k, v in _NOTHING.items() if k != "input_hash"}
    return {
        "outcome": known["outcome"],
        "settled": known["settled"],
        "answer": known["answer"],
        "answered_by": known["model_version"],
    }


def _in_order(
    parts: list[pa.RecordBatch], batch: pa.RecordBatch, schema: pa.Schema
) -> pa.RecordBatch:
    """Findings in the order of the items they are of."""
    found = pa.Table.from_batches(parts, schema)
    place = {name: at for at, name in enumerate(found.column("feedback_id").to_pylist())}
    order = [place[name] for name in batch.column("feedback_id").to_pylist()]
    ordered: Iterator[pa.RecordBatch] = iter(found.take(order).combine_chunks().to_batches())
    return next(ordered, pa.RecordBatch.from_pylist([], schema))
