"""Tier 1's findings and the language model's answers, made one finding an item.

Belongs here: which of the two stands, and in what state. Does not belong here: asking, and the
checks an answer passed before it was written down.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from feedback_assets.contracts.tables import TABLES
from feedback_assets.contracts.taxonomy import SEVERITIES
from feedback_assets.gold.language_model.confidence import UNKNOWN, Calibration
from feedback_assets.gold.language_model.contest import contested
from feedback_assets.gold.quotes import locate_all

Row = dict[str, Any]

WEIGHTIEST = SEVERITIES[-1]

LABELS: dict[str, tuple[str, ...]] = {
    "translation": ("english",),
    "sentiment": ("sentiment",),
    "topics": (
        "categories",
        "primary_category",
        "sub_category",
        "severity",
        "severity_confidence",
    ),
    "root_cause": ("root_cause_summary", "root_cause_type"),
    "recommendation": ("action", "action_detail"),
}
"""What of an answer becomes a column, by stage."""

ANSWERED = pa.schema(
    [
        ("input_hash", pa.string()),
        ("outcome", pa.string()),
        ("settled", pa.bool_()),
        ("answer", pa.string()),
        ("answered_by", pa.string()),
    ]
)
"""What of the ledger comes with each finding; nulls where nothing was asked."""


def combine(
    stage: str, batch: pa.RecordBatch, prompt_version: str, calibration: Calibration | None
) -> Iterator[pa.RecordBatch]:
    """Findings in the stage's contract from tier 1's (`batch`), with what the ledger says.

    `batch` has the contract's columns, `_input_hash` where tier 1 is in doubt, `_text`, and
    `ANSWERED`.
    """
    schema = pa.schema([(f.name, f.type) for f in TABLES[f"gold_{stage}"].schema])
    in_doubt = pc.is_valid(batch.column("_input_hash"))
    settled = batch.filter(pc.invert(in_doubt)).select(schema.names)
    if settled.num_rows:
        yield pa.RecordBatch.from_arrays(
            [settled.column(field.name).cast(field.type) for field in schema], schema=schema
        )
    rows = [
        finding_of(stage, row, prompt_version, calibration)
        for row in batch.filter(in_doubt).to_pylist()
    ]
    if rows:
        yield pa.RecordBatch.from_pylist(rows, schema=schema)


def finding_of(stage: str, row: Row, prompt_version: str, calibration: Calibration | None) -> Row:
    """The finding of one item that tier 1 was in doubt about."""
    outcome = row["outcome"]
    if outcome is None or outcome == "rejected" or not (row["settled"] or outcome == "submitted"):
        return _still(row, "unanswered")
    if outcome == "submitted":
        return _still(row, "awaiting_batch")
    if outcome != "answered":
        return _still(row, outcome)
    answer = json.loads(row["answer"])
    if contested(stage, row, answer):
        return _still(row, "contested")
    return _answered(stage, row, answer, prompt_version, calibration)


def _still(row: Row, state: str) -> Row:
    """Tier 1's finding, with what kept it from standing and the question that was asked."""
    made = {**row["provenance"], "validation_state": state, "input_hash": row["_input_hash"]}
    return {**row, "provenance": made}


def _answered(
    stage: str, row: Row, answer: Row, prompt_version: str, calibration: Calibration | None
) -> Row:
    found = {name: answer[name] for name in LABELS[stage]}
    state = "valid"
    if stage != "translation":
        found["confidence"], state = _believed(float(answer["confidence"]), calibration)
        if "severity_confidence" in answer:
            own = calibration and calibration.severity
            found["severity_confidence"], severity = _believed(answer["severity_confidence"], own)
            state = severity if state == "valid" else state
            # The weightiest word is a person's: it is what an obeying model would be talked into.
            if answer["severity"] == WEIGHTIEST and state == "valid":
                state = "doubtful"
        if state == "valid" and row["_rests_on"] not in (None, "valid"):
            state = "doubtful"
        found["rationale"] = answer["rationale"]
        found["evidence_spans"] = evidence(row["_text"], answer["evidence"])
    provenance = {
        **row["provenance"],
        "tier": "language_model",
        "model_version": row["answered_by"],
        "prompt_version": prompt_version,
        "input_hash": row["_input_hash"],
        "validation_state": state,
    }
    return {**row, **found, "provenance": provenance}


def _believed(stated: float, calibration: Calibration | None) -> tuple[float, str]:
    if calibration is None:
        return UNKNOWN, "uncalibrated"
    probability = calibration.probability(stated)
    return probability, "valid" if probability >= calibration.stands_at else "doubtful"


def evidence(text: str, quotes: list[str]) -> list[Row]:
    """Quotes with their places in `text`, in the text's own spelling; those not there left out."""
    return [
        {"start": start, "end": end, "quote": text[start:end]}
        for start, end in sorted(locate_all(text, quotes))
    ]
