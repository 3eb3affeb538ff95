"""Stage gold_topics: the areas an item is about, what of the area, and how much it hurts.

Belongs here: areas, sub-category, severity, and the few rules that raise a severity.
Does not belong here: tone (`sentiment`) and cause (`root_cause`).

`confidence` is the calibrated probability that the primary category is among those a person would
name; `severity_confidence` the probability of the severity given, for a raised one that of it or
more. A finding stands where both reach the thresholds learned for their classes.
"""

from __future__ import annotations

from itertools import compress
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from feedback_assets.contracts.taxonomy import CATEGORIES, SENTIMENTS, SEVERITIES, SUB_CATEGORIES
from feedback_assets.gold.calibration import Flags, Index, Prediction, Probabilities
from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.concepts import concepts
from feedback_assets.gold.evidence import explain
from feedback_assets.gold.findings import (
    Span,
    Stamp,
    lists_array,
    provenance,
    read_items,
    scores_array,
    spans_array,
    states,
    written,
)
from feedback_assets.gold.heads import OTHER, PARENT, SENTIMENT_HEADS, SEVERITY_HEADS
from feedback_assets.gold.scored_texts import Reading

_HIGH = SEVERITIES.index("high")
_CRITICAL = SEVERITIES.index("critical")
_LOW = SEVERITIES.index("low")
_NEGATIVE = SENTIMENTS.index("negative")
_NOISE = SUB_CATEGORIES.index("noise")
_NEGATIVE_HEAD, _HURTS_HEAD = SENTIMENT_HEADS.start + _NEGATIVE, SEVERITY_HEADS.start
RAISES = (
    ("security", _CRITICAL, "words of fraud or theft"),
    ("data_loss", _HIGH, "words of lost data"),
)
"""Concepts that raise a complaint to a severity at least, and what to call them."""


class _Found:
    """Columns of the findings, grown chunk by chunk."""

    def __init__(self) -> None:
        self.categories: list[list[str]] = []
        self.primary: list[str] = []
        self.sub_category: list[str] = []
        self.severity: list[str] = []
        self.severity_confidence: list[float] = []
        self.scores: list[NDArray[np.float64]] = [np.zeros((0, len(CATEGORIES)))]
        self.confidence: list[float] = []
        self.rationale: list[str] = []
        self.spans: list[list[Span]] = []


def infer(batch: pa.RecordBatch, model: TriageClassifier, stamp: Stamp) -> pa.RecordBatch:
    """Areas and severity of each item of `batch`, as gold_topics' contract has them."""
    items, texts, languages, ratings = read_items(batch)
    found = _Found()
    for reading in model.readings(texts):
        done = len(found.primary)
        rows = slice(done, done + len(reading.layout.lengths))
        _add(found, texts[rows], languages[rows], ratings[rows], reading, model)
    stands = standing(
        model, found.primary, np.array(found.confidence), found.severity,
        np.array(found.severity_confidence),
    )  # fmt: skip
    columns: dict[str, pa.Array[Any]] = {
        "categories": lists_array(found.categories),
        "primary_category": pa.array(found.primary, pa.string()),
        "sub_category": pa.array(found.sub_category, pa.string()),
        "severity": pa.array(found.severity, pa.string()),
        "severity_confidence": pa.array(found.severity_confidence, pa.float64()),
        "category_scores": scores_array(CATEGORIES, np.concatenate(found.scores)),
        "confidence": pa.array(found.confidence, pa.float64()),
        "rationale": pa.array(found.rationale, pa.string()),
        "evidence_spans": spans_array(texts, found.spans),
        "provenance": provenance(
            texts, "classifier", model.version, stamp, states(stands.areas & stands.severity)
        ),
    }
    return written("gold_topics", batch, columns, items)


class Standing(NamedTuple):
    """Whether an item's areas stand by themselves, and whether its severity does."""

    areas: Flags
    severity: Flags


def standing(
    model: TriageClassifier,
    primary: list[str],
    confidence: Probabilities,
    severity: list[str],
    severity_confidence: Probabilities,
) -> Standing:
    """What of each topics finding stands, from its columns: the two are separate facts, for a
    next tier may take one and ask again for the other."""
    return Standing(
        model.guarantee.stand("category", primary, confidence),
        model.guarantee.stand("severity", severity, severity_confidence),
    )


def severity_of(said: Prediction, held: Flags) -> tuple[Index, Probabilities, Index]:
    """The severity by number, the confidence in it, and which of `RAISES` raised it, or -1.

    `held` (n, concepts) says which concepts each text holds.
    """
    severity, raised = said.worst.copy(), np.full(len(said.worst), -1)
    complaint = said.tone == _NEGATIVE
    names = concepts().names
    for number, (concept, level, _) in enumerate(RAISES):
        rows = held[:, names.index(concept)] & complaint & (severity < level)
        severity[rows], raised[rows] = level, number
    each = np.arange(len(severity))
    and_worse = np.cumsum(said.severity[:, ::-1], axis=1)[:, ::-1]
    confidence = np.where(raised >= 0, and_worse[each, severity], said.severity[each, severity])
    return severity, np.minimum(confidence, 1.0), raised


def _add(
    found: _Found, texts: list[str], languages: list[str], ratings: Probabilities,
    reading: Reading, model: TriageClassifier,
) -> None:  # fmt: skip
    said = model.calibration.judge(reading.scores, reading.form, ratings)
    severity, severity_confidence, raised = severity_of(said, reading.held)
    wordless = np.array([not any(map(str.isalpha, text)) for text in texts], dtype=np.bool_)
    foreign = np.array(languages, dtype=object) == "und"
    noise = wordless | (foreign & ~reading.held.any(axis=1))
    primary = np.where(noise, OTHER, said.primary)
    own = primary[:, None] == PARENT
    subs = np.where(noise, _NOISE, np.where(own, said.sub_categories, -1).argmax(axis=1))
    severity[noise] = _LOW
    severity_confidence[noise] = said.severity[noise, _LOW]
    confidence = np.where(noise, said.categories[:, OTHER], said.confidence)
    # That a text without a letter has no topic is no guess.
    confidence[wordless] = severity_confidence[wordless] = 1.0
    named = model.contributions(reading, primary)
    complaint = said.tone == _NEGATIVE
    # Of what is said about the area, the part that hurts is the matter.
    hurts = model.contributions(reading, _NEGATIVE_HEAD) + model.contributions(reading, _HURTS_HEAD)
    added = named + hurts * complaint[reading.occurrences.rows]
    explained = explain(
        texts, reading.layout, reading.occurrences, added, reading.telling, naming=named
    )
    found.scores.append(said.categories)
    found.primary += [CATEGORIES[area] for area in primary.tolist()]
    found.sub_category += [SUB_CATEGORIES[sub] for sub in subs.tolist()]
    found.severity += [SEVERITIES[level] for level in severity.tolist()]
    found.severity_confidence += severity_confidence.tolist()
    found.confidence += confidence.tolist()
    told = zip(
        primary.tolist(), subs.tolist(), noise.tolist(), raised.tolist(), said.applies.tolist(),
        explained.spans, explained.words, strict=True,
    )  # fmt: skip
    for area, sub, is_noise, why, applies, spans, words in told:
        found.categories.append(
            [CATEGORIES[OTHER]] if is_noise else list(compress(CATEGORIES, applies))
        )
        found.spans.append([] if is_noise else spans)
        found.rationale.append(
            "Noise: no word to go by."
            if is_noise
            else _rationale(CATEGORIES[area], SUB_CATEGORIES[sub], words, why)
        )


def _rationale(area: str, sub: str, words: list[str], raised: int) -> str:
    told = f"by the words {', '.join(words)}" if words else "though no single word tells"
    severity = f"; severity raised for {RAISES[raised][2]}" if raised >= 0 else ""
    return f"{area} ({sub.replace('_', ' ')}) {told}{severity}."
