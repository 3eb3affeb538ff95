"""Stage gold_sentiment: the tone of an item, from its words and its rating.

Belongs here: the tone and its evidence. Does not belong here: areas and severity (`topics`).

Where the source has a rating, tone and rating are read together (`calibration`). Words and rating
that contradict each other may be sarcasm or a slip of the thumb: that is doubt, and the
confidence is held to at most 0.5.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from feedback_assets.contracts.taxonomy import SENTIMENTS
from feedback_assets.gold.calibration import Flags, Index, Prediction, Probabilities
from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.evidence import explain
from feedback_assets.gold.findings import (
    Span,
    Stamp,
    provenance,
    read_items,
    spans_array,
    states,
    written,
)
from feedback_assets.gold.heads import SENTIMENT_HEADS
from feedback_assets.gold.scored_texts import Reading

_CONTRADICTION, _HELD_TO = 0.5, 0.5
_NEGATIVE, _NEUTRAL, _POSITIVE = (SENTIMENTS.index(s) for s in ("negative", "neutral", "positive"))


def infer(batch: pa.RecordBatch, model: TriageClassifier, stamp: Stamp) -> pa.RecordBatch:
    """The tone of each item of `batch`, as gold_sentiment's contract has it."""
    items, texts, _, ratings = read_items(batch)
    labels: list[str] = []
    confidences: list[float] = []
    rationales: list[str] = []
    spans: list[list[Span]] = []
    stands: list[Flags] = [np.zeros(0, dtype=np.bool_)]
    for reading in model.readings(texts):
        done = len(labels)
        last = done + len(reading.layout.lengths)
        rated = ratings[done:last]
        said = model.calibration.judge(reading.scores, reading.form, rated)
        chosen, confidence, doubt = tone_of(_heard(said, reading, rated), rated)
        added = model.contributions(reading, chosen + SENTIMENT_HEADS.start)
        explained = explain(
            texts[done:last], reading.layout, reading.occurrences, added, reading.telling
        )
        names = [SENTIMENTS[i] for i in chosen.tolist()]
        labels += names
        confidences += confidence.tolist()
        stands.append(model.guarantee.stands("sentiment", chosen, confidence))
        spans += explained.spans
        rationales += [
            _rationale(name, words, rating, unsure)
            for name, words, rating, unsure in zip(
                names, explained.words, rated.tolist(), doubt.tolist(), strict=True
            )
        ]
    found: dict[str, pa.Array[Any]] = {
        "sentiment": pa.array(labels, pa.string()),
        "confidence": pa.array(confidences, pa.float64()),
        "rationale": pa.array(rationales, pa.string()),
        "evidence_spans": spans_array(texts, spans),
        "provenance": provenance(
            texts, "classifier", model.version, stamp, states(np.concatenate(stands))
        ),
    }
    return written("gold_sentiment", batch, found, items)


def tone_of(said: Prediction, ratings: Probabilities) -> tuple[Index, Probabilities, Flags]:
    """The tone by number, the confidence in it, and where words and rating contradict."""
    confidence = said.sentiment[np.arange(len(said.tone)), said.tone]
    doubt = contradicts(said.said, ratings)
    held = np.where(doubt, np.minimum(confidence, _HELD_TO), confidence)
    return said.tone, held, doubt


def _heard(said: Prediction, reading: Reading, ratings: Probabilities) -> Prediction:
    """`said`, neutral with no confidence where there is neither a known word nor a rating."""
    silent = ~reading.known & np.isnan(ratings)
    if silent.any():
        said.sentiment[silent] = np.eye(3)[_NEUTRAL] * 0.5 + 0.5 / 3
        said.tone[silent] = _NEUTRAL
    return said


def contradicts(tone: Probabilities, ratings: Probabilities) -> Flags:
    """Where the words say one thing (more than evenly) and the rating the opposite."""
    praise = (tone[:, _POSITIVE] > _CONTRADICTION) & (ratings <= 0.25)
    blame = (tone[:, _NEGATIVE] > _CONTRADICTION) & (ratings >= 0.75)
    either: Flags = praise | blame
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
