"""Training tier 1 from labelled examples.

Belongs here: fitting, calibration, training metrics. Does not belong here: reading examples
(`examples`), the trained model's use (`classifier`), and evaluation on the golden set.

Calibration is Platt's (1999) on out-of-fold scores: each example is scored by models that never
saw it. The reported metrics calibrate and set thresholds without the fold they are measured on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from feedback_assets.contracts.taxonomy import CATEGORIES, SENTIMENTS, SEVERITIES, SUB_CATEGORIES
from feedback_assets.gold.classifier import (
    CATEGORY_HEADS,
    HEADS,
    PARENT,
    SENTIMENT_HEADS,
    SEVERITY_HEADS,
    SUB_HEADS,
    Probabilities,
    TriageClassifier,
    decide,
    leading,
    primary_confidence,
    primary_evidence,
    shares,
    sigmoid,
)
from feedback_assets.gold.features import Passage, Vocabulary, fit_vocabulary, read
from feedback_assets.gold.root_cause import cause_type
from feedback_assets.gold.sentiment import rating_evidence, with_rating

PARAMETERS: dict[str, float] = {
    "folds": 5,
    "texts_a_feature_needs": 2,
    "words_scale": 1.0,
    "characters_scale": 1.0,
    "concepts_scale": 1.0,
}
STRENGTHS = (1.0, 5.0, 20.0)
"""Inverse regularisation strengths tried for each group of heads: the least whose macro-F1
(accuracy for sub-categories) comes within half a point of the best."""
_EVEN = 0.005

LEAST_CLAIMED = 0.3
"""No category is claimed below this probability, even where a rare one's F1 would gain by it:
the threshold of few examples is mostly noise, and each false area sends someone looking."""

Truth = NDArray[np.bool_]
Scores = Probabilities
_GROUPS = {"category": CATEGORY_HEADS, "sentiment": SENTIMENT_HEADS, "severity": SEVERITY_HEADS,
           "sub_category": SUB_HEADS}  # fmt: skip


def train(examples: Iterable[Mapping[str, Any]], seed: int = 0) -> TriageClassifier:
    """A calibrated classifier from labelled examples.

    The same examples, code and seed give the same model. A label with too few examples to
    learn gets its base rate. Raises `ValueError` when there are fewer than ten examples.
    """
    # The linear algebra is small: more threads only wait for each other on a busy machine.
    with threadpool_limits(limits=1):
        return _train(list(examples), seed)


def _train(rows: Sequence[Mapping[str, Any]], seed: int) -> TriageClassifier:
    if len(rows) < 2 * PARAMETERS["folds"]:
        raise ValueError(f"{len(rows)} examples are too few to train and calibrate on")
    passages = [read([row["text"]]) for row in rows]
    truth = _truth(rows)
    folds = _folds(rows, seed)
    strengths, scores = _cross_validate(passages, truth, folds, seed)
    vocabulary = _vocabulary(passages)
    weights, bias = _fit_all(_rows(vocabulary, passages), truth, strengths, seed)
    platt, thresholds, primary_platt = _calibrate(scores, truth, rows)
    tones = shares(sigmoid(platt[0] * scores + platt[1])[:, SENTIMENT_HEADS])
    rating_weights = _fit_rating(tones, rows)
    parameters = {**PARAMETERS, "seed": seed, **{f"C_{k}": v for k, v in strengths.items()}}
    return TriageClassifier(
        version=version_of(rows, seed),
        vocabulary=vocabulary,
        weights=weights.astype(np.float32),
        bias=bias,
        platt=platt,
        thresholds=thresholds,
        primary_platt=primary_platt,
        rating_weights=rating_weights,
        metrics=_metrics(scores, truth, rows, folds),
        parameters=parameters,
        reliability_of=_cause_reliability(rows),
    )


def _truth(rows: Sequence[Mapping[str, Any]]) -> Truth:
    labels = [
        {*row["categories"], row["sentiment"], row["severity"], row["sub_category"]} for row in rows
    ]
    return np.array([[head in held for head in HEADS] for held in labels])


def _folds(rows: Sequence[Mapping[str, Any]], seed: int) -> NDArray[np.int64]:
    """The fold that holds each example out, primary categories spread evenly."""
    primary = np.array([CATEGORIES.index(row["primary_category"]) for row in rows])
    count = int(PARAMETERS["folds"])
    folds = np.random.default_rng(seed).integers(0, count, len(rows))
    common = np.flatnonzero(np.bincount(primary)[primary] >= count)
    if len(common):
        splitter = StratifiedKFold(count, shuffle=True, random_state=seed)
        for fold, (_, held) in enumerate(splitter.split(common, primary[common])):
            folds[common[held]] = fold
    return folds


def _vocabulary(passages: Sequence[Passage]) -> Vocabulary:
    scales = [PARAMETERS[f"{block}_scale"] for block in ("words", "characters", "concepts")]
    return fit_vocabulary(passages, int(PARAMETERS["texts_a_feature_needs"]), scales)


def _rows(vocabulary: Vocabulary, passages: Sequence[Passage]) -> csr_matrix:
    return vstack([vocabulary.weigh(passage)[0] for passage in passages]).tocsr()


def _cross_validate(
    passages: Sequence[Passage], truth: Truth, folds: NDArray[np.int64], seed: int
) -> tuple[dict[str, float], Scores]:
    """The best strength of each group of heads, and all examples' out-of-fold scores with it."""
    tried = {strength: np.zeros(truth.shape) for strength in STRENGTHS}
    for fold in np.unique(folds):
        fitted, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        seen = [passages[i] for i in fitted.tolist()]
        vocabulary = _vocabulary(seen)
        matrix = _rows(vocabulary, seen)
        unseen = _rows(vocabulary, [passages[i] for i in held.tolist()])
        for strength, scores in tried.items():
            same = dict.fromkeys(_GROUPS, strength)
            weights, bias = _fit_all(matrix, truth[fitted], same, seed)
            scores[held] = unseen @ weights + bias
    best: dict[str, float] = {}
    chosen = np.zeros(truth.shape)
    for group, heads in _GROUPS.items():
        quality = {s: _quality(group, tried[s][:, heads], truth[:, heads]) for s in STRENGTHS}
        best[group] = next(s for s in STRENGTHS if quality[s] >= max(quality.values()) - _EVEN)
        chosen[:, heads] = tried[best[group]][:, heads]
    return best, chosen


def _quality(group: str, scores: Scores, truth: Truth) -> float:
    if group == "sub_category":
        own = PARENT[truth.argmax(axis=1)][:, None] == PARENT
        return float((np.where(own, scores, -np.inf).argmax(1) == truth.argmax(1)).mean())
    if group == "category":
        return float(
            np.mean([_best_threshold(s, t)[1] for s, t in zip(scores.T, truth.T, strict=True)])
        )
    return float(f1_score(truth.argmax(1), scores.argmax(1), average="macro"))


def _fit_all(
    matrix: csr_matrix, truth: Truth, strengths: Mapping[str, float], seed: int
) -> tuple[Scores, Scores]:
    """Weights (columns, heads) and bias of every head; a sub-category against its siblings."""
    weights, bias = np.zeros((matrix.shape[1], len(HEADS))), np.zeros(len(HEADS))
    subs = truth[:, SUB_HEADS]
    for group, heads in _GROUPS.items():
        for head in range(heads.start, heads.stop):
            rows = np.arange(len(truth))
            if group == "sub_category":
                siblings = PARENT[head - heads.start] == PARENT
                rows = np.flatnonzero(subs[:, siblings].any(axis=1))
            fitted = _fit_head(matrix[rows], truth[rows, head], strengths[group], seed)
            weights[:, head], bias[head] = fitted
    return weights, bias


def _fit_head(matrix: csr_matrix, truth: Truth, strength: float, seed: int) -> tuple[Scores, float]:
    positives = int(truth.sum())
    if positives < 2 or positives == len(truth):
        rate = (positives + 0.5) / (len(truth) + 1)
        return np.zeros(matrix.shape[1]), float(np.log(rate / (1 - rate)))
    model = LogisticRegression(
        C=strength, class_weight="balanced", solver="liblinear", random_state=seed
    )
    model.fit(matrix, truth)
    return model.coef_[0], float(model.intercept_[0])


def _platt(scores: Scores, truth: Truth) -> tuple[float, float]:
    """Slope and offset; those that change nothing where there are too few to learn from."""
    if min(truth.sum(), (~truth).sum()) < 3:
        return 1.0, 0.0
    model = LogisticRegression(C=1e3).fit(scores[:, None], truth)
    return max(float(model.coef_[0, 0]), 1e-3), float(model.intercept_[0])


def _best_threshold(values: Scores, truth: Truth) -> tuple[float, float]:
    """The threshold of best F1, and that F1; 1/2 where the label never occurs."""
    if not truth.any():
        return 0.5, 0.0
    order = np.argsort(-values, kind="stable")
    hits = np.cumsum(truth[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + truth.sum())
    best = int(f1.argmax())
    following = values[order[min(best + 1, len(order) - 1)]]
    return float((values[order[best]] + following) / 2), float(f1[best])


def _calibrate(
    scores: Scores, truth: Truth, rows: Sequence[Mapping[str, Any]]
) -> tuple[Probabilities, Probabilities, Probabilities]:
    platt = np.ones((2, len(HEADS)))
    platt[1] = 0
    for head in range(SUB_HEADS.start):
        platt[:, head] = _platt(scores[:, head], truth[:, head])
    areas = sigmoid(platt[0] * scores + platt[1])[:, CATEGORY_HEADS]
    best = [_best_threshold(areas[:, i], truth[:, i])[0] for i in range(len(CATEGORIES))]
    thresholds = np.maximum(best, LEAST_CLAIMED)
    led = leading(areas, thresholds)
    right = led.argmax(axis=1) == _primary(rows)
    if min(right.sum(), (~right).sum()) < 3:
        return platt, thresholds, np.array([1.0, 0.0, 0.0])
    model = LogisticRegression(C=10.0).fit(primary_evidence(led), right)
    return platt, thresholds, np.append(model.coef_[0], model.intercept_)


def _primary(rows: Sequence[Mapping[str, Any]]) -> NDArray[np.int64]:
    return np.array([CATEGORIES.index(row["primary_category"]) for row in rows])


def _fit_rating(tones: Probabilities, rows: Sequence[Mapping[str, Any]]) -> Probabilities:
    """Weights (3, 6) of `sentiment.rating_evidence`, from the examples that bear a rating."""
    rated = np.array([row["rating"] is not None for row in rows])
    tone = np.array([SENTIMENTS.index(row["sentiment"]) for row in rows])[rated]
    if len(np.unique(tone)) < len(SENTIMENTS):
        return np.hstack([np.eye(3), np.zeros((3, 3))])
    ratings = np.array([row["rating"] for row in rows if row["rating"] is not None])
    model = LogisticRegression(C=1.0, max_iter=1000).fit(
        rating_evidence(tones[rated], ratings), tone
    )
    return np.hstack([model.coef_, model.intercept_[:, None]])


def _metrics(
    scores: Scores, truth: Truth, rows: Sequence[Mapping[str, Any]], folds: NDArray[np.int64]
) -> dict[str, float]:
    """Out-of-fold quality, calibrated and thresholded without the fold it is measured on."""
    count = len(rows)
    areas, applies = np.zeros((count, len(CATEGORIES))), np.zeros((count, len(CATEGORIES)), bool)
    confidence, tone = np.zeros(count), np.zeros((count, len(SENTIMENTS)))
    severity, best = np.zeros((count, len(SEVERITIES))), np.zeros(count, np.int64)
    subs = scores[:, SUB_HEADS]
    ratings = np.array([np.nan if row["rating"] is None else row["rating"] for row in rows])
    for fold in np.unique(folds):
        rest, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        known = [rows[i] for i in rest.tolist()]
        platt, thresholds, primary = _calibrate(scores[rest], truth[rest], known)
        said = sigmoid(platt[0] * scores + platt[1])
        tones = shares(said[:, SENTIMENT_HEADS])
        areas[held] = said[held, CATEGORY_HEADS]
        applies[held] = decide(areas[held], thresholds)[0]
        led = leading(areas[held], thresholds)
        best[held] = led.argmax(axis=1)
        confidence[held] = primary_confidence(led, primary)
        tone[held] = with_rating(tones[held], ratings[held], _fit_rating(tones[rest], known))
        severity[held] = shares(said[held, SEVERITY_HEADS])
    right = _primary(rows)
    own = right[:, None] == PARENT
    sub_right = np.where(own, subs, -np.inf).argmax(axis=1) == truth[:, SUB_HEADS].argmax(axis=1)
    f1: Callable[..., Any] = f1_score
    tone_truth = truth[:, SENTIMENT_HEADS].argmax(axis=1)
    severity_truth = truth[:, SEVERITY_HEADS].argmax(axis=1)
    return {
        "examples": count,
        "category_macro_f1": float(
            f1(truth[:, CATEGORY_HEADS], applies, average="macro", zero_division=0)
        ),
        "category_ece": calibration_error(areas.ravel(), truth[:, CATEGORY_HEADS].ravel()),
        "primary_accuracy": float((best == right).mean()),
        "primary_among_labels": float(truth[np.arange(count), best].mean()),
        "confidence_ece": calibration_error(confidence, best == right),
        "sub_category_accuracy_given_primary": float(sub_right.mean()),
        "sentiment_macro_f1": float(f1(tone_truth, tone.argmax(1), average="macro")),
        "sentiment_ece": calibration_error(tone.max(axis=1), tone.argmax(1) == tone_truth),
        "severity_macro_f1": float(f1(severity_truth, severity.argmax(1), average="macro")),
        "severity_within_one": float((abs(severity.argmax(1) - severity_truth) <= 1).mean()),
        "severity_ece": calibration_error(
            severity.max(axis=1), severity.argmax(1) == severity_truth
        ),
        **{f"n_{head}": int(truth[:, i].sum()) for i, head in enumerate(HEADS)},
    }


def calibration_error(said: Probabilities, happened: Truth, bins: int = 10) -> float:
    """Expected calibration error over equal-width bins (Guo et al., 2017), 0 best, 1 worst."""
    place = np.minimum((said * bins).astype(int), bins - 1)
    gaps = [
        abs(said[place == b].mean() - happened[place == b].mean()) * (place == b).mean()
        for b in np.unique(place)
    ]
    return float(sum(gaps))


def _cause_reliability(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """How often the rules' root cause type equals the label's, by the type they give.

    Counted on the true category and tone, with one right and one wrong added to each.
    """
    tally: dict[str, list[int]] = {}
    for row in rows:
        said = cause_type(row["primary_category"], row["sub_category"], row["sentiment"])
        tally.setdefault(said, [1, 1])[row["root_cause_type"] == said] += 1
    return {said: right / (wrong + right) for said, (wrong, right) in sorted(tally.items())}


def version_of(rows: Sequence[Mapping[str, Any]], seed: int = 0) -> str:
    """The name of the model that training on `rows` makes: a hash of data, settings and code."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps(row, sort_keys=True, ensure_ascii=False).encode())
    digest.update(
        json.dumps([PARAMETERS, seed, STRENGTHS, SUB_CATEGORIES], sort_keys=True).encode()
    )
    for name in _CODE:
        digest.update((files(__package__) / name).read_bytes())
    return "tier1-" + digest.hexdigest()[:12]


_CODE = ("letters.py", "rolling.py", "concepts.py", "concepts.yaml", "features.py", "training.py",
         "classifier.py", "sentiment.py", "root_cause.py")  # fmt: skip
