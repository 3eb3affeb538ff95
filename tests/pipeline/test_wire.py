"""Orders and answers are the same after their way as JSON."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_assets.contracts.partitions import SOURCES, Partition
from feedback_assets.pipeline.gate_overrides import GateOverride
from feedback_assets.pipeline.judgement import Finding
from feedback_assets.pipeline.step import StepReport
from feedback_assets.pipeline.wire import Answer
from feedback_assets.pipeline.work import CheckReport, Judged, RoutineReport

NOW = dt.datetime(2026, 6, 1, 8, 30, 0, 123456, tzinfo=dt.UTC)
PARTITION = Partition(dt.date(2026, 6, 1), "zendesk")
PARTITIONS = st.builds(
    Partition, st.dates(dt.date(2025, 1, 1), dt.date(2026, 12, 31)), st.sampled_from(SOURCES)
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
REPORTS = st.builds(
    StepReport,
    step=st.just("silver_feedback"),
    counts=st.dictionaries(
        PARTITIONS, st.dictionaries(st.text(min_size=1), NUMBERS, max_size=2), max_size=3
    ),
    seconds=NUMBERS,
    refused=st.dictionaries(PARTITIONS, st.text(), max_size=3),
    notes=st.lists(st.text(), max_size=3),
    versions=st.dictionaries(PARTITIONS, st.text(), max_size=3),
)
FINDINGS = st.builds(
    Finding,
    rows=st.integers(0, 9),
    problems=st.lists(st.text(), max_size=3),
    broken=st.integers(0, 9),
    value=st.none() | NUMBERS,
    threshold=st.none() | NUMBERS,
    shown=st.text(),
)


def sent(answer: Answer) -> Answer:
    return Answer.model_validate(json.loads(json.dumps(answer.model_dump(mode="json"))))


@given(REPORTS)
def test_a_steps_report(report: StepReport) -> None:
    assert sent(Answer.of_step("silver_feedback", report)).step_report() == report


@given(
    st.dictionaries(
        st.text(min_size=1), st.dictionaries(PARTITIONS, FINDINGS, max_size=2), max_size=3
    )
)
def test_findings(findings: dict[str, dict[Partition, Finding]]) -> None:
    override = GateOverride(
        PARTITION.day, PARTITION.source, "o1", "drift_rating", "dana", "known", "failed: …", 0.61,
        None, True, NOW + dt.timedelta(hours=2), False, NOW,
    )  # fmt: skip
    judged = Judged(findings, {(PARTITION, "drift_rating"): override})
    assert sent(Answer.of_judging("checks", judged)).judged() == judged


def test_a_routines_report() -> None:
    report = RoutineReport(
        figures={"version": "v1", "accuracy": 0.5, "items": 3, "ok": True},
        details={"partitions": ["2026-06-01|zendesk"]},
        markdown={"table": "| a |"},
        data_version="v1",
        warnings=["few examples"],
        checks={"deadlines": CheckReport("warned", "soon", {"late": 1}, {"overdue": "| b |"})},
    )
    assert sent(Answer.of_routine("triage_classifier", report)).routine_report() == report


def test_an_answer_is_not_taken_for_another_kind() -> None:
    answer = Answer.of_failure("silver_feedback", ValueError("no such table"))
    assert answer.failure == "ValueError: no such table"
    with pytest.raises(ValueError, match="asked for as a step and answered as failed"):
        answer.step_report()
