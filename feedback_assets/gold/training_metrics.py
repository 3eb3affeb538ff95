"""How good a model is on examples that it did not see.

Belongs here: figures out of fold, calibrated and thresholded without the fold they are measured
on. Does not belong here: training, and evaluation on the golden set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.metrics import f1_score

from feedback_assets.gold.calibration import Prediction, Probabilities
from feedback_assets.gold.guarantee import FIELDS, Field
from feedback_assets.gold.heads import HEADS, PARENT, SUB_HEADS
from feedback_assets.gold.training_guarantee import Finding, Unseen, fitted, found, guaranteed
from feedback_assets.gold.training_heads import Index, Truth, truth_of

f1: Callable[..., Any] = f1_score


def cross_fitted(
    unseen: Unseen, folds: Index
) -> tuple[Prediction, dict[Field, Finding], dict[Field, Truth]]:
    """What would be said of each example, and whether it would stand, by calibration and
    thresholds learned from the other folds; an action only where area and severity do."""
    predictions, findings, stands, order = [], [], [], []
    for fold in np.unique(folds):
        rest, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        known = unseen.take(rest)
        calibration = fitted(known)
        guarantee = guaranteed(found(calibration, known)[1])
        said, own = found(calibration, unseen.take(held))
        predictions.append(said)
        findings.append(own)
        reached = {f: guarantee.stands(f, own[f].classes, own[f].confidence) for f in FIELDS}
        reached["action"] &= reached["category"] & reached["severity"]
        stands.append(reached)
        order.append(held)
    back = np.argsort(np.concatenate(order))
    together = Prediction(
        *(
            np.concatenate([getattr(said, name) for said in predictions])
            for name in Prediction.__dataclass_fields__
        )
    )
    return (
        together.take(back),
        {f: _joined([own[f] for own in findings]).take(back) for f in FIELDS},
        {f: np.concatenate([own[f] for own in stands])[back] for f in FIELDS},
    )


def _joined(parts: list[Finding]) -> Finding:
    return Finding(
        np.concatenate([part.classes for part in parts]),
        np.concatenate([part.confidence for part in parts]),
        np.concatenate([part.right for part in parts]),
    )


def metrics(
    unseen: Unseen,
    said: Prediction,
    findings: dict[Field, Finding],
    stands: dict[Field, Truth],
) -> dict[str, float]:
    """Quality over all examples; the confidence in the primary category is measured against
    whether the label names it at all."""
    labels, count = unseen.labels, len(unseen.scores)
    truth = truth_of(labels)
    own = labels.primary[:, None] == PARENT
    subs = np.where(own, unseen.scores[:, SUB_HEADS], -np.inf).argmax(axis=1)
    tone, severity = findings["sentiment"], findings["severity"]
    unrated = np.isnan(labels.ratings)
    figures: dict[str, float] = {
        "examples": count,
        "category_macro_f1": float(
            f1(labels.categories, said.applies, average="macro", zero_division=0)
        ),
        "category_ece": calibration_error(said.categories.ravel(), labels.categories.ravel()),
        "primary_accuracy": float((said.primary == labels.primary).mean()),
        "primary_among_labels": float(findings["category"].right.mean()),
        "confidence_ece": calibration_error(said.confidence, findings["category"].right),
        "sub_category_accuracy_given_primary": float((subs == labels.sub_category).mean()),
        "sentiment_macro_f1": float(f1(labels.sentiment, tone.classes, average="macro")),
        "sentiment_ece": calibration_error(tone.confidence, tone.right),
        "severity_macro_f1": float(f1(labels.severity, severity.classes, average="macro")),
        "severity_within_one": float((abs(severity.classes - labels.severity) <= 1).mean()),
        "severity_ece": calibration_error(severity.confidence, severity.right),
        "root_cause_accuracy": float(findings["root_cause"].right.mean()),
        "root_cause_ece": calibration_error(
            findings["root_cause"].confidence, findings["root_cause"].right
        ),
        "action_accuracy": float(findings["action"].right.mean()),
        "action_ece": calibration_error(findings["action"].confidence, findings["action"].right),
    }
    if unrated.any():
        figures["unrated_sentiment_accuracy"] = float(tone.right[unrated].mean())
        figures["unrated_severity_macro_f1"] = float(
            f1(labels.severity[unrated], severity.classes[unrated], average="macro")
        )
    for field in FIELDS:
        decided = stands[field]
        figures[f"{field}_decided"] = float(decided.mean())
        figures[f"{field}_precision_held"] = (
            float(findings[field].right[decided].mean()) if decided.any() else 0.0
        )
    return {**figures, **{f"n_{head}": int(truth[:, i].sum()) for i, head in enumerate(HEADS)}}


def calibration_error(said: Probabilities, happened: Truth, bins: int = 10) -> float:
    """Expected calibration error over equal-width bins (Guo et al., 2017), 0 best, 1 worst."""
    place = np.minimum((said * bins).astype(int), bins - 1)
    gaps = [
        abs(said[place == b].mean() - happened[place == b].mean()) * (place == b).mean()
        for b in np.unique(place)
    ]
    return float(sum(gaps))
