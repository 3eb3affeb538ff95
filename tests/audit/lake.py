"""A lakehouse of small tables written row by row, and pages as a terminal shows them.

Belongs here: one plain item whose every fact a test may change. Does not belong here: tests.
"""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import orjson
import pyarrow as pa
from rich.console import Console

from feedback_assets.audit.trace import Trace
from feedback_assets.audit.trace_text import render
from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.tables import TABLES
from feedback_assets.pipeline.gate import REQUIRED_CHECKS, data_versions
from resources.lakehouse.delta import DeltaLakehouse

DAY = dt.date(2026, 4, 13)
HOME = Partition(DAY, "app_store")
NOON = dt.datetime(2026, 4, 13, 12, tzinfo=dt.UTC)
TEXT = "Hello. My card was charged twice and nobody answers."
QUOTE = "charged twice"
ITEM = "fb" + "1" * 20
OTHER = "fb" + "2" * 20
CLUSTER = "c0123456789ab"
KEY = "feedback-" + "a" * 24
PATH = ("gold_topics", "gold_sentiment", "gold_root_cause", "gold_recommendation",
        "gold_feedback", "feedback_clusters", "triage", "validated_feedback")  # fmt: skip
STARTS = TEXT.index(QUOTE)

DEFAULTS: dict[str, Any] = {
    "day": DAY, "source": "app_store", "feedback_id": ITEM, "native_id": "r-1", "payload": "{}",
    "payload_format": "json", "payload_sha256": "ab" * 32,
    "origin": "app_store/2026-04-13/reviews.jsonl#7", "received_at": NOON, "ingested_at": NOON,
    "text": TEXT, "language": "en", "created_at": NOON, "rating": 0.0,
    "rating_original": "1 of 1..5", "product": "Wallet", "content_hash": "h", "revision": 1,
    "pii_types": ["EMAIL"], "source_metadata": [("territory", "DE")],
    "sentiment": "negative", "categories": ["payment"], "primary_category": "payment",
    "sub_category": "wrong_charge", "severity": "high", "severity_confidence": 0.9,
    "sentiment_confidence": 0.9, "category_confidence": 0.93, "confidence": 0.93,
    "category_scores": [{"label": "payment", "probability": 0.93}],
    "root_cause_summary": "card was charged twice", "root_cause_type": "product_defect",
    "action": "refund_customer", "action_detail": "Check the charge.",
    "rationale": "Names a double charge.",
    "evidence_spans": [{"start": STARTS, "end": STARTS + len(QUOTE), "quote": QUOTE}],
    "provenance": {"tier": "classifier", "model_version": "m-7", "prompt_version": None,
                   "input_hash": "i", "validation_state": "valid", "produced_at": NOON,
                   "run_id": "run-gold", "taxonomy_hash": "taxonomy-1"},
    "doubts": [], "attempts": [], "suspect": False,
    "model_version": "m-7", "cluster_id": CLUSTER, "similarity": 1.0,
    "cluster_label": "charged twice, card", "terms": [], "weights": [],
    "lane": "fast", "priority_score": 70.0, "owner_team": "payments", "queue": "PAY",
    "rule_ids": ["fast-severe", "owner-by-area"], "rule_version": "rv1", "auto_approve": True,
    "open_ticket": True, "validation_state": "auto_approved",
    "decision_reason": "rules fast-severe", "decision": "approve", "reviewer": None,
    "idempotency_key": KEY, "ticket_key": "PAY-3", "state": "open", "title": "Charged twice",
    "updated_at": NOON, "added_at": NOON, "run_id": "run-1", "status": "To Do", "items": 1,
    "items_after_resolution": 0, "observed_at": NOON, "stage": "", "metric": "rows_out",
    "value": 1.0, "recorded_at": NOON, "table": "silver_feedback", "reason": "r", "raw": "x",
}  # fmt: skip
INPUT = "e1" * 32
ANSWER = {"primary_category": "payment", "confidence": 0.9, "evidence": ["charged twice"]}
MADE: dict[str, Any] = DEFAULTS["provenance"]
BY_MODEL = {
    **MADE, "tier": "language_model", "model_version": "small-2026-01", "input_hash": INPUT,
    "prompt_version": "topics/v2",
}  # fmt: skip
CALL: dict[str, Any] = {
    "stage": "topics", "input_hash": INPUT, "model": "small", "model_version": None,
    "prompt_version": "v2", "prompt_hash": "p", "parameters": "{}", "call_id": "call-1",
    "items": 1, "item": 1, "attempt": 1, "purpose": "ask", "outcome": "answered", "status": 200,
    "settled": True, "answer": orjson.dumps(ANSWER).decode(), "input_tokens": 1200.0,
    "cached_tokens": 1000.0, "output_tokens": 60.0, "cost": 0.00021, "latency_ms": 812.0,
    "started_at": NOON, "run_id": "run-gold",
}  # fmt: skip
FAILED: dict[str, Any] = {"settled": False, "answer": None, "cost": 0.0, "output_tokens": 0.0}


class Lake(DeltaLakehouse):
    """Tables filled with one row a call, the contract's columns from `DEFAULTS`."""

    def put(self, name: str, **values: Any) -> None:
        table = TABLES[name]
        self.ensure(table)
        row = {c: {**DEFAULTS, **values}.get(c) for c in table.column_names}
        self.append(table, [pa.RecordBatch.from_pylist([row], schema=table.schema)])

    def land(self, **values: Any) -> None:
        self.put("bronze_feedback", **values)
        self.ran("bronze_feedback")

    def process(self, until: str = "validated_feedback", **values: Any) -> None:
        """The item lands and has a row in each table up to `until`."""
        self.land()
        for name in ("silver_feedback", *PATH):
            self.put(name, **values)
            self.ran(name)
            if name == until:
                return

    def process_topics(self, made: dict[str, Any], **values: Any) -> None:
        """The item up to review; `made` is what made its topics."""
        self.land()
        doubts = [] if made["validation_state"] == "valid" else ["topics"]
        for name in ("silver_feedback", *PATH):
            own = {"provenance": made} if name == "gold_topics" else {}
            self.put(name, **{**values, "doubts": doubts, **own})
            self.ran(name)

    def call(self, seconds: int = 0, **values: Any) -> None:
        """An attempt at the item's topics, some seconds after noon."""
        at = NOON + dt.timedelta(seconds=seconds)
        self.put("model_calls", **{**CALL, "started_at": at, **values})

    def ran(self, stage: str, at: dt.datetime = NOON) -> None:
        self.put("stage_metrics", stage=stage, recorded_at=at, run_id=f"run-{stage}")

    def judge(self, failing: str | None = None, at: dt.datetime = NOON) -> None:
        for check, table in REQUIRED_CHECKS.items():
            self.put(
                "gate_status", check=check, table=table, passed=check != failing,
                state="failed" if check == failing else "passed", value=0.0,
                threshold=0.0, detail="3 rows broken" if check == failing else "all well",
                data_version=data_versions(self, TABLES[table], [HOME])[HOME], evaluated_at=at,
            )  # fmt: skip

    def override(self, check: str, at: dt.datetime, hours: float = 24, **values: Any) -> None:
        """An override of the partition's `check`, given by dana at `at`."""
        given = {
            "override_id": "override-1", "check": check, "operator": "dana", "reason": "a sale",
            "verdict": "3 rows broken", "threshold": 0.0, "new_normal": False, "revoked": False,
            "expires_at": at + dt.timedelta(hours=hours), "recorded_at": at,
        }  # fmt: skip
        self.put("gate_overrides", **{**given, **values})


def shown(found: Trace, width: int = 80) -> str:
    """The page without colours; no line is wider than `width`."""
    stream = io.StringIO()
    render(found, Console(file=stream, width=width, color_system=None))
    text = stream.getvalue()
    assert max(map(len, text.splitlines())) <= width
    return text


def in_order(text: str, *words: str) -> None:
    """Each of `words` stands in `text` after the one before."""
    place = 0
    for one in words:
        assert one in text[place:], one
        place = text.index(one, place) + len(one)
