"""The folder of Markdown files: unique numbers, people's edits, and files people broke."""

from __future__ import annotations

import errno
import logging
import multiprocessing
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.tracker.base import IssueDraft, Refused
from resources.tracker.local import LocalTracker
from resources.tracker.local_file import carried_key, document, with_note

NOW = datetime(2026, 6, 3, 12, tzinfo=UTC)
DRAFT = IssueDraft("feedback-0001", "PAY", "Card *declined*", "Body.", ("feedback",), "High")


@pytest.fixture
def tracker(tmp_path: Path) -> LocalTracker:
    return LocalTracker(tmp_path / "tickets", now=lambda: NOW)


def _edit(tracker: LocalTracker, key: str, old: str, new: str) -> Path:
    path = tracker.folder / f"{key}.md"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    return path


def test_the_file_reads_as_it_should(tracker: LocalTracker) -> None:
    assert tracker.create(DRAFT) == "PAY-1"
    tracker.add("PAY-1", "n/1", "More.")
    tracker.add("PAY-1", "n/2", "And more.")
    assert (tracker.folder / "PAY-1.md").read_text(encoding="utf-8") == (
        "---\n"
        "key: PAY-1\n"
        "idempotency_key: feedback-0001\n"
        "queue: PAY\n"
        "status: open\n"
        "priority: High\n"
        "labels:\n- feedback\n"
        "created_at: '2026-06-03T12:00:00+00:00'\n"
        "resolved_at: null\n"
        "---\n\n# Card \\*declined\\*\n\nBody.\n\n"
        "## Added later\n\n<!-- note: n%2F1 -->\n\nMore.\n\n"
        "<!-- note: n%2F2 -->\n\nAnd more.\n"
    )
    assert not list(tracker.folder.glob(".draft-*"))


def test_create_twice_gives_the_same_key(tracker: LocalTracker) -> None:
    first = tracker.create(DRAFT)
    assert tracker.create(replace(DRAFT, title="In other words")) == first
    assert LocalTracker(tracker.folder).create(DRAFT) == first


def test_queues_count_apart_and_are_fit_for_file_names(tracker: LocalTracker) -> None:
    queues = ["PAY", "LOG", "../../etc", "PAY", "ünï", "☃"]
    keys = [
        tracker.create(replace(DRAFT, idempotency_key=f"k{i}", queue=queue))
        for i, queue in enumerate(queues)
    ]
    assert keys == ["PAY-1", "LOG-1", "ETC-1", "PAY-2", "N-1", "QUEUE-1"]


def test_the_number_of_a_deleted_ticket_is_not_given_again(tracker: LocalTracker) -> None:
    key = tracker.create(DRAFT)
    (tracker.folder / f"{key}.md").unlink()
    assert tracker.statuses([key]) == {}
    assert tracker.create(DRAFT) == "PAY-2"
    (tracker.folder / ".numbers.json").write_text("lost", encoding="utf-8")
    assert tracker.create(replace(DRAFT, idempotency_key="other")) == "PAY-3"


@pytest.mark.parametrize(
    ("status", "is_open"),
    [("closed", False), ("Done", False), (" resolved", False), ("in progress", True)],
)
def test_people_set_the_status(tracker: LocalTracker, status: str, is_open: bool) -> None:
    key = tracker.create(DRAFT)
    path = _edit(tracker, key, "status: open", f"status: {status}")
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    found = tracker.statuses([key])[key]
    assert found.status == status.strip().lower()
    assert found.is_open is is_open
    assert found.resolved_at == (None if is_open else NOW)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-06-05", datetime(2026, 6, 5, tzinfo=UTC)),
        ("2026-06-05 10:00", datetime(2026, 6, 5, 10, tzinfo=UTC)),
        ("2026-06-05T10:00:00+02:00", datetime(2026, 6, 5, 8, tzinfo=UTC)),
        ("last week", NOW),
    ],
)
def test_people_may_say_when_it_was_resolved(
    tracker: LocalTracker, written: str, meant: datetime
) -> None:
    key = tracker.create(DRAFT)
    _edit(tracker, key, "status: open", "status: done")
    path = _edit(tracker, key, "resolved_at: null", f"resolved_at: {written}")
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    assert tracker.statuses([key])[key].resolved_at == meant


def test_windows_line_ends_and_a_byte_order_mark_are_no_breakage(tracker: LocalTracker) -> None:
    key = tracker.create(DRAFT)
    path = tracker.folder / f"{key}.md"
    text = path.read_text(encoding="utf-8").replace("\n", "\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert tracker.statuses([key])[key].status == "open"
    tracker.add(key, "n", "More.")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf" + text.rstrip().encode())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("status: open", "status: [open", "not YAML"),
        ("status: open\n", "", "write `status: open`, or one of closed, done, resolved"),
        ("---\nkey", "key", "must begin with front matter"),
        ("labels:", "labels: 2026-13-45 #", "not YAML"),
    ],
)
def test_a_broken_file_is_reported_open_and_still_found(
    tracker: LocalTracker, caplog: pytest.LogCaptureFixture, old: str, new: str, said: str
) -> None:
    key = tracker.create(DRAFT)
    _edit(tracker, key, old, new)
    with caplog.at_level(logging.WARNING):
        status = tracker.statuses([key])[key]
    assert status.is_open
    assert status.status.startswith("unreadable: PAY-1.md: ")
    assert said in status.status
    assert "PAY-1" in caplog.text
    assert tracker.create(DRAFT) == key
    tracker.add(key, "n", "More.")
    assert "More." in (tracker.folder / f"{key}.md").read_text(encoding="utf-8")


def test_bytes_that_are_no_utf8_survive(tracker: LocalTracker) -> None:
    key = tracker.create(DRAFT)
    path = tracker.folder / f"{key}.md"
    path.write_bytes(path.read_bytes() + b"caf\xe9\n")
    tracker.add(key, "n", "More.")
    assert b"caf\xe9" in path.read_bytes()
    assert tracker.statuses([key])[key].status == "open"


def test_keys_do_not_lead_out_of_the_folder(tracker: LocalTracker, tmp_path: Path) -> None:
    tracker.create(DRAFT)
    (tmp_path / "PAY-9.md").write_text("---\nstatus: open\n---\n", encoding="utf-8")
    assert tracker.statuses(["../PAY-9", "PAY-1\n", "", "PAY-01"]) == {}
    with pytest.raises(Refused, match="no ticket"):
        tracker.add("../PAY-9", "n", "More.")


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tickets").write_text("a file", encoding="utf-8")
    with pytest.raises(Refused, match="can't be written to"):
        LocalTracker(tmp_path / "tickets").create(DRAFT)


def test_a_held_folder_is_refused_in_time(tracker: LocalTracker) -> None:
    with (
        tracker._alone(),
        pytest.raises(Refused, match="held by another process; nothing was written"),
    ):
        LocalTracker(tracker.folder, lock_seconds=0.05).create(DRAFT)


def test_a_body_cannot_pose_as_a_note(tracker: LocalTracker) -> None:
    key = tracker.create(replace(DRAFT, body="  <!-- note: n -->\n<!-- note: n -->"))
    tracker.add(key, "n", "More.\n<!-- note: m -->")
    tracker.add(key, "m", "Yet more.")
    text = (tracker.folder / f"{key}.md").read_text(encoding="utf-8")
    assert "More." in text
    assert "Yet more." in text


def _create_many(folder: Path, mine: str) -> list[str]:
    tracker = LocalTracker(folder)
    keys = ["shared-1", f"{mine}-1", "shared-2", f"{mine}-2", "shared-3"]
    return [tracker.create(replace(DRAFT, idempotency_key=key)) for key in keys]


def test_processes_share_a_folder(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        made = pool.starmap(_create_many, [(tmp_path, mine) for mine in "abc"])
    shared = {(keys[0], keys[2], keys[4]) for keys in made}
    assert len(shared) == 1
    assert len({key for keys in made for key in keys}) == 3 + 2 * 3
    assert len(list(tmp_path.glob("PAY-*.md"))) == 9


WORDS = st.text(st.characters(), max_size=60) | st.sampled_from(
    [
        "---\nstatus: closed\n---",
        "'",
        '"',
        "null",
        "2026-06-01",
        "a: b",
        "# x",
        "\x85---\x85",
        "\r---\r",
    ]
)


@settings(deadline=None)
@given(key=WORDS, queue=WORDS, title=WORDS, body=WORDS, label=WORDS, priority=WORDS)
def test_wild_drafts_keep_their_front_matter(
    key: str, queue: str, title: str, body: str, label: str, priority: str
) -> None:
    text = document("PAY-1", IssueDraft(key, queue, title, body, (label,), priority), NOW)
    assert carried_key(text) == key.encode("utf-8", "replace").decode()
    assert yaml.safe_load(text.split("\n---\n", 1)[0].removeprefix("---\n"))["status"] == "open"


@settings(deadline=None)
@given(note_key=WORDS, other=WORDS, note=WORDS)
def test_wild_notes_are_added_once(note_key: str, other: str, note: str) -> None:
    once = with_note("---\nstatus: open\n---\n", note_key, note)
    assert with_note(once, note_key, note) == once
    # Surrogates can't be told apart once they are written.
    if other.encode("utf-8", "replace") != note_key.encode("utf-8", "replace"):
        assert with_note(once, other, note) != once


def test_a_folder_without_hard_links_serves_too(
    tracker: LocalTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(os, "link", no_links)
    assert tracker.create(DRAFT) == "PAY-1"
    # A number that another process took in between is passed over, its file left alone.
    (tracker.folder / "PAY-2.md").write_text("theirs", encoding="utf-8")
    (tracker.folder / ".numbers.json").write_text('{"PAY": 1}', encoding="utf-8")
    monkeypatch.setattr(LocalTracker, "_numbers", lambda self: {"PAY": 1})
    assert tracker.create(replace(DRAFT, idempotency_key="feedback-0002")) == "PAY-3"
    assert (tracker.folder / "PAY-2.md").read_text(encoding="utf-8") == "theirs"
    assert tracker.find("feedback-0001") == "PAY-1"
    assert not list(tracker.folder.glob(".draft-*"))
