"""What is in force, judged on what reviewers decided lately.

Belongs here: the rolling evaluation set, its scores, and where they are kept. Does not belong
here: the golden set and its gates (`judging`), and which decisions judge (`reviewed`).

The set is the decisions of the last `evaluation_days` days on texts that are held out of training
for good, without near-duplicates of what was trained on. It follows what customers write now,
which the golden set does only once a month. It is no golden set: reviewers see mostly what the
models doubt, so it is harder than all feedback, and a person who confirms a label has seen it
first, so it flatters. Its scores are for plotting beside each other, and break no gate.

They stand in `golden_evaluation` under stages that begin with `PREFIX`, without floors;
stage `ROLLING` holds how many items there were, and how many of them a person had edited.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa

from feedback_assets.contracts.ledgers import GOLDEN_EVALUATION
from feedback_assets.gold.evaluation.contenders import contender, without_language_model
from feedback_assets.gold.evaluation.golden import GoldenItem
from feedback_assets.gold.evaluation.measures import ALL
from feedback_assets.gold.evaluation.outcomes import STAGES, Outcomes, judge
from feedback_assets.gold.evaluation.scores import Scores, score
from feedback_assets.gold.examples import read_examples
from feedback_assets.gold.language_model.cascade import NotAskedToTheEnd
from feedback_assets.gold.likeness import nearest
from feedback_assets.gold.reviewed import Decided, decided_examples, judging_decisions
from feedback_assets.pipeline.runtime import Runtime

ROLLING = "rolling"
PREFIX = f"{ROLLING}_"
JUDGED = tuple(stage for stage in STAGES if stage != "translation")
_NOT_DECIDED = ("sub_category_accuracy", "summary_overlap", "evidence_overlap")
"""Metrics of what reviewers don't say."""
_FIGURES = ("accuracy", "macro_f1", "severity_within_one", "standing", "precision_standing")


@dataclass(frozen=True)
class RollingEvaluation:
    """The scores on so many `items`, `edited` of which a person had corrected.

    Where there are too few, nothing was judged: configuration and scores are None, and `note`
    says why. Else `note` tells what else should be known.
    """

    configuration_hash: str | None
    items: int
    edited: int
    scores: Scores | None
    note: str = ""

    @property
    def figures(self) -> dict[str, float]:
        """The figures worth plotting from one evaluation to the next, by stage and metric."""
        if self.scores is None:
            return {}
        named = {
            f"{stage}_{metric}": self.scores.value(stage, metric)
            for stage in JUDGED
            for metric in _FIGURES
        }
        return {name: round(value, 4) for name, value in named.items() if value is not None}


def rolling_items(runtime: Runtime, golden_set: Path, now: dt.datetime) -> list[GoldenItem]:
    """The rolling evaluation set at `now` (aware), the latest decisions first.

    Shaped as golden items, and no more valid than decisions are: `sub_category`,
    `root_cause_type`, `root_cause` and `evidence` may be empty; `traits` says ``approved`` or
    ``edited``.
    """
    days = dt.timedelta(days=runtime.quality_rules.human.evaluation_days)
    judging = judging_decisions(runtime.lakehouse, now - days)
    train = golden_set / "train"
    labelled = read_examples(train) if any(train.glob("*.jsonl")) else []
    reviewed = decided_examples(runtime.lakehouse, len(labelled) or None)
    learned = [row["text"] for row in (*labelled, *reviewed)]
    near = nearest([one.example["text"] for one in judging], learned)
    return [_item(one) for one, like in zip(judging, near, strict=True) if like is None]


def judge_rolling(runtime: Runtime, golden_set: Path, now: dt.datetime) -> RollingEvaluation:
    """Judge what is in force on the rolling set at `now` (aware), and keep the scores.

    Where the language model can't be asked to the end, tier 1 alone is judged. Raises as
    `contender`.
    """
    items = rolling_items(runtime, golden_set, now)
    edited = sum("edited" in item.traits for item in items)
    human = runtime.quality_rules.human
    if len(items) < human.least_decisions:
        note = (
            f"not enough data: {len(items)} of {human.least_decisions} decisions that judge, in "
            f"{human.evaluation_days} days"
        )
        return RollingEvaluation(None, len(items), edited, None, note)
    note = ""
    try:
        outcomes = judge(items, *contender(runtime, golden_set), JUDGED)
    except NotAskedToTheEnd as stopped:
        note = f"without the language model, which could not be asked to the end: {stopped}"
        outcomes = judge(items, *without_language_model(runtime), JUDGED)
    scores = _scored(outcomes)
    done = RollingEvaluation(outcomes.configuration_hash, len(items), edited, scores, note)
    _keep(runtime, done, now)
    return done


def _item(decided: Decided) -> GoldenItem:
    return GoldenItem.model_construct(**decided.example)


def _scored(outcomes: Outcomes) -> Scores:
    """Scores of what reviewers decide: each stage on the items with a true label of it."""
    frames = dict(outcomes.frames)
    causes = frames["root_cause"].filter(pl.col("truth_root_cause_type") != "")
    frames["root_cause"] = causes
    if causes.is_empty():
        del frames["root_cause"]
    found = score(
        Outcomes(outcomes.configuration, {n: f for n, f in frames.items() if n in JUDGED})
    )
    decided = ~pl.col("metric").is_in(_NOT_DECIDED)
    return Scores(found.table.filter(decided), found.slices.filter(decided))


def _keep(runtime: Runtime, done: RollingEvaluation, now: dt.datetime) -> None:
    assert done.scores is not None
    assert done.configuration_hash is not None
    rows: Sequence[tuple[str, str, str, float]] = [
        *((PREFIX + stage, *rest) for stage, *rest in done.scores.table.iter_rows()),
        (ROLLING, ALL, "items", float(done.items)),
        (ROLLING, ALL, "edited", float(done.edited)),
    ]
    told = [
        {
            "configuration": done.configuration_hash, "stage": stage, "label": label,
            "metric": metric, "value": value, "floor": None, "evaluated_at": now,
            "run_id": runtime.run_id,
        }
        for stage, label, metric, value in rows
    ]  # fmt: skip
    batch = pa.RecordBatch.from_pylist(told, schema=GOLDEN_EVALUATION.schema)
    runtime.lakehouse.append(GOLDEN_EVALUATION, [batch])
