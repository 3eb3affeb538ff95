"""The configuration in force, judged, kept and reported.

Belongs here: what the asset golden_evaluation does, and `feedback evaluate` without a choice.
Does not belong here: the parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from feedback_assets.gold.evaluation.contenders import contender, without_language_model
from feedback_assets.gold.evaluation.evaluate import Evaluation, evaluate_in_force
from feedback_assets.gold.language_model.cascade import NotAskedToTheEnd
from feedback_assets.pipeline.runtime import Runtime


@dataclass(frozen=True)
class Judgement:
    """An evaluation, where its report lies, and what else should be known of it."""

    evaluation: Evaluation
    report: Path
    note: str = ""


def judge_in_force(runtime: Runtime, golden_set: Path, reports: Path) -> Judgement:
    """Judge what is in force against what was before; the report goes to folder `reports`.

    Where the language model can't be asked to the end, it stays without a calibration, by which
    nothing it says stands by itself: then tier 1 alone is judged.
    """
    # Charts take a third of a second to import, which loading definitions need not spend.
    from feedback_assets.gold.evaluation.report import write_report

    note = ""
    try:
        judged = contender(runtime, golden_set)
    except NotAskedToTheEnd as stopped:
        note = f"the language model was not judged and decides nothing by itself: {stopped}"
        judged = without_language_model(runtime)
    now = datetime.now(UTC)
    done = evaluate_in_force(golden_set, judged, runtime.lakehouse, runtime.run_id, now)
    name = f"{judged.configuration.configuration_hash}.html"
    return Judgement(done, write_report(done, reports / name, now), note)


def headline(evaluation: Evaluation) -> dict[str, float]:
    """The figures worth plotting from one evaluation to the next."""
    wanted = {
        "topics": ("macro_f1", "severity_within_one", "calibration_error", "standing",
                   "precision_standing"),
        "sentiment": ("macro_f1", "calibration_error", "standing", "precision_standing"),
        "root_cause": ("accuracy", "standing", "precision_standing"),
        "recommendation": ("accuracy", "standing", "precision_standing"),
    }  # fmt: skip
    figures = {
        f"{stage}_{metric}": evaluation.scores.value(stage, metric)
        for stage, metrics in wanted.items()
        for metric in metrics
    }
    return {name: round(value, 4) for name, value in figures.items() if value is not None}
