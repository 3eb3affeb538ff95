"""Tier 1's model: a linear classifier over hashed text features, and what it says of a text.

Belongs here: the arrays, saving and loading, probabilities, decisions, contributions.
Does not belong here: how the arrays are learned (`training`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from feedback_assets.contracts.taxonomy import (
    CATEGORIES,
    SENTIMENTS,
    SEVERITIES,
    SUB_CATEGORIES,
    TAXONOMY,
)
from feedback_assets.gold.features import (
    BUCKETS,
    Floats,
    Index,
    Passage,
    Vocabulary,
    chunks,
    feature_count,
    read,
)

HEADS: tuple[str, ...] = (*CATEGORIES, *SENTIMENTS, *SEVERITIES, *SUB_CATEGORIES)
"""One linear score each, in this order."""
CATEGORY_HEADS = slice(0, len(CATEGORIES))
SENTIMENT_HEADS = slice(CATEGORY_HEADS.stop, CATEGORY_HEADS.stop + len(SENTIMENTS))
SEVERITY_HEADS = slice(SENTIMENT_HEADS.stop, SENTIMENT_HEADS.stop + len(SEVERITIES))
SUB_HEADS = slice(SEVERITY_HEADS.stop, len(HEADS))
OTHER = CATEGORIES.index("other")
HOW_IT_RUNS = np.array([name in ("reliability", "performance") for name in CATEGORIES])
FUNCTIONS = np.array([name != "other" for name in CATEGORIES]) & ~HOW_IT_RUNS
"""Categories of how the product runs, and those of what it is for; masks over categories."""
PARENT = np.array(
    [
        number
        for number, category in enumerate(TAXONOMY.categories.values())
        for _ in category.sub_categories
    ]
)
"""The category, by number, of each sub-category."""

Probabilities = NDArray[np.float64]


class Reading(NamedTuple):
    """A chunk of texts as the model sees it: features with places, rows, scales, raw scores."""

    passage: Passage
    matrix: csr_matrix
    scale: Floats
    scores: Probabilities


@dataclass(frozen=True, slots=True)
class Prediction:
    """Calibrated probabilities, a row a text.

    `categories` (n, 10) are independent of each other; `sentiment` (n, 3) and `severity` (n, 4)
    sum to 1; `sub_categories` (n, 46) sum to 1 within each category. `applies` (n, 10) says which
    categories are decided, `primary` (n) the one of most weight, `confidence` (n) the
    probability that a person would name that same primary category.
    """

    categories: Probabilities
    sentiment: Probabilities
    severity: Probabilities
    sub_categories: Probabilities
    applies: NDArray[np.bool_]
    primary: Index
    confidence: Probabilities

    def take(self, rows: Index) -> Prediction:
        """The prediction of the given rows, in their order."""
        return Prediction(*(getattr(self, f.name)[rows] for f in fields(self)))


@dataclass(frozen=True)
class TriageClassifier:
    """A trained model; nothing in it but numbers and names.

    `weights` (columns, heads) and `bias` (heads) give scores; `platt` (2, heads) turns them to
    probabilities as 1 / (1 + exp(-(a * score + b))) (Platt, 1999); `thresholds` (10) decide
    each category; `primary_platt` (3) gives the confidence from the logits of the two best
    categories; `rating_weights` (3, 6) combine tone and rating. `reliability_of` says how
    often each rule of a later stage was right on the labelled examples.
    """

    version: str
    vocabulary: Vocabulary
    weights: Floats
    bias: Probabilities
    platt: Probabilities
    thresholds: Probabilities
    primary_platt: Probabilities
    rating_weights: Probabilities
    metrics: dict[str, float]
    parameters: dict[str, float]
    reliability_of: dict[str, float] = field(default_factory=dict)

    def readings(self, texts: Sequence[str]) -> Iterator[Reading]:
        """The texts' chunks in order, scored."""
        for first, last in chunks(texts):
            passage = read(texts[first:last])
            matrix, scale = self.vocabulary.weigh(passage)
            yield Reading(passage, matrix, scale, matrix @ self.weights + self.bias)

    def predict(self, texts: Sequence[str]) -> Prediction:
        """What the model says of each text; equal texts are computed once."""
        position: dict[str, int] = {}
        rows = np.fromiter(
            (position.setdefault(text, len(position)) for text in texts), np.int64, len(texts)
        )
        scores = [reading.scores for reading in self.readings(list(position))]
        stacked = np.concatenate(scores) if scores else np.zeros((0, len(HEADS)))
        return self.judge(stacked).take(rows)

    def judge(self, scores: Probabilities) -> Prediction:
        """Probabilities and decisions from raw scores (n, heads)."""
        probability = sigmoid(self.platt[0] * scores + self.platt[1])
        areas = probability[:, CATEGORY_HEADS]
        subs = probability[:, SUB_HEADS]
        totals = np.stack(
            [subs[:, number == PARENT].sum(axis=1) for number in range(len(CATEGORIES))], axis=1
        )
        applies, primary = decide(areas, self.thresholds)
        return Prediction(
            areas,
            shares(probability[:, SENTIMENT_HEADS]),
            shares(probability[:, SEVERITY_HEADS]),
            subs / totals[:, PARENT],
            applies,
            primary,
            primary_confidence(leading(areas, self.thresholds), self.primary_platt),
        )

    def contributions(self, reading: Reading, heads: Index) -> Probabilities:
        """What each feature occurrence of a chunk adds to the score of its row's head.

        `heads` holds one head number a row. Occurrences unknown to the model add 0; those of
        one feature share what it adds evenly, so a row's sum is its score without the bias.
        """
        passage, vocabulary = reading.passage, self.vocabulary
        columns = vocabulary.columns[passage.buckets]
        known = np.flatnonzero(columns >= 0)
        kept, rows = columns[known], passage.rows[known]
        _, place, counts = np.unique(
            rows * len(vocabulary.idf) + kept, return_inverse=True, return_counts=True
        )
        added = np.zeros(len(columns))
        added[known] = (
            self.weights[kept, heads[rows]]
            * vocabulary.idf[kept]
            * reading.scale[rows, vocabulary.blocks[kept]]
            * ((1 + np.log(counts)) / counts)[place]
        )
        return added

    def telling(self, passage: Passage) -> NDArray[np.bool_]:
        """Which of a passage's words are not among the commonest of the training texts."""
        columns = self.vocabulary.columns[passage.buckets[: len(passage.word_starts)]]
        rare: NDArray[np.bool_] = (columns < 0) | (self.vocabulary.idf[columns] > _COMMON_IDF)
        return rare

    def save(self, folder: Path) -> Path:
        """Write ``<version>.npz`` (numbers) and ``<version>.json`` (names); the former's path."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.version}.npz"
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        kept = np.flatnonzero(self.vocabulary.columns >= 0).astype(np.int32)
        np.savez_compressed(
            path, allow_pickle=False, buckets=kept, idf=self.vocabulary.idf,
            scales=self.vocabulary.scales, **arrays,
        )  # fmt: skip
        described = {
            "version": self.version,
            "heads": HEADS,
            "features": {"buckets": BUCKETS, "all": feature_count(), "kept": len(kept)},
            "thresholds": dict(zip(CATEGORIES, self.thresholds.round(4).tolist(), strict=True)),
            "metrics": self.metrics,
            "parameters": self.parameters,
            "reliability_of": self.reliability_of,
        }
        path.with_suffix(".json").write_text(
            json.dumps(described, indent=1, ensure_ascii=False), encoding="utf-8"
        )
        return path

    @classmethod
    def load(cls, path: Path) -> TriageClassifier:
        """The model saved at `path` (the .npz; its .json stands beside it).

        Raises `ValueError` when it was trained for other labels or features than the code's.
        """
        described = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        if tuple(described["heads"]) != HEADS or described["features"]["all"] != feature_count():
            raise ValueError(f"{path}: trained for other labels or features: train it again")
        with np.load(path, allow_pickle=False) as stored:
            kept = stored["buckets"]
            columns = np.full(feature_count(), -1, dtype=np.int32)
            columns[kept] = np.arange(len(kept))
            blocks = np.minimum(kept // BUCKETS, 2).astype(np.uint8)
            return cls(
                version=described["version"],
                vocabulary=Vocabulary(columns, stored["idf"], blocks, stored["scales"]),
                **{name: stored[name] for name in _ARRAYS},
                metrics=described["metrics"],
                parameters=described["parameters"],
                reliability_of=described["reliability_of"],
            )


_COMMON_IDF = 1 + np.log(20)
"""A word in one text of twenty, or more, says little to a reader."""
_ARRAYS = ("weights", "bias", "platt", "thresholds", "primary_platt", "rating_weights")


def sigmoid(scores: Probabilities) -> Probabilities:
    """1 / (1 + exp(-score)), without overflow."""
    squashed: Probabilities = 1 / (1 + np.exp(-np.clip(scores, -35, 35)))
    return squashed


def shares(probabilities: Probabilities) -> Probabilities:
    """Rows scaled to sum to 1."""
    scaled: Probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
    return scaled


def leading(areas: Probabilities, thresholds: Probabilities) -> Probabilities:
    """`areas` without reliability and performance wherever a function of the product applies.

    That paying fails makes it a payment matter first: those who own the function act on it.
    """
    function_applies = ((areas >= thresholds) & FUNCTIONS).any(axis=1, keepdims=True)
    led: Probabilities = np.where(function_applies & HOW_IT_RUNS, 0.0, areas)
    return led


def decide(areas: Probabilities, thresholds: Probabilities) -> tuple[NDArray[np.bool_], Index]:
    """Which categories apply, and the primary: the most probable that may lead.

    The primary always applies. ``other`` stands alone, and only where it is the most probable.
    """
    primary = leading(areas, thresholds).argmax(axis=1)
    applies = areas >= thresholds
    applies[:, OTHER] = False
    applies[primary == OTHER] = False
    applies[np.arange(len(areas)), primary] = True
    return applies, primary


def primary_evidence(led: Probabilities) -> Probabilities:
    """Logits of the most and second most probable category of `leading`, (n, 2)."""
    best = np.clip(np.sort(led, axis=1)[:, :-3:-1], 1e-6, 1 - 1e-6)
    logits: Probabilities = np.log(best / (1 - best))
    return logits


def primary_confidence(led: Probabilities, platt: Probabilities) -> Probabilities:
    """Probability that the category that leads is the one a person would put first."""
    return sigmoid(primary_evidence(led) @ platt[:2] + platt[2])
