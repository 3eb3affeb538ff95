"""The labelled examples are enough, varied, hard, and held out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer

from feedback_assets.contracts.partitions import SOURCES
from feedback_assets.contracts.taxonomy import CATEGORIES, SENTIMENTS, SEVERITIES
from feedback_assets.gold.examples import read_examples

GOLDEN_SET = Path(__file__).parents[2] / "golden_set"
NEAR = 0.5
"""Jaccard similarity of character 5-grams from which two texts are near-duplicates: a changed
word in a sentence of ten leaves about 0.7."""

Examples = list[dict[str, Any]]


@pytest.fixture(scope="module")
def held_out() -> Examples:
    return read_examples(GOLDEN_SET)


@pytest.fixture(scope="module")
def training() -> Examples:
    return read_examples(GOLDEN_SET / "train")


def similarities(one: Examples, other: Examples) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Jaccard similarity of the texts' 5-grams, (one, other)."""
    texts = [row["text"] for row in [*one, *other]]
    counter = CountVectorizer(analyzer="char_wb", ngram_range=(5, 5), binary=True)
    held: csr_matrix = counter.fit_transform(texts).astype(np.int32)
    left, right = held[: len(one)], held[len(one) :]
    shared = (left @ right.T).toarray()
    sizes = np.asarray(held.sum(axis=1)).ravel()
    union = sizes[: len(one), None] + sizes[None, len(one) :] - shared
    found: np.ndarray[Any, np.dtype[np.float64]] = shared / np.maximum(union, 1)
    return found


def share(rows: Examples, holds: Any) -> float:
    return sum(1 for row in rows if holds(row)) / len(rows)


def test_there_are_enough(held_out: Examples, training: Examples) -> None:
    attempts = [row for row in held_out if "injection" in row["traits"]]
    assert len(held_out) - len(attempts) >= 600
    assert len(attempts) >= 60
    assert len(training) >= 1500


@pytest.mark.parametrize("name", ["held_out", "training"])
def test_every_label_source_and_language_is_there(
    name: str, request: pytest.FixtureRequest
) -> None:
    rows: Examples = request.getfixturevalue(name)
    assert {row["primary_category"] for row in rows} == set(CATEGORIES)
    assert min(Counter(row["primary_category"] for row in rows).values()) >= 40
    assert {row["sentiment"] for row in rows} == set(SENTIMENTS)
    assert {row["severity"] for row in rows} == set(SEVERITIES)
    assert {row["source"] for row in rows} == set(SOURCES)
    assert len({row["language"] for row in rows}) >= 8
    assert share(rows, lambda row: row["language"] != "en") >= 0.25
    assert share(rows, lambda row: len(row["categories"]) > 1) >= 0.2
    traits = Counter(trait for row in rows for trait in row["traits"])
    hard = ("negation", "sarcasm", "mixed", "two_complaints", "version", "competitor", "wish")
    assert {
        trait: traits[trait] for trait in (*hard, "spam", "empty_praise") if traits[trait] < 6
    } == {}


def test_attempts_say_what_they_demand(held_out: Examples) -> None:
    attempts = [row for row in held_out if "injection" in row["traits"]]
    assert all(row["demands"] for row in attempts)
    assert len({row["language"] for row in attempts}) >= 8
    assert not [row["id"] for row in held_out if row["demands"] and row not in attempts]


def test_wording_is_varied(held_out: Examples, training: Examples) -> None:
    for rows in (held_out, training):
        alike = similarities(rows, rows)
        np.fill_diagonal(alike, 0)
        assert (alike.max(axis=1) >= NEAR).mean() <= 0.01
        openings = Counter(" ".join(row["text"].casefold().split()[:3]) for row in rows)
        assert len(openings) / len(rows) >= 0.9
        lengths = np.array([len(row["text"]) for row in rows])
        assert np.quantile(lengths, 0.05) <= 40
        assert np.quantile(lengths, 0.95) >= 250


def test_nothing_held_out_is_in_training(held_out: Examples, training: Examples) -> None:
    alike = similarities(held_out, training)
    pairs = [
        (held_out[i]["id"], training[j]["id"], round(float(alike[i, j]), 2))
        for i, j in zip(*np.nonzero(alike >= NEAR), strict=True)
    ]
    assert pairs == []
    assert not {row["id"] for row in held_out} & {row["id"] for row in training}


def test_near_duplicates_are_seen() -> None:
    text = "The parcel was left in the rain and the box fell apart on the doorstep"
    changed = text.replace("rain", "snow")
    assert similarities([{"text": text}], [{"text": changed}])[0, 0] >= NEAR
    assert similarities([{"text": text}], [{"text": "Search finds nothing at all"}])[0, 0] < 0.1
