"""Stage gold_sentiment: the tone of an item, from its words and its rating.

Belongs here: the tone and its evidence. Does not belong here: areas and severity (`topics`).

Where the source has a rating, tone and rating are combined by a multinomial logistic model over
the logarithms of the text's three probabilities, the rating's distance from the middle, and the
square of it, fitted on the rated training examples (text probabilities out of fold). Words and
rating that contradict each other may be sarcasm or a slip of the thumb: that is doubt, and the
confidence is held to at most 0.5.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from feedback_assets.contracts.taxonomy import SENTIMENTS
from feedback_assets.gold.classifier import (
    SENTIMENT_HEADS,
    Probabilities,
    TriageClassifier,
    shares,
)
from feedback_assets.gold.evidence import explain
from feedback_assets.gold.findings import (
    Span,
    Stamp,
    distinct,
    provenance,
    spans_array,
    strings,
    written,
)

_CONTRADICTION, _HELD_TO = 0.5, 0.5
_NEGATIVE, _NEUTRAL, _POSITIVE = (SENTIMENTS.index(s) for s in ("negative", "neutral", "positive"))


def infer(batch: pa.RecordBatch, model: TriageClassifier, stamp: Stamp) -> pa.RecordBatch:
    """The tone of each item of `batch`, as gold_sentiment's contract has it."""
    all_ratings = batch.column("rating").cast(pa.float64()).to_pylist()
    all_texts = strings(batch, "text")
    items = distinct(all_texts, all_ratings)
    texts = [all_texts[i] for i in items.first]
    ratings = np.array([all_ratings[i] for i in items.first], dtype=np.float64)
    labels: list[str] = []
    confidences: list[float] = []
    rationales: list[str] = []
    spans: list[list[Span]] = []
    done = 0
    for reading in model.readings(texts):
        count = len(reading.passage.lengths)
        rated = ratings[done : done + count]
        prediction = model.judge(reading.scores)
        tone = with_rating(prediction.sentiment, rated, model.rating_weights)
        silent = (np.diff(reading.matrix.indptr) == 0) & np.isnan(rated)
        tone[silent] = np.eye(3)[_NEUTRAL] * 0.5 + 0.5 / 3
        chosen = tone.argmax(axis=1)
        doubt = contradicts(prediction.sentiment, rated)
        held = np.where(doubt, np.minimum(tone.max(axis=1), _HELD_TO), tone.max(axis=1))
        added = model.contributions(reading, chosen + SENTIMENT_HEADS.start)
        telling = model.telling(reading.passage)
        explained = explain(texts[done : done + count], reading.passage, added, telling)
        names = [SENTIMENTS[i] for i in chosen]
        labels += names
        confidences += held.tolist()
        spans += explained.spans
        rationales += [
            _rationale(name, words, rating, unsure)
            for name, words, rating, unsure in zip(
                names, explained.words, rated.tolist(), doubt.tolist(), strict=True
            )
        ]
        done += count
    found: dict[str, pa.Array[Any]] = {
        "sentiment": pa.array(labels, pa.string()),
        "confidence": pa.array(confidences, pa.float64()),
        "rationale": pa.array(rationales, pa.string()),
        "evidence_spans": spans_array(texts, spans),
        "provenance": provenance(texts, "classifier", model.version, stamp),
    }
    return written("gold_sentiment", batch, found, items)


def rating_evidence(tone: Probabilities, ratings: Probabilities) -> Probabilities:
    """What the combination reads, (n, 5): three log probabilities, rating - 1/2, its square."""
    middle = ratings - 0.5
    return np.column_stack([np.log(np.maximum(tone, 1e-4)), middle, middle**2])


def with_rating(
    tone: Probabilities, ratings: Probabilities, weights: Probabilities
) -> Probabilities:
    """The text's tone (n, 3), combined with the rating where there is one (not nan)."""
    combined = tone.copy()
    rated = ~np.isnan(ratings)
    if rated.any():
        logits = rating_evidence(tone[rated], ratings[rated]) @ weights[:, :5].T + weights[:, 5]
        combined[rated] = shares(np.exp(logits - logits.max(axis=1, keepdims=True)))
    return combined


def contradicts(tone: Probabilities, ratings: Probabilities) -> NDArray[np.bool_]:
    """Where the words say one thing (more than evenly) and the rating the opposite."""
    praise = (tone[:, _POSITIVE] > _CONTRADICTION) & (ratings <= 0.25)
    blame = (tone[:, _NEGATIVE] > _CONTRADICTION) & (ratings >= 0.75)
    either: NDArray[np.bool_] = praise | blame
    return either


def _rationale(label: str, words: list[str], rating: float, doubt: bool) -> str:
    said = f"{label.capitalize()} by its words" if words else f"{label.capitalize()}"
    if words:
        said += ": " + ", ".join(words)
    if rating == rating:
        said += f"; rated {rating:.2g} of 1"
    if doubt:
        said += ", which contradicts the words (sarcasm or a slip?)"
    return said + "." if words or rating == rating else f"{said}: no word tells."
