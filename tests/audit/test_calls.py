"""The language model's part in an item's trace: attempts, answers, doubts."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

from feedback_assets.audit.call_sections import NO_ATTEMPT
from feedback_assets.audit.chain import ItemTrace
from feedback_assets.audit.model_links import STANDING, Asked
from feedback_assets.audit.trace import trace
from feedback_assets.contracts.ledgers import MODEL_CALLS
from tests.audit.lake import (
    ANSWER,
    BY_MODEL,
    CALL,
    DAY,
    FAILED,
    INPUT,
    ITEM,
    MADE,
    OTHER,
    Lake,
    in_order,
    shown,
)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path))


def item_of(lake: Lake, feedback_id: str = ITEM) -> ItemTrace:
    item = trace(lake, feedback_id).item
    assert item is not None
    return item


def asked(lake: Lake) -> Asked:
    (only,) = item_of(lake).asked
    return only


def test_every_attempt_is_told_in_order_with_the_answer_behind_the_finding(lake: Lake) -> None:
    lake.process_topics(BY_MODEL)
    lake.call(
        9, outcome="answered", attempt=2, call_id="call-2", items=8, item=3,
        model_version="small-2026-01", batch_id="batch-7", purpose="batch",
    )  # fmt: skip
    lake.call(2, outcome="rate_limited", **FAILED, status=429, error="too many requests")
    topics = asked(lake)
    assert topics.stage == "gold_topics"
    assert [a.outcome for a in topics.attempts] == ["rate_limited", "answered"]
    assert topics.deciding == 1
    assert topics.attempts[1].answer == ANSWER
    text = shown(trace(lake, ITEM))
    glance, _, _ = text.partition("1. Landed")
    in_order(glance, "model asked", "topics answered (2 attempts, cost 0.00021)")
    wide = shown(trace(lake, ITEM), width=200)
    _, _, section = wide.partition("What the language model was asked")
    in_order(
        section, "topics", "stands by itself", "input", INPUT,
        "attempt 1", "2026-04-13 12:00:02 UTC, asked: turned away by the rate limit",
        "HTTP 429, too many requests",
        "attempt 2", "2026-04-13 12:00:09 UTC, asked by batch: answered",
        "small (small-2026-01), prompt v2", "1,200 (1,000 cached) + 60 tokens", "cost 0.00021",
        "812 ms", "batch batch-7", "item 3 of 8", "run run-gold",
        "answer", "the finding above", "primary category: payment", "confidence: 0.90",
        "evidence: charged twice",
    )  # fmt: skip
    assert "asked for" not in section


def test_json_holds_whole_rows_of_the_ledger(lake: Lake) -> None:
    lake.process_topics(BY_MODEL)
    lake.call()
    item = orjson.loads(trace(lake, ITEM).to_json())["item"]
    (topics,) = item["asked"]
    assert topics["deciding"] == 0
    (attempt,) = topics["attempts"]
    told = {**CALL, "answer": ANSWER, "started_at": "2026-04-13T12:00:00Z"}
    assert {name: attempt[name] for name in CALL} == told
    assert (attempt["feedback_id"], attempt["day"]) == (ITEM, "2026-04-13")
    assert item["findings"][0]["standing"] == "stands by itself"


def test_an_answer_given_to_another_item_is_found_by_its_input(lake: Lake) -> None:
    lake.process_topics(BY_MODEL)
    earlier: dict[str, Any] = {"feedback_id": OTHER, "day": dt.date(2026, 2, 1), "source": "survey"}
    lake.call(**earlier)
    lake.call(**earlier, input_hash="e2" * 32)
    lake.call(**earlier, stage="sentiment")
    topics = asked(lake)
    assert [a.feedback_id for a in topics.attempts] == [OTHER]
    assert topics.deciding == 0
    text = shown(trace(lake, ITEM), width=120)
    assert f"{OTHER} of survey 2026-02-01, which asks the same" in text
    assert trace(lake, ITEM).to_json().count(OTHER) == 1


def test_a_question_that_waits_is_found_by_an_input_kept_without_its_prompt(lake: Lake) -> None:
    waiting = {**MADE, "input_hash": INPUT, "validation_state": "awaiting_batch"}
    lake.process_topics(waiting)
    lake.call(feedback_id=OTHER, outcome="submitted", **FAILED, batch_id="batch-7")
    assert [a.batch_id for a in asked(lake).attempts] == ["batch-7"]
    assert "handed over, not answered yet" in shown(trace(lake, ITEM), width=120)


def test_an_answer_that_is_set_aside_is_told_so(lake: Lake) -> None:
    lake.process_topics({**MADE, "validation_state": "contested"})
    lake.call()
    item = item_of(lake)
    assert item.doubts == ("topics",)
    assert item.asked[0].deciding == 0
    text = shown(trace(lake, ITEM), width=120)
    glance, _, rest = text.partition("1. Landed")
    in_order(glance, "in doubt", "topics (contested)", "topics answered, set aside (1 attempt")
    in_order(rest, "standing", STANDING["contested"], "set aside: primary category: payment")


def test_a_repair_settles_what_the_first_answer_could_not(lake: Lake) -> None:
    lake.process_topics({**MADE, "validation_state": "unfounded"})
    bad: dict[str, Any] = {**FAILED, "outcome": "unfounded"}
    lake.call(0, **bad, error="evidence 1 does not stand in the text")
    lake.call(5, **{**bad, "settled": True}, purpose="repair", attempt=2, error="still not")
    topics = asked(lake)
    assert topics.deciding == 1
    in_order(
        shown(trace(lake, ITEM), width=120), "asked: answered, and failed a check",
        "evidence 1 does not stand", "asked to mend it: answered, and failed a check", "still not",
        "this attempt, which brought no answer to use",
    )  # fmt: skip


def test_a_settled_answer_decides_over_a_later_failure(lake: Lake) -> None:
    lake.process_topics(BY_MODEL)
    lake.call(0)
    lake.call(60, **FAILED, outcome="timeout", attempt=2)
    assert asked(lake).deciding == 0


def test_attempts_under_an_earlier_prompt_stay_on_record_and_decide_nothing(lake: Lake) -> None:
    lake.process_topics(BY_MODEL)
    lake.call(0, prompt_version="v1", input_hash="e0" * 32)
    lake.call(60)
    topics = asked(lake)
    assert [a.prompt_version for a in topics.attempts] == ["v1", "v2"]
    assert topics.deciding == 1


@pytest.mark.parametrize("state", ["valid", "doubtful"])
def test_a_finding_of_tier_1_rests_on_no_attempt(lake: Lake, state: str) -> None:
    lake.process_topics({**MADE, "validation_state": state})
    lake.call()
    assert asked(lake).deciding is None
    assert "none of these attempts" in shown(trace(lake, ITEM))


def test_an_answer_the_ledger_does_not_hold_is_never_replaced_by_another(lake: Lake) -> None:
    lake.process_topics(BY_MODEL)
    lake.call(input_hash="e9" * 32)
    assert asked(lake).deciding is None


@pytest.mark.parametrize("with_ledger", [False, True])
def test_a_finding_that_tells_of_a_question_without_attempts_says_so(
    lake: Lake, with_ledger: bool
) -> None:
    lake.process_topics({**MADE, "validation_state": "unanswered"})
    if with_ledger:
        lake.call(feedback_id=OTHER)
    assert asked(lake).attempts == ()
    text = shown(trace(lake, ITEM), width=200)
    in_order(text, "in doubt", "topics (unanswered)", STANDING["unanswered"], NO_ATTEMPT)
    assert "model asked" not in text


def test_a_question_is_told_before_its_finding_is_there(lake: Lake) -> None:
    lake.process(until="silver_feedback")
    lake.call()
    topics = asked(lake)
    assert (topics.validation_state, topics.standing, topics.deciding) == (None, None, None)
    assert "no finding yet" in shown(trace(lake, ITEM))


def test_nothing_is_shown_where_no_language_model_was_asked(lake: Lake) -> None:
    lake.process()
    lake.put("gold_translation", provenance=MADE)
    for ledger in ("none", "of others"):
        item = item_of(lake)
        assert (item.asked, item.translation, item.doubts) == ((), None, ()), ledger
        text = shown(trace(lake, ITEM))
        for words in ("language model", "model asked", "in doubt", "in English"):
            assert words not in text
        lake.call(feedback_id=OTHER, day=dt.date(2026, 2, 1))


def test_files_of_other_days_and_stages_are_not_opened(lake: Lake, tmp_path: Path) -> None:
    lake.process_topics(BY_MODEL)
    lake.call()
    kept = set((tmp_path / "model_calls").rglob("*.parquet"))
    (known,) = lake.scan("model_calls").read_all().to_pylist()
    # Statistics of ids and inputs can't rule these files out: the item's own lie between theirs.
    ends = [("fb" + "0" * 20, "00" * 32), ("fb" + "f" * 20, "ff" * 32)]
    day = DAY - dt.timedelta(days=9)
    for elsewhere in ({"stage": "sentiment"}, {"prompt_version": "v1"}):
        rows = [
            {**known, "day": day, "feedback_id": name, "input_hash": digest, **elsewhere}
            for name, digest in ends
        ]
        lake.append(MODEL_CALLS, [pa.RecordBatch.from_pylist(rows, schema=MODEL_CALLS.schema)])
    others = set((tmp_path / "model_calls").rglob("*.parquet")) - kept
    assert len(others) == 2
    for path in others:
        path.unlink()
    assert asked(lake).deciding == 0


def test_an_empty_ledger_is_as_good_as_none(lake: Lake) -> None:
    lake.process()
    lake.ensure(MODEL_CALLS)
    assert item_of(lake).asked == ()
