"""What the stages would say of examples that no model has seen, and what that proves.

Belongs here: findings out of fold, with their confidence and whether the labels agree; the
thresholds learned from them. Does not belong here: the bound (`guarantee`) and the overall
figures (`training_metrics`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from feedback_assets.gold.calibration import Calibration, Prediction, Probabilities
from feedback_assets.gold.guarantee import (
    CLASSES,
    FIELDS,
    PRECISION,
    Field,
    Flags,
    Guarantee,
    Index,
    learned,
    lower_bound,
)
from feedback_assets.gold.heads import CAUSE_HEADS
from feedback_assets.gold.root_cause import cause_kinds
from feedback_assets.gold.sentiment import tone_of
from feedback_assets.gold.topics import severity_of
from feedback_assets.gold.training_actions import advised, fit_reliability
from feedback_assets.gold.training_calibration import fit_calibration
from feedback_assets.gold.training_heads import Labels, Scores


class Finding(NamedTuple):
    """One field's findings: class by number, confidence, and whether it is right."""

    classes: Index
    confidence: Probabilities
    right: Flags

    def take(self, rows: Index) -> Finding:
        """The findings of the given rows."""
        return Finding(self.classes[rows], self.confidence[rows], self.right[rows])


class Unseen(NamedTuple):
    """All that calibration and guarantee are learned from: out-of-fold scores, and what of a
    text no model needs to learn, with the labels."""

    scores: Scores
    form: Probabilities
    held: Flags
    labels: Labels

    def take(self, rows: Index) -> Unseen:
        """The given rows."""
        return Unseen(self.scores[rows], self.form[rows], self.held[rows], self.labels.take(rows))


def fitted(unseen: Unseen) -> Calibration:
    """All maps from scores to probabilities, that of the rules' advice on what the others say."""
    calibration = fit_calibration(unseen.scores, unseen.form, unseen.labels)
    said, findings = found(calibration, unseen)
    advice = advised(said, findings["sentiment"].classes, findings["severity"].classes)
    return replace(calibration, actions=fit_reliability(advice, findings["action"].right))


def found(calibration: Calibration, unseen: Unseen) -> tuple[Prediction, dict[Field, Finding]]:
    """What the stages would report of each example, by field.

    A category is right when it is among those the label names; everything else when it is equal.
    """
    labels = unseen.labels
    said = calibration.judge(unseen.scores, unseen.form, labels.ratings)
    tone, tone_confidence, _ = tone_of(said, labels.ratings)
    severity, severity_confidence, _ = severity_of(said, unseen.held)
    advice = advised(said, tone, severity)
    kinds = cause_kinds(said)
    primary_right = labels.categories[np.arange(len(tone)), said.primary]
    return said, {
        "category": Finding(said.primary, said.confidence, primary_right),
        "sentiment": Finding(tone, tone_confidence, tone == labels.sentiment),
        "severity": Finding(severity, severity_confidence, severity == labels.severity),
        "root_cause": Finding(
            kinds,
            calibration.cause_confidence(
                kinds,
                said.tone,
                said.confidence,
                unseen.scores[:, CAUSE_HEADS],
            ),
            kinds == labels.cause,
        ),
        "action": Finding(
            advice.actions,
            advice.confidence(calibration.actions),
            advice.actions == labels.action,
        ),
    }


def guaranteed(findings: Mapping[Field, Finding]) -> Guarantee:
    """The thresholds that these findings prove."""
    return Guarantee({field: learned(field, *finding) for field, finding in findings.items()})


def by_class(
    guarantee: Guarantee, findings: Mapping[Field, Finding], stands: Mapping[Field, Flags]
) -> dict[str, dict[str, dict[str, float | None]]]:
    """What is decided and how well it holds, by field and class.

    `threshold` is the one in force (None where none qualifies); `share decided` and `precision
    held` are measured where `stands` says so, by thresholds learned without the example's fold;
    `proven` is the lower bound that the held precision proves.
    """
    told: dict[str, dict[str, dict[str, float | None]]] = {}
    for field in FIELDS:
        told[field] = {}
        for number, name in enumerate(CLASSES[field]):
            own = findings[field].classes == number
            kept = own & stands[field]
            right, decided = int(findings[field].right[kept].sum()), int(kept.sum())
            threshold = float(guarantee.thresholds[field][number])
            told[field][name] = {
                "threshold": threshold if np.isfinite(threshold) else None,
                "found": int(own.sum()),
                "share decided": decided / max(int(own.sum()), 1),
                "precision target": PRECISION[field],
                "precision held": right / decided if decided else None,
                "proven": lower_bound(right, decided),
            }
    return told
