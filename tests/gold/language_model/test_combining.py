from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pyarrow as pa
import pytest

from feedback_assets.contracts.tables import TABLES
from feedback_assets.contracts.taxonomy import CATEGORIES
from feedback_assets.contracts.validation import conform, violations
from feedback_assets.gold.language_model.combining import ANSWERED, combine, evidence
from feedback_assets.gold.language_model.confidence import Calibration, keep, read
from feedback_assets.gold.language_model.doubts import QUESTION

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
TEXT = "The parcel never came and nobody answers"
SEVERITY = Calibration(slope=1.0, offset=0.0, stands_at=0.7, judged=100)
CALIBRATED = Calibration(slope=1.0, offset=0.0, stands_at=0.8, judged=100, severity=SEVERITY)
SCHEMA = pa.schema(
    [
        *[pa.field(f.name, f.type) for f in TABLES["gold_topics"].schema],
        *QUESTION,
        *[field for field in ANSWERED if field.name != "input_hash"],
    ]
)
ANSWER = {
    "rationale": "Lost parcel.", "evidence": ["parcel never came"], "categories": ["delivery"],
    "primary_category": "delivery", "sub_category": "missing_parcel", "severity": "high",
    "confidence": 0.9, "severity_confidence": 0.8,
}  # fmt: skip


def found(scores: dict[str, float] | None = None, **changes: Any) -> dict[str, Any]:
    scores = {"delivery": 0.4, "returns": 0.5, **(scores or {})}
    return {
        "day": NOW.date(), "source": "survey", "feedback_id": "f1",
        "categories": ["returns"], "primary_category": "returns",
        "sub_category": "refund_missing", "severity": "medium", "severity_confidence": 0.4,
        "category_scores": [
            {"label": label, "probability": scores.get(label, 0.01)} for label in CATEGORIES
        ],
        "confidence": 0.5, "rationale": "returns by words.",
        "evidence_spans": [{"start": 0, "end": 3, "quote": "The"}],
        "provenance": {
            "tier": "classifier", "model_version": "m1", "prompt_version": None,
            "input_hash": "t1", "validation_state": "doubtful", "produced_at": NOW,
            "run_id": "r", "taxonomy_hash": "taxonomy-1",
        },
        "_text": TEXT, "_content": "{}", "_input_hash": "h1", "_urgent": False,
        "_received_at": NOW, "_rests_on": None, "outcome": "answered", "settled": True,
        "answer": json.dumps(ANSWER), "answered_by": "model-2026", **changes,
    }  # fmt: skip


def combined(
    *rows: dict[str, Any], calibration: Calibration | None = CALIBRATED
) -> list[dict[str, Any]]:
    batch = pa.RecordBatch.from_pylist(list(rows), schema=SCHEMA)
    made = list(combine("topics", batch, "topics/v1", calibration))
    for part in made:
        conforming = conform(TABLES["gold_topics"], part)
        assert violations(TABLES["gold_topics"], conforming) == {}
    return [row for part in made for row in part.to_pylist()]


def test_an_answer_is_taken_over_with_its_evidence() -> None:
    (row,) = combined(found())
    assert (row["primary_category"], row["severity"]) == ("delivery", "high")
    assert row["evidence_spans"] == [{"start": 4, "end": 21, "quote": "parcel never came"}]
    made = row["provenance"]
    assert (made["tier"], made["model_version"], made["prompt_version"]) == (
        "language_model", "model-2026", "topics/v1"
    )  # fmt: skip
    assert (made["input_hash"], made["validation_state"]) == ("h1", "valid")
    assert made["taxonomy_hash"] == "taxonomy-1"


def test_what_tier_one_is_sure_of_passes_through() -> None:
    sure = found(_input_hash=None, outcome=None, settled=None, answer=None, answered_by=None)
    sure["provenance"] = {**sure["provenance"], "validation_state": "valid"}
    rows = combined(sure, found())
    assert {row["primary_category"] for row in rows} == {"returns", "delivery"}
    assert {row["provenance"]["tier"] for row in rows} == {"classifier", "language_model"}


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"outcome": None, "settled": None, "answer": None}, "unanswered"),
        ({"outcome": "timeout", "settled": False, "answer": None}, "unanswered"),
        ({"outcome": "rejected", "settled": False, "answer": None}, "unanswered"),
        ({"outcome": "cut_off", "settled": False, "answer": None}, "unanswered"),
        ({"outcome": "submitted", "settled": False, "answer": None}, "awaiting_batch"),
        ({"outcome": "refused", "settled": True, "answer": None}, "refused"),
        ({"outcome": "unfounded", "settled": True, "answer": None}, "unfounded"),
        ({"scores": {"delivery": 0.001}}, "contested"),
        ({"severity": "low"}, "contested"),
    ],
)
def test_without_a_usable_answer_tier_ones_finding_stays_in_doubt(
    changes: dict[str, Any], state: str
) -> None:
    (row,) = combined(found(**changes))
    assert row["primary_category"] == "returns"
    assert row["confidence"] == 0.5
    assert row["provenance"]["tier"] == "classifier"
    assert row["provenance"]["validation_state"] == state


def test_confidence_is_what_the_golden_set_says_of_it() -> None:
    doubtful = Calibration(slope=0.5, offset=-0.5, stands_at=0.8, judged=100)
    (row,) = combined(found(), calibration=doubtful)
    assert row["confidence"] == pytest.approx(1 / (1 + 2.718281828 ** -(0.5 * 2.1972 - 0.5)), 1e-3)
    assert row["provenance"]["validation_state"] == "doubtful"
    assert row["primary_category"] == "delivery"


def test_a_severity_in_doubt_keeps_an_answer_from_standing() -> None:
    unsure = json.dumps({**ANSWER, "severity_confidence": 0.6})
    (row,) = combined(found(answer=unsure))
    assert row["severity_confidence"] == pytest.approx(0.6)
    assert row["provenance"]["validation_state"] == "doubtful"


def test_a_model_never_judged_decides_nothing_alone() -> None:
    (row,) = combined(found(), calibration=None)
    assert (row["confidence"], row["provenance"]["validation_state"]) == (0.5, "uncalibrated")


def test_evidence_keeps_the_texts_own_spelling() -> None:
    spans = evidence("It  said “No”, twice", ['it said "no"', "never said"])
    assert spans == [{"start": 0, "end": 13, "quote": "It  said “No”"}]


def test_a_calibration_is_kept_by_model_and_prompt(tmp_path: Any) -> None:
    keep(tmp_path, "m", "p1", CALIBRATED)
    keep(tmp_path, "m", "p2", Calibration(2.0, 0.0, 0.9, 50))
    assert read(tmp_path, "m", "p1") == CALIBRATED
    assert read(tmp_path, "other", "p1") is None
    assert read(tmp_path / "nowhere", "m", "p1") is None


def test_a_prompt_that_is_never_right_enough_never_decides(tmp_path: Any) -> None:
    keep(tmp_path, "m", "p", Calibration(1.0, 0.0, float("inf"), 10))
    assert read(tmp_path, "m", "p") == Calibration(1.0, 0.0, float("inf"), 10)


def test_a_translation_stands_as_it_is() -> None:
    schema = pa.schema(
        [
            *[pa.field(f.name, f.type) for f in TABLES["gold_translation"].schema],
            *QUESTION,
            *[field for field in ANSWERED if field.name != "input_hash"],
        ]
    )
    row = {**found(answer='{"english": "It never came"}'), "english": None}
    (made,) = combine(
        "translation", pa.RecordBatch.from_pylist([row], schema), "translation/v1", None
    )
    assert made.column("english").to_pylist() == ["It never came"]
    assert made.column("provenance").to_pylist()[0]["validation_state"] == "valid"


def test_what_rests_on_doubtful_topics_does_not_stand() -> None:
    (row,) = combined(found(_rests_on="contested"))
    assert row["provenance"]["validation_state"] == "doubtful"
    (row,) = combined(found(_rests_on="valid"))
    assert row["provenance"]["validation_state"] == "valid"


def test_the_weightiest_severity_is_a_persons() -> None:
    critical = json.dumps({**ANSWER, "severity": "critical", "severity_confidence": 0.99})
    (row,) = combined(found(severity="high", answer=critical))
    assert row["severity"] == "critical"
    assert row["provenance"]["validation_state"] == "doubtful"
