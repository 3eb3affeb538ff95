from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from feedback_assets.gold.language_model.asking import Asker, AskReport
from feedback_assets.gold.language_model.questions import Question, content_of, input_hash, packs
from feedback_assets.gold.prompts import Prompt, active_versions, read_prompt
from feedback_assets.pipeline.model_plan import ModelPlan, Prices, SpendingCap
from resources.lakehouse.delta import DeltaLakehouse
from resources.llm.base import ModelRequest
from resources.llm.scripted import Scripted, ScriptedModel, trouble
from tests.gold.language_model.golden_models import finding, items_of, perfect

PROMPTS = Path(__file__).parents[3] / "prompts"
PRICES = Prices(input=1.0, cached=0.5, output=4.0)


@pytest.fixture
def lakehouse(tmp_path: Path) -> DeltaLakehouse:
    return DeltaLakehouse(str(tmp_path / "lakehouse"))


def prompt(stage: str = "topics") -> Prompt:
    return read_prompt(PROMPTS, stage, active_versions(PROMPTS)[stage])


def questions(count: int, start: int = 0) -> list[Question]:
    asked = []
    for number in range(start, start + count):
        text = f"Order {number} never came"
        content = content_of({"text": text, "language": "en"})
        asked.append(
            Question(
                dt.date(2026, 6, 1), "survey", f"f{number}", text, content,
                input_hash(prompt(), "scripted", content),
            )
        )  # fmt: skip
    return asked


EXAMPLES = [
    {
        "text": f"Order {number} never came", "categories": ["delivery"],
        "primary_category": "delivery", "sub_category": "missing_parcel", "severity": "high",
        "sentiment": "negative", "evidence": ["never came"], "root_cause": "parcel missing",
        "root_cause_type": "shipping_delay", "action": "resolve_order",
    }
    for number in range(64)
]  # fmt: skip
RIGHT = perfect(EXAMPLES)
Script = Callable[[ModelRequest], Scripted]


def ask(
    lakehouse: DeltaLakehouse, script: Script, asked: list[Question], **plan: Any
) -> tuple[AskReport, list[dict[str, Any]], ScriptedModel]:
    model = ScriptedModel(script)
    settings = {"items_per_request": 4, "uncommitted": 16, "prices": PRICES, **plan}
    report = Asker(ModelPlan(model, **settings), prompt(), lakehouse, "run-1").ask(asked)
    rows = lakehouse.scan("model_calls").read_all().to_pylist()
    return report, rows, model


def test_every_item_is_answered_and_on_record(lakehouse: DeltaLakehouse) -> None:
    report, rows, model = ask(lakehouse, RIGHT, questions(10))
    assert (report.items, report.answered, report.unusable, report.stopped) == (10, 10, 0, "")
    assert len(model.requests) == 3
    assert {row["outcome"] for row in rows} == {"answered"}
    assert all(row["settled"] and '"delivery"' in row["answer"] for row in rows)
    assert {row["feedback_id"] for row in rows} == {f"f{n}" for n in range(10)}
    used = sum(row["input_tokens"] for row in rows)
    assert used == pytest.approx(sum((len(r.system) + len(r.user)) // 4 for r in model.requests))
    assert sum(row["cost"] for row in rows) == pytest.approx(report.cost)
    assert report.cost > 0


def test_requests_share_their_prefix_and_end_with_the_items(lakehouse: DeltaLakehouse) -> None:
    _, _, model = ask(lakehouse, RIGHT, questions(8))
    assert len({request.system for request in model.requests}) == 1
    assert all("Order" not in request.system for request in model.requests)
    assert [item["item"] for item in items_of(model.requests[0])] == [1, 2, 3, 4]


def test_each_attempt_is_a_row(lakehouse: DeltaLakehouse) -> None:
    troubles = iter([trouble("rate_limited"), trouble("server_error")])

    def script(request: ModelRequest) -> Scripted:
        return next(troubles, None) or RIGHT(request)

    report, rows, _ = ask(lakehouse, script, questions(1))
    assert report.attempts == 3
    told = sorted((row["attempt"], row["outcome"], row["settled"]) for row in rows)
    assert told == [
        (1, "rate_limited", False), (2, "server_error", False), (3, "answered", True)
    ]  # fmt: skip


def test_only_what_is_wrong_is_asked_again(lakehouse: DeltaLakehouse) -> None:
    """One item's evidence is not in its text, the first time."""

    def script(request: ModelRequest) -> Scripted:
        answer = RIGHT(request).model_dump()
        if "could not be used" not in request.user:
            answer["findings"][1]["evidence"] = ["words nobody wrote"]
        return request.answer.model_validate(answer)

    report, rows, model = ask(lakehouse, script, questions(4))
    assert (report.answered, report.unusable) == (4, 0)
    assert [len(items_of(request)) for request in model.requests] == [4, 1]
    mended = [row for row in rows if row["feedback_id"] == "f1"]
    assert sorted((row["purpose"], row["outcome"]) for row in mended) == [
        ("ask", "unfounded"), ("repair", "answered")
    ]  # fmt: skip


@pytest.mark.parametrize("outcome", ["refused", "filtered", "cut_off", "malformed"])
def test_one_repair_then_a_person(lakehouse: DeltaLakehouse, outcome: Any) -> None:
    report, rows, model = ask(lakehouse, lambda _: trouble(outcome), questions(2))
    assert (report.answered, report.unusable) == (0, 2)
    assert len(model.requests) == 3
    assert {(row["purpose"], row["outcome"], row["settled"]) for row in rows} == {
        ("ask", outcome, False), ("repair", outcome, True)
    }  # fmt: skip


def test_a_missing_and_an_invented_item_are_seen(lakehouse: DeltaLakehouse) -> None:
    def script(request: ModelRequest) -> Scripted:
        asked = items_of(request)
        wanted = asked if len(asked) == 1 else [asked[0], {**asked[0], "item": 9}]
        found = [finding("topics", item, EXAMPLES[0], 0.9) for item in wanted]
        return request.answer.model_validate({"findings": found})

    report, rows, _ = ask(lakehouse, script, questions(2))
    assert report.answered == 2
    assert [row["error"] for row in rows if row["outcome"] == "malformed"] == [
        "no finding for item 2"
    ]


def test_an_answer_with_two_findings_for_an_item_is_not_believed(
    lakehouse: DeltaLakehouse,
) -> None:
    def script(request: ModelRequest) -> Scripted:
        item = items_of(request)[0]
        other = {**finding("topics", item, EXAMPLES[0], 0.9), "severity": "low"}
        twice = [finding("topics", item, EXAMPLES[0], 0.9), other]
        return request.answer.model_validate({"findings": twice})

    report, rows, _ = ask(lakehouse, script, questions(1))
    assert report.unusable == 1
    assert {row["error"] for row in rows} == {"2 findings for item 1"}


def test_a_cap_stops_cleanly(lakehouse: DeltaLakehouse) -> None:
    one, _, _ = ask(lakehouse, RIGHT, questions(4))
    cap = SpendingCap(run=one.cost * 3)
    report, rows, _ = ask(lakehouse, RIGHT, questions(40, start=10), cap=cap)
    assert "spending cap of a run" in report.stopped
    assert "FEEDBACK_LLM_CAP_RUN" in report.stopped
    assert 0 < report.answered < 40
    assert sum(row["cost"] for row in rows) <= cap.run if cap.run else False


def test_a_day_has_a_cap_of_its_own(lakehouse: DeltaLakehouse) -> None:
    first, _, _ = ask(lakehouse, RIGHT, questions(8))
    cap = SpendingCap(day=first.cost * 1.1)
    model = ScriptedModel(RIGHT)
    plan = ModelPlan(model, items_per_request=4, prices=PRICES, cap=cap)
    report = Asker(plan, prompt(), lakehouse, "run-2").ask(questions(4, start=30))
    assert "spending cap of a day" in report.stopped
    assert model.requests == []


def test_a_service_that_refuses_is_asked_once(lakehouse: DeltaLakehouse) -> None:
    report, rows, model = ask(
        lakehouse,
        lambda _: trouble("rejected", "401: check FEEDBACK_LLM_KEY"),
        questions(40),
        items_per_request=1,
        uncommitted=2,
    )
    assert "check FEEDBACK_LLM_KEY" in report.stopped
    assert report.answered == 0
    assert len(model.requests) <= 3
    assert not any(row["settled"] for row in rows)


def test_a_service_in_trouble_is_left_alone(lakehouse: DeltaLakehouse) -> None:
    report, rows, model = ask(
        lakehouse, lambda _: trouble("connection_error"), questions(64), uncommitted=8
    )
    assert "service fails" in report.stopped
    assert len(model.requests) < 64 / 4 * 3
    assert not any(row["settled"] for row in rows)


def test_what_was_unusable_before_is_mended_and_not_asked_again(
    lakehouse: DeltaLakehouse,
) -> None:
    before = [replace(question, earlier=1, unusable="cut_off") for question in questions(2)]
    report, rows, model = ask(lakehouse, RIGHT, before)
    assert report.answered == 2
    assert [len(items_of(request)) for request in model.requests] == [1, 1]
    assert all("be brief" in request.user for request in model.requests)
    assert {row["purpose"] for row in rows} == {"repair"}


def test_items_are_packed_by_number_and_length() -> None:
    short = questions(5)
    long = replace(short[0], content="x" * 9_000)
    assert [len(pack) for pack in packs(short, 2)] == [2, 2, 1]
    assert [len(pack) for pack in packs([long, long, *short], 8)] == [1, 6]


def test_no_more_is_under_way_than_may_be_lost(lakehouse: DeltaLakehouse) -> None:
    """Items sent are in the ledger before many more are sent."""
    most = 0
    sent = 0

    def script(request: ModelRequest) -> Scripted:
        nonlocal most, sent
        sent += len(items_of(request))
        committed = lakehouse.scan("model_calls").read_all().num_rows
        most = max(most, sent - committed)
        return RIGHT(request)

    ask(lakehouse, script, questions(60), uncommitted=16)
    assert most <= 16
