"""Stage gold_root_cause: what fails, in the complaint's own words, and the kind of cause.

Belongs here: choosing and trimming the words, and the rules for the kind. Does not belong here:
finding where and when (`circumstances`), areas (`topics`) and what to do (`recommendation`).

`confidence` is the calibrated probability that a person would name the same kind of cause, from
the kind, the tone, the confidence in the area (column `confidence`; 1 where the batch has none),
and how much the text's own words speak for the kind.
"""

from __future__ import annotations

import re
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from feedback_assets.contracts.taxonomy import (
    CATEGORIES,
    ROOT_CAUSE_TYPES,
    SENTIMENTS,
    SUB_CATEGORIES,
)
from feedback_assets.gold.calibration import Index, Prediction, Probabilities
from feedback_assets.gold.circumstances import circumstances
from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.evidence import whole
from feedback_assets.gold.findings import (
    Span,
    Stamp,
    distinct,
    provenance,
    spans_array,
    states,
    strings,
    written,
)
from feedback_assets.gold.heads import PARENT

_BY_CATEGORY = {
    "reliability": "product_defect",
    "performance": "product_defect",
    "search": "product_defect",
    "documentation": "documentation_gap",
    "delivery": "shipping_delay",
    "account_access": "account_access_problem",
}
_BY_SUB_CATEGORY = {
    "declined": "checkout_friction",
    "payment_method": "checkout_friction",
    "fees_and_pricing": "pricing_confusion",
    "wrong_charge": "product_defect",
    "transfer": "product_defect",
    "delivery_options": "other",
    "search_usability": "other",
    "registration": "product_defect",
    "verification": "product_defect",
    "activation": "product_defect",
    "first_steps": "documentation_gap",
    "billing_and_invoice": "product_defect",
}
_OF_QUESTIONS = {
    "registration": "documentation_gap",
    "verification": "documentation_gap",
    "activation": "documentation_gap",
    "account_changes": "documentation_gap",
    "refund_policy": "documentation_gap",
    "transfer": "other",
    "wrong_charge": "other",
    "billing_and_invoice": "other",
    "tracking": "other",
    "filters_and_sorting": "other",
}
"""Kinds for what is asked without annoyance, where they differ from a complaint's."""

_GREETING = re.compile(
    r"^(?:(?:hi|hello|hey|dear|good (?:morning|afternoon|evening|day)|hallo|guten (?:tag|morgen)"
    r"|sehr geehrte|moin|bonjour|bonsoir|salut|hola|buen[oa]s(?: d[ií]as| tardes)?|ol[aá]"
    r"|bom dia|boa (?:tarde|noite)|ciao|salve|buongiorno|buonasera|goede(?:morgen|middag|navond)"
    r"|goedemiddag|dag|dzie[nń] dobry|cze[sś][cć]|hej|merhaba|xin ch[aà]o|ch[aà]o)\b"
    r"[^,.!?:\n]{0,40}[,.!:\n]\s*)+",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"[\s,.;–-]+(?:thanks|thank you|many thanks|cheers|danke|vielen dank|merci|gracias|"
    r"obrigad[oa]|grazie|bedankt|dzi[eę]kuj[eę]|tack)\b[^.!?,]{0,40}[.!?]*$",
    re.IGNORECASE,
)
_LONGEST_THANKS = 70
LONGEST_SUMMARY = 200
"""Characters of a summary at most."""


def infer(batch: pa.RecordBatch, model: TriageClassifier, stamp: Stamp) -> pa.RecordBatch:
    """What fails, for each item of `batch`, as gold_root_cause's contract has it."""
    spans = _spans_of(batch)
    names = ("text", "primary_category", "sub_category", "sentiment")
    columns = [strings(batch, name) for name in names]
    areas = _area_confidence(batch)
    items = distinct(*columns, [tuple(own) for own in spans], areas.tolist())
    texts, categories, subs, tones = ([column[i] for i in items.first] for column in columns)
    own_spans = [spans[i] for i in items.first]
    kinds = [cause_type(*labels) for labels in zip(categories, subs, tones, strict=True)]
    told = [
        ("", []) if silent(sub, tone) else summary(text, own)
        for text, sub, tone, own in zip(texts, subs, tones, own_spans, strict=True)
    ]
    numbers = np.fromiter(map(ROOT_CAUSE_TYPES.index, kinds), np.int64, len(kinds))
    voices = np.fromiter(map(SENTIMENTS.index, tones), np.int64, len(tones))
    confidence = model.calibration.cause_confidence(
        numbers, voices, areas[items.first], model.cause_scores(texts)
    )
    stands = model.guarantee.stands("root_cause", numbers, confidence)
    found: dict[str, pa.Array[Any]] = {
        "root_cause_summary": pa.array([line for line, _ in told], pa.string()),
        "root_cause_type": pa.array(kinds, pa.string()),
        "confidence": pa.array(confidence, pa.float64()),
        "rationale": pa.array(
            [
                f"{kind.replace('_', ' ')}: the rule for {tone} {category} ({sub})."
                for kind, tone, category, sub in zip(kinds, tones, categories, subs, strict=True)
            ],
            pa.string(),
        ),
        "evidence_spans": spans_array(texts, [quoted for _, quoted in told]),
        "provenance": provenance(texts, "rules", model.version, stamp, states(stands)),
    }
    return written("gold_root_cause", batch, found, items)


def silent(sub_category: str, sentiment: str) -> bool:
    """Whether nothing fails: praise and noise have no cause."""
    return sentiment == "positive" or sub_category in ("noise", "praise")


def cause_type(category: str, sub_category: str, sentiment: str) -> str:
    """The kind of cause, by rules over the area, what of it, and the tone."""
    if silent(sub_category, sentiment):
        return "other"
    if sentiment == "neutral" and sub_category in _OF_QUESTIONS:
        return _OF_QUESTIONS[sub_category]
    return _BY_SUB_CATEGORY.get(sub_category) or _BY_CATEGORY.get(category, "other")


def cause_kinds(said: Prediction) -> Index:
    """The kind of cause, by number, of each item that tier 1 would find so."""
    own = said.primary[:, None] == PARENT
    subs = np.where(own, said.sub_categories, -1).argmax(axis=1)
    kinds: Index = _KINDS[subs, said.tone]
    return kinds


def summary(text: str, spans: list[Span]) -> tuple[str, list[Span]]:
    """One line of the text's own words, and where they stand: its first span, without greetings
    and thanks, and in brackets the place, time and version that it says elsewhere.

    At most 200 characters; nothing of a text without words.
    """
    leads = ((trimmed(text[start:end]), (start, end)) for start, end in spans or whole(text))
    line, lead = next(((line, span) for line, span in leads if len(line) >= 3), ("", None))
    if lead is None:
        return "", []
    told: list[Span] = []
    for span in circumstances(text):
        if span and all(span[1] <= start or end <= span[0] for start, end in (lead, *told)):
            told.append(span)
    while told and len(written_out := _with_details(line, text, told)) > LONGEST_SUMMARY:
        told.pop()
    return (written_out, [lead, *told]) if told else (line, [lead])


def _with_details(line: str, text: str, told: list[Span]) -> str:
    details = (" ".join(text[start:end].split()) for start, end in told)
    return f"{line.rstrip('.。')} ({'; '.join(details)})"


def trimmed(quote: str) -> str:
    """`quote` on one line, without the greeting before it and the thanks after it."""
    line = _GREETING.sub("", " ".join(quote.split()))
    ending = max(0, len(line) - _LONGEST_THANKS)
    return (line[:ending] + _THANKS.sub("", line[ending:])).strip(" ,;–-")


def _spans_of(batch: pa.RecordBatch) -> list[list[Span]]:
    """Start and end of each item's spans, read without making Python dicts."""
    lists: Any = batch.column("evidence_spans")
    flat = lists.flatten()
    pairs = list(zip(flat.field("start").to_pylist(), flat.field("end").to_pylist(), strict=True))
    edges = accumulate((count or 0 for count in lists.value_lengths().to_pylist()), initial=0)
    return [pairs[first:last] for first, last in pairwise(edges)]


def _area_confidence(batch: pa.RecordBatch) -> Probabilities:
    if "confidence" not in batch.schema.names:
        return np.ones(batch.num_rows)
    return np.array(batch.column("confidence").to_pylist(), dtype=np.float64)


_KINDS = np.array(
    [
        [ROOT_CAUSE_TYPES.index(cause_type(CATEGORIES[area], sub, tone)) for tone in SENTIMENTS]
        for area, sub in zip(PARENT.tolist(), SUB_CATEGORIES, strict=True)
    ]
)
"""`cause_type` by number of sub-category and tone."""
