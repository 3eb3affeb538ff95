"""Stage gold_topics: the areas an item is about, what of the area, and how much it hurts.

Belongs here: areas, sub-category, severity, and the few rules that raise a severity.
Does not belong here: tone (`sentiment`) and cause (`root_cause`).

`confidence` is the calibrated probability that a person would name the same primary category;
`severity_confidence` the probability of the severity given, for a raised one that of it or more.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from feedback_assets.contracts.taxonomy import CATEGORIES, SENTIMENTS, SEVERITIES, SUB_CATEGORIES
from feedback_assets.gold.classifier import (
    OTHER,
    PARENT,
    Prediction,
    Reading,
    TriageClassifier,
)
from feedback_assets.gold.concepts import concepts
from feedback_assets.gold.evidence import explain
from feedback_assets.gold.features import BUCKETS
from feedback_assets.gold.findings import (
    Span,
    Stamp,
    distinct,
    lists_array,
    provenance,
    scores_array,
    spans_array,
    strings,
    written,
)

_HIGH = SEVERITIES.index("high")
_CRITICAL = SEVERITIES.index("critical")
_LOW = SEVERITIES.index("low")
_NEGATIVE = SENTIMENTS.index("negative")
_NOISE = SUB_CATEGORIES.index("noise")
RAISES = {
    "security": (_CRITICAL, "words of fraud or theft"),
    "data_loss": (_HIGH, "words of lost data"),
}
"""Concepts that raise a complaint to a severity at least, and what to call them."""


class _Found:
    """Columns of the findings, grown chunk by chunk."""

    def __init__(self) -> None:
        self.categories: list[list[str]] = []
        self.primary: list[str] = []
        self.sub_category: list[str] = []
        self.severity: list[str] = []
        self.severity_confidence: list[float] = []
        self.scores: list[NDArray[np.float64]] = []
        self.confidence: list[float] = []
        self.rationale: list[str] = []
        self.spans: list[list[Span]] = []


def infer(batch: pa.RecordBatch, model: TriageClassifier, stamp: Stamp) -> pa.RecordBatch:
    """Areas and severity of each item of `batch`, as gold_topics' contract has them."""
    all_texts, all_languages = strings(batch, "text"), strings(batch, "language")
    items = distinct(all_texts, all_languages)
    texts = [all_texts[i] for i in items.first]
    languages = [all_languages[i] for i in items.first]
    found = _Found()
    done = 0
    for reading in model.readings(texts):
        last = done + len(reading.passage.lengths)
        _add(found, texts[done:last], languages[done:last], reading, model)
        done = last
    scores = np.concatenate(found.scores) if found.scores else np.zeros((0, len(CATEGORIES)))
    columns: dict[str, pa.Array[Any]] = {
        "categories": lists_array(found.categories),
        "primary_category": pa.array(found.primary, pa.string()),
        "sub_category": pa.array(found.sub_category, pa.string()),
        "severity": pa.array(found.severity, pa.string()),
        "severity_confidence": pa.array(found.severity_confidence, pa.float64()),
        "category_scores": scores_array(CATEGORIES, scores),
        "confidence": pa.array(found.confidence, pa.float64()),
        "rationale": pa.array(found.rationale, pa.string()),
        "evidence_spans": spans_array(texts, found.spans),
        "provenance": provenance(texts, "classifier", model.version, stamp),
    }
    return written("gold_topics", batch, columns, items)


def _add(
    found: _Found, texts: list[str], languages: list[str], reading: Reading,
    model: TriageClassifier,
) -> None:  # fmt: skip
    said = model.judge(reading.scores)
    noise = _noise(texts, languages, reading)
    primary = np.where(noise, OTHER, said.primary)
    own = primary[:, None] == PARENT
    subs = np.where(noise, _NOISE, np.where(own, said.sub_categories, -1).argmax(axis=1))
    severity, raised = _severity(said, _concepts_of(reading))
    severity[noise] = _LOW
    sure = said.severity[np.arange(len(texts)), severity]
    and_worse = np.cumsum(said.severity[:, ::-1], axis=1)[:, ::-1]
    at_least = and_worse[np.arange(len(texts)), severity]
    added = model.contributions(reading, primary)
    explained = explain(texts, reading.passage, added, model.telling(reading.passage))
    found.scores.append(said.categories)
    for row, area in enumerate(primary.tolist()):
        is_noise, why = bool(noise[row]), raised[row]
        applies = [OTHER] if is_noise else np.flatnonzero(said.applies[row]).tolist()
        found.categories.append([CATEGORIES[i] for i in applies])
        found.primary.append(CATEGORIES[area])
        sub = SUB_CATEGORIES[subs[row]]
        found.sub_category.append(sub)
        found.severity.append(SEVERITIES[severity[row]])
        found.severity_confidence.append(float(at_least[row] if why else sure[row]))
        found.confidence.append(float(said.confidence[row]))
        found.spans.append([] if is_noise else explained.spans[row])
        found.rationale.append(
            "Noise: no word to go by."
            if is_noise
            else _rationale(CATEGORIES[area], sub, explained.words[row], why)
        )


def _noise(texts: list[str], languages: list[str], reading: Reading) -> NDArray[np.bool_]:
    """Texts without a letter; and those in no language that hold no known concept."""
    known = list(map(bool, np.max(_concepts_of(reading), axis=1)))
    return np.array(
        [
            (language == "und" and not concept) or not any(map(str.isalpha, text))
            for text, language, concept in zip(texts, languages, known, strict=True)
        ],
        dtype=np.bool_,
    )


def _concepts_of(reading: Reading) -> NDArray[np.bool_]:
    """Which concepts each text of a chunk holds, (texts, concepts)."""
    passage, count = reading.passage, len(concepts().names)
    hit = passage.buckets >= 2 * BUCKETS
    held = np.zeros((len(passage.lengths), count), dtype=np.bool_)
    held[passage.rows[hit], passage.buckets[hit] - 2 * BUCKETS] = True
    return held


def _severity(said: Prediction, held: NDArray[np.bool_]) -> tuple[NDArray[np.int64], list[str]]:
    """The most probable severity, and why it was raised where a rule raised it."""
    severity = said.severity.argmax(axis=1)
    complaint = said.sentiment.argmax(axis=1) == _NEGATIVE
    reasons = [""] * len(severity)
    names = concepts().names
    for concept, (level, meaning) in RAISES.items():
        low = complaint & (severity < level)
        for row in np.flatnonzero(held[:, names.index(concept)] & low).tolist():
            severity[row] = level
            reasons[row] = meaning
    return severity, reasons


def _rationale(area: str, sub: str, words: list[str], raised: str) -> str:
    told = f"by the words {', '.join(words)}" if words else "though no single word tells"
    severity = f"; severity raised for {raised}" if raised else ""
    return f"{area} ({sub.replace('_', ' ')}) {told}{severity}."
