"""Status of the language model: its account by stage, open batches, items in doubt."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path
from typing import Any

import orjson
import pytest
from rich.console import Console

from feedback_assets.audit.model_status import CallCounts, ModelStatus
from feedback_assets.audit.status import Status, status
from feedback_assets.audit.status_text import render
from feedback_assets.contracts.calls import CALL_OUTCOMES, TRANSIENT_OUTCOMES, UNUSABLE_OUTCOMES
from feedback_assets.contracts.ledgers import MODEL_CALLS
from tests.audit.lake import CALL as STANDARD
from tests.audit.lake import DEFAULTS, NOON, Lake

YESTERDAY = NOON - dt.timedelta(days=1)
CALL: dict[str, Any] = {
    **STANDARD, "input_tokens": 1000.0, "cached_tokens": 500.0, "output_tokens": 50.0,
    "cost": 0.5, "started_at": NOON,
}  # fmt: skip
NOTHING = {"input_tokens": 0.0, "cached_tokens": 0.0, "output_tokens": 0.0, "cost": 0.0}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path))


def call(lake: Lake, **values: Any) -> None:
    lake.put("model_calls", **{**CALL, **values})


def batch(lake: Lake, name: str, hours: float, state: str = "submitted") -> None:
    lake.put(
        "model_batches", batch_id=name, stage="topics", state=state, requests=12,
        recorded_at=NOON - dt.timedelta(hours=hours),
    )  # fmt: skip


def account(lake: Lake) -> ModelStatus:
    found = status(lake, now=NOON).language_model
    assert found is not None
    return found


def shown(found: Status, width: int = 80) -> str:
    stream = io.StringIO()
    render(found, Console(file=stream, width=width, color_system=None))
    text = stream.getvalue()
    assert max(map(len, text.splitlines())) <= width
    return text


def line_of(text: str, stage: str) -> list[str]:
    (line,) = (line for line in text.splitlines() if line.startswith(stage))
    return line.removeprefix(stage).split()


def test_nothing_is_shown_where_no_language_model_was_asked(lake: Lake) -> None:
    lake.process()
    lake.ensure(MODEL_CALLS)
    found = status(lake, now=NOON)
    assert found.language_model is None
    assert "language model" not in shown(found).lower()


def test_calls_and_what_they_took_by_stage_today_and_in_all(lake: Lake) -> None:
    call(lake)
    call(lake, started_at=NOON.replace(hour=23, minute=59))
    call(lake, started_at=YESTERDAY.replace(hour=23, minute=59), cost=1.25)
    call(lake, outcome="unfounded")
    call(lake, outcome="timeout", **NOTHING)
    call(lake, stage="root_cause", outcome="rejected", started_at=YESTERDAY, **NOTHING)
    found = account(lake)
    cause, topics = found.stages
    assert (cause.stage, topics.stage) == ("root_cause", "topics")
    assert cause.in_all == CallCounts(calls=1, in_trouble=1)
    assert cause.today == CallCounts()
    assert topics.in_all == CallCounts(5, 3, 1, 1, 0, 4000, 2000, 200, 2.75)
    assert topics.today == CallCounts(4, 2, 1, 1, 0, 3000, 1500, 150, 1.5)
    assert found.in_all == CallCounts(6, 3, 1, 2, 0, 4000, 2000, 200, 2.75)
    assert found.today == topics.today
    text = shown(status(lake, now=NOON))
    assert line_of(text, "topics") == ["5", "3", "1", "1", "·", "4.2k", "1.50", "2.75"]
    assert line_of(text, "root cause") == ["1", "·", "·", "1", "·", "·", "·", "·"]
    assert line_of(text, "total")[:4] == ["6", "3", "1", "2"]


@pytest.mark.parametrize("outcome", CALL_OUTCOMES)
def test_every_outcome_is_counted_once(lake: Lake, outcome: str) -> None:
    call(lake, outcome=outcome, batch_id="b-1")
    expected = {"answered": "answered", "submitted": "waiting"} | dict.fromkeys(
        UNUSABLE_OUTCOMES, "unusable"
    )
    kind = expected.get(outcome, "in_trouble")
    assert (kind == "in_trouble") == (outcome in (*TRANSIENT_OUTCOMES, "rejected"))
    found = account(lake).in_all
    assert found.calls == getattr(found, kind) == 1


def test_an_item_waits_until_its_batch_has_brought_something(lake: Lake) -> None:
    for name in ("b-1", "b-2"):
        batch(lake, name, 30)
        for item in (1, 2):
            call(
                lake, outcome="submitted", settled=False, batch_id=name, item=item,
                started_at=YESTERDAY, purpose="batch", **NOTHING,
            )  # fmt: skip
    call(lake, batch_id="b-1", purpose="batch")
    call(lake, batch_id="b-1", purpose="batch", item=2, outcome="server_error", **NOTHING)
    batch(lake, "b-1", 0, "collected")
    found = account(lake)
    assert (found.in_all.calls, found.in_all.answered) == (4, 1)
    assert (found.in_all.in_trouble, found.in_all.waiting) == (1, 2)
    (still,) = found.open_batches
    assert (still.batch_id, still.requests, still.age_hours) == ("b-2", 12, 30.0)
    assert "1 open batch: b-2 (topics, 12 requests, 30.0 h old)" in shown(status(lake, now=NOON))


def test_the_oldest_open_batches_are_named(lake: Lake) -> None:
    call(lake)
    for number in range(5):
        batch(lake, f"b-{number}", 0.5 * (number + 1))
    found = account(lake)
    assert [one.batch_id for one in found.open_batches] == ["b-4", "b-3", "b-2", "b-1", "b-0"]
    text = " ".join(shown(status(lake, now=NOON), 100).split())
    assert "5 open batches: b-4 (topics, 12 requests, 2.5 h old)" in text
    assert "and 2 younger" in text
    assert "b-1" not in text
    recent = status(lake, now=NOON - dt.timedelta(minutes=30)).language_model
    assert recent is not None
    assert recent.open_batches[-1].age_hours == 0


def test_items_in_doubt_are_counted_by_state(lake: Lake) -> None:
    call(lake)
    for number, (topics, tone) in enumerate(
        [("valid", "valid"), ("contested", "doubtful"), ("contested", "valid")]
    ):
        ids = {"feedback_id": f"fb{number:020x}"}
        for table, state in (("gold_topics", topics), ("gold_sentiment", tone)):
            made = {**DEFAULTS["provenance"], "validation_state": state}
            lake.put(table, **ids, provenance=made)
        doubts = [s for s, v in (("topics", topics), ("sentiment", tone)) if v != "valid"]
        lake.put("gold_feedback", **ids, doubts=doubts)
    found = account(lake).in_doubt
    assert found.items == 2
    assert found.by_state == {"contested": {"topics": 2}, "doubtful": {"sentiment": 1}}
    text = shown(status(lake, now=NOON))
    assert "2 items in doubt: contested in topics 2; doubtful in sentiment 1" in text


def test_without_prices_no_cost_is_claimed(lake: Lake) -> None:
    call(lake, cost=0.0)
    text = shown(status(lake, now=NOON))
    assert line_of(text, "topics")[-4:] == ["no", "price", "no", "price"]


def test_large_numbers_fit_a_narrow_terminal(lake: Lake) -> None:
    for stage in ("recommendation", "root_cause", "translation"):
        call(lake, stage=stage, input_tokens=987_654_321.0, cost=12_345.67)
    text = shown(status(lake, now=NOON))
    assert line_of(text, "root cause")[-3:] == ["987.7M", "12,345.67", "12,345.67"]


def test_json_is_complete_with_iso_times(lake: Lake) -> None:
    call(lake)
    batch(lake, "b-1", 3)
    told = orjson.loads(status(lake, now=NOON).to_json())["language_model"]
    assert told["day"] == "2026-04-13"
    assert told["stages"][0]["in_all"]["cached_tokens"] == 500
    assert told["today"] == told["in_all"]
    assert told["open_batches"] == [
        {"batch_id": "b-1", "stage": "topics", "requests": 12, "age_hours": 3.0,
         "submitted_at": "2026-04-13T09:00:00Z"},
    ]  # fmt: skip
    assert told["in_doubt"] == {"items": 0, "by_state": {}}


def test_asking_before_anything_landed_is_shown_too(lake: Lake) -> None:
    call(lake)
    text = shown(status(lake, now=NOON))
    assert "feedback demo" in text
    assert line_of(text, "topics")[:2] == ["1", "1"]
