"""Findings, and people who decide about them, put into a lakehouse."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from feedback_assets.contracts.tables import TABLES
from feedback_assets.pipeline.runtime import Runtime
from resources.compute.connect import SailEngine
from resources.lakehouse.base import Lakehouse
from resources.lakehouse.delta import DeltaLakehouse
from resources.tracker.local import LocalTracker

DAY = dt.date(2026, 6, 15)
NOON = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)
FOUND: dict[str, Any] = {
    "categories": ["payment"], "primary_category": "payment", "sub_category": "declined",
    "severity": "high", "severity_confidence": 0.9, "category_scores": [],
    "sentiment": "negative", "root_cause_type": "checkout_friction", "root_cause_summary": "",
    "action": "fix_defect", "action_detail": "", "confidence": 0.9, "rationale": "",
    "evidence_spans": [],
}  # fmt: skip
STAGES = ("topics", "sentiment", "root_cause", "recommendation")
TIERS = {"recommendation": "rules", "root_cause": "rules"}


def runtime_of(tmp_path: Path) -> Runtime:
    """A runtime with a lakehouse; its engine is never started."""
    prompts = Path(__file__).parents[2] / "prompts"
    return Runtime(
        engine=SailEngine(), lakehouse=DeltaLakehouse(str(tmp_path / "lakehouse")), connectors={},
        tracker=LocalTracker(tmp_path / "tickets"), token_key=b"k", landing_root=str(tmp_path),
        models_folder=tmp_path / "models", reports_folder=tmp_path / "reports", run_id="r1",
        prompts_folder=prompts, golden_set=prompts.with_name("golden_set"),
    )  # fmt: skip


def put(lakehouse: Lakehouse, table: str, rows: Iterable[dict[str, Any]]) -> None:
    """Append rows; what they leave out is null."""
    schema = TABLES[table].schema
    whole = [{field.name: row.get(field.name) for field in schema} for row in rows]
    lakehouse.append(TABLES[table], [pa.RecordBatch.from_pylist(whole, schema=schema)])


def find(
    lakehouse: Lakehouse,
    items: Sequence[str],
    day: dt.date = DAY,
    source: str = "survey",
    doubts: Sequence[str] = (),
    tier: str = "classifier",
    **found: Any,
) -> None:
    """One and the same finding of each item: `FOUND`, but for `found`. `doubts` are stages."""
    version = "gpt-7" if tier == "language_model" else "tier1-a"
    for stage in STAGES:
        own = tier if tier == "language_model" else TIERS.get(stage, tier)
        made = {
            "tier": own, "model_version": version, "input_hash": "",
            "validation_state": "doubtful" if stage in doubts else "valid",
            "prompt_version": f"{stage}/v1" if own == "language_model" else None,
            "produced_at": NOON - dt.timedelta(days=1),
        }  # fmt: skip
        rows = [
            {"day": day, "source": source, "feedback_id": item, "provenance": made} | FOUND | found
            for item in items
        ]
        put(lakehouse, f"gold_{stage}", rows)


def decide(
    lakehouse: Lakehouse,
    items: Sequence[str],
    decision: str = "approve",
    day: dt.date = DAY,
    source: str = "survey",
    at: dt.datetime = NOON,
    reviewer: str = "ada",
    **corrected: Any,
) -> None:
    """One and the same decision about each item."""
    rows = [
        {
            "day": day, "source": source, "feedback_id": item, "decision": decision,
            "reviewer": reviewer, "decided_at": at, **corrected,
        }
        for item in items
    ]  # fmt: skip
    put(lakehouse, "review_decisions", rows)


def names(count: int, prefix: str = "i") -> list[str]:
    """So many ids."""
    return [f"{prefix}{number}" for number in range(count)]
