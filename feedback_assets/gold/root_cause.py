"""Stage gold_root_cause: what fails, in the complaint's own words, and the kind of cause.

Belongs here: choosing and trimming the words, and the rules for the kind.
Does not belong here: areas (`topics`) and what to do about it (`recommendation`).

`confidence` is how often the rule's kind of cause equals the label's on the training examples,
times the confidence in the area where the batch has it (column `confidence`).
"""

from __future__ import annotations

import re
from itertools import accumulate, pairwise
from typing import Any

import pyarrow as pa

from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.evidence import LONGEST, whole
from feedback_assets.gold.findings import (
    Span,
    Stamp,
    distinct,
    provenance,
    spans_array,
    strings,
    written,
)

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
_VERSION = re.compile(
    r"\b(?:v\.?\s?|version\s|versión\s|versão\s|versione\s|versie\s|wersja\s)?"
    r"\d{1,4}\.\d{1,4}\.\d{1,5}\b"
    r"|\b(?:v\.?\s?|(?:version|versión|versão|versione|versie|wersja|iOS|Android|Windows|macOS)\s)"
    r"\d{1,4}(?:\.\d{1,4})?\b",
    re.IGNORECASE,
)
_BLANKS = re.compile(r"\s+")


def infer(batch: pa.RecordBatch, model: TriageClassifier, stamp: Stamp) -> pa.RecordBatch:
    """What fails, for each item of `batch`, as gold_root_cause's contract has it."""
    spans = _spans_of(batch)
    names = ("text", "primary_category", "sub_category", "sentiment")
    columns = [strings(batch, name) for name in names]
    areas = _area_confidence(batch)
    items = distinct(*columns, [tuple(own) for own in spans], areas)
    texts, categories, subs, tones = ([column[i] for i in items.first] for column in columns)
    own_spans = [spans[i] for i in items.first]
    own_areas = [areas[i] for i in items.first]
    kinds = [cause_type(*labels) for labels in zip(categories, subs, tones, strict=True)]
    summaries = [
        "" if silent(sub, tone) else summary(text, own)
        for text, sub, tone, own in zip(texts, subs, tones, own_spans, strict=True)
    ]
    found: dict[str, pa.Array[Any]] = {
        "root_cause_summary": pa.array(summaries, pa.string()),
        "root_cause_type": pa.array(kinds, pa.string()),
        "confidence": pa.array(
            [
                model.reliability_of.get(kind, 0.5) * area
                for kind, area in zip(kinds, own_areas, strict=True)
            ],
            pa.float64(),
        ),
        "rationale": pa.array(
            [
                f"{kind.replace('_', ' ')}: the rule for {tone} {category} ({sub})."
                for kind, tone, category, sub in zip(kinds, tones, categories, subs, strict=True)
            ],
            pa.string(),
        ),
        "evidence_spans": spans_array(
            texts, [own[:1] if told else [] for own, told in zip(own_spans, summaries, strict=True)]
        ),
        "provenance": provenance(texts, "rules", model.version, stamp),
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


def summary(text: str, spans: list[Span]) -> str:
    """One line of the text's own words: its first span, without greetings and thanks.

    A version or platform named elsewhere in the text is added in brackets. At most 160
    characters.
    """
    quoted = [trimmed(text[start:end]) for start, end in spans or whole(text)]
    line = next((quote for quote in quoted if len(quote) >= 3), "")
    if not line:
        return ""
    version = _VERSION.search(text)
    if version and version.group() not in line:
        named = f" ({_BLANKS.sub(' ', version.group()).strip()})"
        if len(line) + len(named) <= LONGEST:
            return line + named
    return line


def trimmed(quote: str) -> str:
    """`quote` on one line, without the greeting before it and the thanks after it."""
    line = _BLANKS.sub(" ", quote).strip()
    return _THANKS.sub("", _GREETING.sub("", line)).strip(" ,;–-")


def _spans_of(batch: pa.RecordBatch) -> list[list[Span]]:
    """Start and end of each item's spans, read without making Python dicts."""
    lists: Any = batch.column("evidence_spans")
    flat = lists.flatten()
    pairs = list(zip(flat.field("start").to_pylist(), flat.field("end").to_pylist(), strict=True))
    edges = accumulate((count or 0 for count in lists.value_lengths().to_pylist()), initial=0)
    return [pairs[first:last] for first, last in pairwise(edges)]


def _area_confidence(batch: pa.RecordBatch) -> list[float]:
    if "confidence" not in batch.schema.names:
        return [1.0] * batch.num_rows
    confidences: list[Any] = batch.column("confidence").to_pylist()
    return confidences
