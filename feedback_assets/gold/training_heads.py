"""Labels as numbers, and the linear heads fitted to them.

Belongs here: truth, folds, fitting, scores of examples by models that never saw them.
Does not belong here: what scores mean (`training_calibration`) and how good they are
(`training_metrics`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from feedback_assets.contracts.taxonomy import (
    ACTIONS,
    CATEGORIES,
    ROOT_CAUSE_TYPES,
    SENTIMENTS,
    SEVERITIES,
    SUB_CATEGORIES,
)
from feedback_assets.gold.features import Passage
from feedback_assets.gold.heads import (
    ABOVE,
    CATEGORY_HEADS,
    CAUSE_HEADS,
    HEADS,
    PARENT,
    SENTIMENT_HEADS,
    SEVERITY_HEADS,
    SUB_HEADS,
)
from feedback_assets.gold.vocabulary import Vocabulary, fit_vocabulary

Truth = NDArray[np.bool_]
Scores = NDArray[np.float64]
Index = NDArray[np.int64]

PARAMETERS: dict[str, float] = {
    "most_folds": 7,
    "texts_a_feature_needs": 2,
    "words_scale": 1.0,
    "characters_scale": 1.0,
    "concepts_scale": 1.0,
    "C_category": 5.0,
    "C_sentiment": 5.0,
    "C_severity": 1.0,
    "C_sub_category": 1.0,
    "C_cause": 1.0,
}
"""`C_…` are inverse regularisation strengths, of 1, 5 and 20 the least that comes within half a
point of the best macro-F1 with each writer's file held out in turn (of the ordinal heads: area
under the curve; of sub-categories and causes: accuracy)."""
_GROUPS = {"category": CATEGORY_HEADS, "sentiment": SENTIMENT_HEADS, "severity": SEVERITY_HEADS,
           "sub_category": SUB_HEADS, "cause": CAUSE_HEADS}  # fmt: skip
_FEWEST_WRITERS, _FOLDS = 4, 5


class Labels(NamedTuple):
    """Labels by number, an element an example; -1 where a reviewer left one open, and a rating
    is nan where there is none."""

    categories: Truth
    primary: Index
    sub_category: Index
    sentiment: Index
    severity: Index
    cause: Index
    action: Index
    ratings: Scores

    def take(self, rows: Index) -> Labels:
        """The labels of the given rows, in their order."""
        return Labels(
            self.categories[rows], self.primary[rows], self.sub_category[rows],
            self.sentiment[rows], self.severity[rows], self.cause[rows], self.action[rows],
            self.ratings[rows],
        )  # fmt: skip


def labels_of(rows: Sequence[Mapping[str, Any]]) -> Labels:
    """The labels of examples in the format of `examples`."""

    def number(name: str, labels: Sequence[str]) -> Index:
        places = {label: index for index, label in enumerate(labels)}
        return np.array([places.get(row[name], -1) for row in rows], dtype=np.int64)

    ratings = [np.nan if row["rating"] is None else row["rating"] for row in rows]
    applies = [[category in row["categories"] for category in CATEGORIES] for row in rows]
    return Labels(
        np.array(applies, dtype=np.bool_).reshape(len(rows), len(CATEGORIES)),
        number("primary_category", CATEGORIES),
        number("sub_category", SUB_CATEGORIES),
        number("sentiment", SENTIMENTS),
        number("severity", SEVERITIES),
        number("root_cause_type", ROOT_CAUSE_TYPES),
        number("action", ACTIONS),
        np.array(ratings, dtype=np.float64),
    )


def truth_of(labels: Labels) -> Truth:
    """What each head should say, (examples, heads)."""
    return np.hstack(
        [
            labels.categories,
            labels.sentiment[:, None] == np.arange(len(SENTIMENTS)),
            labels.severity[:, None] > np.arange(len(ABOVE)),
            labels.sub_category[:, None] == np.arange(len(SUB_CATEGORIES)),
            labels.cause[:, None] == np.arange(len(ROOT_CAUSE_TYPES)),
        ]
    )


def folds_of(rows: Sequence[Mapping[str, Any]], labels: Labels, seed: int) -> Index:
    """The fold that holds each example out.

    A writer's examples (their ids begin alike) are held out together: texts of one hand resemble
    each other more than a customer's will resemble any. With fewer than four writers, five folds
    with primary categories spread evenly.
    """
    writers = [re.split(r"[-:]", row["id"])[0] for row in rows]
    sizes = Counter(writers)
    if len(sizes) >= _FEWEST_WRITERS:
        count = min(len(sizes), int(PARAMETERS["most_folds"]))
        filled = np.zeros(count, dtype=np.int64)
        fold_of: dict[str, int] = {}
        for writer, size in sorted(sizes.items(), key=lambda each: (-each[1], each[0])):
            fold_of[writer] = int(filled.argmin())
            filled[fold_of[writer]] += size
        return np.array([fold_of[writer] for writer in writers])
    folds = np.random.default_rng(seed).integers(0, _FOLDS, len(rows))
    common = np.flatnonzero(np.bincount(labels.primary)[labels.primary] >= _FOLDS)
    if len(common):
        splitter = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
        for fold, (_, held) in enumerate(splitter.split(common, labels.primary[common])):
            folds[common[held]] = fold
    return folds


def vocabulary_of(passages: Sequence[Passage]) -> Vocabulary:
    """The vocabulary to train with on these texts."""
    scales = [PARAMETERS[f"{block}_scale"] for block in ("words", "characters", "concepts")]
    return fit_vocabulary(passages, int(PARAMETERS["texts_a_feature_needs"]), scales)


def matrix_of(vocabulary: Vocabulary, passages: Sequence[Passage]) -> csr_matrix:
    """The rows of these texts."""
    return vstack([vocabulary.weigh(passage) for passage in passages]).tocsr()


def out_of_fold(
    passages: Sequence[Passage], truth: Truth, folds: Index, also: int, seed: int
) -> Scores:
    """Scores of the examples by models that never saw theirs, (examples, heads).

    The last `also` texts have no fold: every model learns from them, none is measured on them.
    """
    count = len(passages) - also
    scores = np.zeros((count, len(HEADS)))
    for fold in np.unique(folds):
        held = np.flatnonzero(folds == fold)
        fitted = np.setdiff1d(np.arange(len(passages)), held)
        seen = [passages[i] for i in fitted.tolist()]
        vocabulary = vocabulary_of(seen)
        weights, bias = fit_heads(matrix_of(vocabulary, seen), truth[fitted], seed)
        unseen = matrix_of(vocabulary, [passages[i] for i in held.tolist()])
        scores[held] = unseen @ weights + bias
    return scores


def fit_heads(matrix: csr_matrix, truth: Truth, seed: int) -> tuple[Scores, Scores]:
    """Weights (columns, heads) and bias of every head; a sub-category against its siblings."""
    weights, bias = np.zeros((matrix.shape[1], len(HEADS))), np.zeros(len(HEADS))
    subs, known = truth[:, SUB_HEADS], np.flatnonzero(truth[:, CAUSE_HEADS].any(axis=1))
    for group, heads in _GROUPS.items():
        for head in range(heads.start, heads.stop):
            rows = np.arange(len(truth))
            if group == "sub_category":
                siblings = PARENT[head - heads.start] == PARENT
                rows = np.flatnonzero(subs[:, siblings].any(axis=1))
            elif group == "cause":
                # A reviewer corrects areas, tone and severity; the kind of cause may stay open.
                rows = known
            strength = PARAMETERS[f"C_{group}"]
            weights[:, head], bias[head] = _fit(matrix[rows], truth[rows, head], strength, seed)
    return weights, bias


def _fit(matrix: csr_matrix, truth: Truth, strength: float, seed: int) -> tuple[Scores, float]:
    positives = int(truth.sum())
    if positives < 2 or positives == len(truth):
        rate = (positives + 0.5) / (len(truth) + 1)
        return np.zeros(matrix.shape[1]), float(np.log(rate / (1 - rate)))
    # Balanced, so that rare labels are learned at all; calibration gives them their rate back.
    model = LogisticRegression(
        C=strength, class_weight="balanced", solver="liblinear", random_state=seed
    )
    model.fit(matrix, truth)
    return model.coef_[0], float(model.intercept_[0])
