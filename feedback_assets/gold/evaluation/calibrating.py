"""What the language model's stated confidence is worth, learned on the golden set.

Belongs here: fitting a calibration a stage from outcomes. Does not belong here: its use
(`language_model.confidence`) and the threshold's guarantee (`guarantee`).

Only the answers of the language model count, so the calibration is for the items it is asked
about: those that tier 1 is in doubt about.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from feedback_assets.gold.evaluation.outcomes import Outcomes
from feedback_assets.gold.guarantee import PRECISION, Field, threshold
from feedback_assets.gold.language_model.confidence import Calibration

LANGUAGE_MODEL = "language_model"


class _Judged(NamedTuple):
    label: str
    field: Field


JUDGED: dict[str, _Judged] = {
    "sentiment": _Judged("sentiment", "sentiment"),
    "topics": _Judged("primary_category", "category"),
    "root_cause": _Judged("root_cause_type", "root_cause"),
    "recommendation": _Judged("action", "action"),
}
"""The label whose rightness the confidence is about, and whose precision it must reach."""
FEWEST = 30
"""Answers below which nothing is learned, and nothing stands."""


def learn(outcomes: Outcomes) -> dict[str, Calibration]:
    """A calibration for each judged stage, from outcomes with stated confidences.

    Stages with fewer than `FEWEST` answers get one by which no answer stands.
    """
    learned = {stage: _learned(outcomes.frames[stage], *JUDGED[stage])
               for stage in JUDGED if stage in outcomes.frames}  # fmt: skip
    if "topics" in learned:
        severity = _learned(
            outcomes.frames["topics"], "severity", "severity", "severity_confidence"
        )
        learned["topics"] = replace(learned["topics"], severity=severity)
    return learned


def _learned(
    frame: pl.DataFrame, label: str, field: Field, confidence: str = "confidence"
) -> Calibration:
    answered = frame.filter(pl.col("tier") == LANGUAGE_MODEL)
    stated = np.clip(answered[confidence].to_numpy(), 0.01, 0.99)
    right = _right(answered, label)
    if len(right) < FEWEST:
        return Calibration(1.0, 0.0, float("inf"), len(right))
    slope, offset = _platt(np.log(stated / (1 - stated)), right)
    fitted = Calibration(slope, offset, 0.0, len(right))
    calibrated = np.array([fitted.probability(float(each)) for each in stated])
    return Calibration(slope, offset, threshold(calibrated, right, PRECISION[field]), len(right))


def _right(answered: pl.DataFrame, label: str) -> NDArray[np.bool_]:
    """Whether a person would agree; of several areas, that the one named first is among them."""
    said = pl.col(f"said_{label}")
    if label == "primary_category":
        agreed = said.is_in(pl.col("truth_categories"))
    else:
        agreed = said == pl.col(f"truth_{label}")
    found: NDArray[np.bool_] = answered.select(agreed).to_series().to_numpy().astype(np.bool_)
    return found


def _platt(logits: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset of a logistic fit (Platt, 1999), one right and one wrong added."""
    ends = np.array([logits.max(), logits.min()])
    x, y = np.concatenate([logits, ends]), np.concatenate([right, [True, False]])
    fit = LogisticRegression(C=1.0).fit(x[:, None], y)
    return max(float(fit.coef_[0, 0]), 0.0), float(fit.intercept_[0])
