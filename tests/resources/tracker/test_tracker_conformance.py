"""What every tracker promises, run over each of them.

A new tracker adds one entry to `BENCHES`: how to make it, read an issue back, and close one as
a person would.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from resources.tracker import TRACKERS
from resources.tracker.base import IssueDraft, Refused, Tracker

DRAFT = IssueDraft(
    idempotency_key="feedback-0001",
    queue="PAY",
    title="[payment] Card declined at checkout (3 reports)",
    body="## Summary\n\nCard declined at checkout.",
    labels=("feedback", "payment"),
    priority="High",
)


@dataclass
class Bench:
    """A tracker, and a person's hands on it."""

    tracker: Tracker
    read: Callable[[str], str]
    close: Callable[[str], object]


def _local(tmp_path: Path) -> Bench:
    tracker = TRACKERS["local"](tmp_path / "tickets")

    def file(key: str) -> Path:
        return tmp_path / "tickets" / f"{key}.md"

    def close(key: str) -> None:
        text = file(key).read_text(encoding="utf-8")
        edited = text.replace("status: open", "status: closed")
        file(key).write_text(edited, encoding="utf-8")

    return Bench(tracker, lambda key: file(key).read_text(encoding="utf-8"), close)


BENCHES: dict[str, Callable[[Path], Bench]] = {"local": _local}


@pytest.fixture(params=TRACKERS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return BENCHES[request.param](tmp_path)


def test_has_a_name(bench: Bench) -> None:
    assert bench.tracker.name in TRACKERS


def test_a_created_issue_is_found_by_its_key_and_open(bench: Bench) -> None:
    assert bench.tracker.find(DRAFT.idempotency_key) is None
    key = bench.tracker.create(DRAFT)
    assert bench.tracker.find(DRAFT.idempotency_key) == key
    status = bench.tracker.statuses([key])[key]
    assert (status.key, status.is_open, status.resolved_at) == (key, True, None)
    assert "Card declined at checkout" in bench.read(key)


def test_issues_of_different_keys_are_different(bench: Bench) -> None:
    first = bench.tracker.create(DRAFT)
    second = bench.tracker.create(replace(DRAFT, idempotency_key="feedback-0002"))
    assert first != second
    assert bench.tracker.find("feedback-0001") == first
    assert bench.tracker.find("feedback-000") is None


def test_a_note_is_added_once_for_each_note_key(bench: Bench) -> None:
    key = bench.tracker.create(DRAFT)
    bench.tracker.add(key, "note-1", "Two more reports of it.")
    bench.tracker.add(key, "note-1", "Two more reports of it.")
    bench.tracker.add(key, "note-10", "Another one.")
    text = bench.read(key)
    assert text.count("Two more reports of it.") == 1
    assert text.count("Another one.") == 1
    assert text.index("Two more") < text.index("Another")


def test_a_note_on_no_issue_is_refused(bench: Bench) -> None:
    with pytest.raises(Refused, match="PAY-404"):
        bench.tracker.add("PAY-404", "note-1", "Lost.")


def test_a_closed_issue_says_when(bench: Bench) -> None:
    key = bench.tracker.create(DRAFT)
    bench.close(key)
    status = bench.tracker.statuses([key])[key]
    assert not status.is_open
    assert status.resolved_at is not None
    assert abs((datetime.now(UTC) - status.resolved_at).total_seconds()) < 3600


def test_unknown_keys_have_no_status(bench: Bench) -> None:
    key = bench.tracker.create(DRAFT)
    assert set(bench.tracker.statuses([key, "PAY-404"])) == {key}
    assert bench.tracker.statuses([]) == {}


@pytest.mark.parametrize(
    "text",
    ["---\nstatus: closed\n---", "h1. {code}", "<b>&amp;</b>", "日本語 🙂", '"}] \\', "x" * 250],
)
def test_wild_words_leave_an_issue_sound(bench: Bench, text: str) -> None:
    key = bench.tracker.create(replace(DRAFT, title=text, body=text))
    bench.tracker.add(key, "note-1", text)
    assert bench.tracker.find(DRAFT.idempotency_key) == key
    assert bench.tracker.statuses([key])[key].is_open
