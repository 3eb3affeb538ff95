"""Items as the stages found them and people decided about them, put into a lakehouse."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable
from typing import Any

from feedback_assets.gold.reviewed import held_out
from resources.lakehouse.base import Lakehouse
from tests.quality.people import put

DAY = dt.date(2026, 11, 10)
MADE = dt.datetime(2026, 11, 10, 8, tzinfo=dt.UTC)
DECIDED = dt.datetime(2026, 11, 11, 9, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
_PLAIN: dict[str, Any] = {
    "severity_confidence": 0.5, "category_scores": [], "confidence": 0.5, "rationale": "",
    "root_cause_summary": "", "action_detail": "",
    "native_id": "n", "received_at": MADE, "content_hash": "", "revision": 1, "pii_types": [],
    "source_metadata": [], "origin": "feed.jsonl#1",
    "provenance": {"produced_at": MADE, "validation_state": "doubtful", "tier": "classifier"},
}  # fmt: skip
TABLES = (
    "silver_feedback", "gold_topics", "gold_sentiment", "gold_root_cause", "gold_recommendation",
)  # fmt: skip


def item(number: int, text: str, **found: Any) -> dict[str, Any]:
    """An item under id ``fb<number>``: a card refused, in English, unless `found` says else."""
    area = found.get("primary_category", "payment")
    quote = text.split(",")[0]
    return {
        "day": DAY, "source": "survey", "feedback_id": f"fb{number}", "text": text,
        "language": "en", "rating": None, "categories": [area], "primary_category": area,
        "sub_category": "declined", "severity": "high", "sentiment": "negative",
        "root_cause_type": "product_defect", "action": "fix_defect",
        "evidence_spans": [{"start": 0, "end": len(quote), "quote": quote}],
        **_PLAIN, **found,
    }  # fmt: skip


def put_items(lakehouse: Lakehouse, items: Iterable[dict[str, Any]]) -> None:
    """Their text, and the findings of each stage."""
    rows = list(items)
    for table in TABLES:
        put(lakehouse, table, rows)


def decide(
    lakehouse: Lakehouse,
    items: Iterable[dict[str, Any]],
    decision: str = "approve",
    at: dt.datetime = DECIDED,
    reviewer: str = "ada",
    **corrected: Any,
) -> None:
    """One and the same decision about each item."""
    rows = [
        {
            "day": each["day"], "source": each["source"], "feedback_id": each["feedback_id"],
            "decision": decision, "reviewer": reviewer, "decided_at": at, **corrected,
        }
        for each in items
    ]  # fmt: skip
    put(lakehouse, "review_decisions", rows)


def judging(text: str) -> str:
    """`text`, with as many dots after it as it takes to be held out of training."""
    return next(t for dots in itertools.count() if held_out(t := text + "." * dots))


def teaching(text: str) -> str:
    """The same, to be one that trains."""
    return next(t for dots in itertools.count() if not held_out(t := text + "." * dots))
