"""Fitting the maps from scores to probabilities.

Belongs here: calibration from scores of examples that the scoring models never saw. Does not
belong here: the maps (`calibration`), and how well they hold (`training_metrics`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sklearn.linear_model import LogisticRegression

from feedback_assets.contracts.taxonomy import CATEGORIES, ROOT_CAUSE_TYPES, SENTIMENTS, SEVERITIES
from feedback_assets.gold.calibration import (
    Calibration,
    Prediction,
    Probabilities,
    cause_evidence,
    leading,
    primary_evidence,
    rating_evidence,
    severity_evidence,
    sigmoid,
    tone_evidence,
)
from feedback_assets.gold.heads import CATEGORY_HEADS, CAUSE_HEADS
from feedback_assets.gold.root_cause import cause_kinds
from feedback_assets.gold.training_heads import Index, Labels, Scores, Truth

LEAST_CLAIMED = 0.3
"""No category is claimed below this probability, even where a rare one's F1 would gain by it:
the threshold of few examples is mostly noise, and each false area sends someone looking."""
_FEWEST = 3
"""Examples of each outcome without which nothing is fitted."""
_FEWEST_RATED = 10
_CAUSE_BY_AREA = np.append(np.zeros(len(ROOT_CAUSE_TYPES) * len(SENTIMENTS)), [1.0, 0.0])
_STRENGTH, _RATED_STRENGTH, _CAUSE_STRENGTH = 0.3, 1.0, 0.3
"""Inverse regularisation of the models of tone and severity, of those of rated items, and of the
confidence in kinds of root cause, on evidence of unit variance."""


def fit_calibration(scores: Scores, form: Probabilities, labels: Labels) -> Calibration:
    """The maps, from out-of-fold scores (n, heads), form (n, 5) and labels."""
    platt = np.array(
        [_platt(scores[:, i], labels.categories[:, i]) for i in range(len(CATEGORIES))]
    ).T
    areas = sigmoid(platt[0] * scores[:, CATEGORY_HEADS] + platt[1])
    best = [best_threshold(areas[:, i], labels.categories[:, i]) for i in range(len(CATEGORIES))]
    thresholds = np.maximum(best, LEAST_CLAIMED)
    tones, levels = tone_evidence(scores, form), severity_evidence(scores, form)
    known = np.flatnonzero(~np.isnan(labels.ratings))
    ratings = labels.ratings[known]
    tone = _multinomial(tones, labels.sentiment, len(SENTIMENTS))
    severity = _multinomial(levels, labels.severity, len(SEVERITIES))
    fitted = Calibration(
        platt,
        thresholds,
        _primary(areas, thresholds, labels),
        tone,
        _rated(rating_evidence(tones[known], ratings), labels.sentiment[known], tone),
        severity,
        _rated(rating_evidence(levels[known], ratings), labels.severity[known], severity),
        _rates(labels.sentiment, len(SENTIMENTS)),
        _rates(labels.severity, len(SEVERITIES)),
        _CAUSE_BY_AREA,
    )
    said = fitted.judge(scores, form, labels.ratings)
    return replace(fitted, cause=_cause(said, scores, labels))


def best_threshold(values: Probabilities, truth: Truth) -> float:
    """The threshold of best F1; 1/2 where the label never occurs."""
    if not truth.any():
        return 0.5
    order = np.argsort(-values, kind="stable")
    hits = np.cumsum(truth[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + truth.sum())
    best = int(f1.argmax())
    following = values[order[min(best + 1, len(order) - 1)]]
    return float((values[order[best]] + following) / 2)


def _rates(truth: Index, classes: int) -> Probabilities:
    """How often each class occurs, one example of each added."""
    counts = np.bincount(truth, minlength=classes).astype(np.float64) + 1
    rates: Probabilities = counts / counts.sum()
    return rates


def _platt(scores: Scores, truth: Truth) -> tuple[float, float]:
    """Slope and offset; those that change nothing where there are too few to learn from."""
    if min(truth.sum(), (~truth).sum()) < _FEWEST:
        return 1.0, 0.0
    model = LogisticRegression(C=1e3).fit(scores[:, None], truth)
    return max(float(model.coef_[0, 0]), 1e-3), float(model.intercept_[0])


def _primary(areas: Probabilities, thresholds: Probabilities, labels: Labels) -> Probabilities:
    led = leading(areas, thresholds)
    right = labels.categories[np.arange(len(led)), led.argmax(axis=1)]
    if min(right.sum(), (~right).sum()) < _FEWEST:
        return np.array([1.0, 0.0, 0.0])
    model = LogisticRegression(C=10.0).fit(primary_evidence(led), right)
    return np.append(model.coef_[0], model.intercept_)


def _multinomial(
    evidence: Probabilities, truth: Index, classes: int, strength: float = _STRENGTH
) -> Probabilities:
    """Weights (classes, evidence + 1) on the evidence as it is; the bias is last.

    A class without an example gets a bias that makes it improbable.
    """
    weights = np.zeros((classes, evidence.shape[1] + 1))
    weights[:, -1] = -10.0
    seen = np.unique(truth)
    if len(seen) < 2:
        weights[seen, -1] = 0.0
        return weights
    scale = np.where(evidence.std(axis=0) > 0, evidence.std(axis=0), 1.0)
    model = LogisticRegression(C=strength, max_iter=1000).fit(evidence / scale, truth)
    fitted = np.column_stack([model.coef_ / scale, model.intercept_])
    weights[seen] = np.vstack([-fitted, fitted]) / 2 if len(seen) == 2 else fitted
    return weights


def _rated(evidence: Probabilities, truth: Index, unrated: Probabilities) -> Probabilities:
    """As `_multinomial`; the model of unrated items where hardly any example has a rating."""
    if len(truth) < _FEWEST_RATED or len(np.unique(truth)) < 2:
        return np.insert(unrated, -1, np.zeros((2, 1)), axis=1)
    return _multinomial(evidence, truth, len(unrated), _RATED_STRENGTH)


def _cause(said: Prediction, scores: Scores, labels: Labels) -> Probabilities:
    """Weights (23) of `calibration.cause_evidence`."""
    kinds = cause_kinds(said)
    right = kinds == labels.cause
    if min(right.sum(), (~right).sum()) < _FEWEST:
        return _CAUSE_BY_AREA
    tones = said.tone
    evidence = cause_evidence(kinds, tones, said.confidence, scores[:, CAUSE_HEADS])
    model = LogisticRegression(C=_CAUSE_STRENGTH, max_iter=1000).fit(evidence, right)
    weights = np.array(model.coef_[0])
    weights[:-2] += model.intercept_
    return weights
