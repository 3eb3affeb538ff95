"""The landing sensor's memory, look by look."""

from __future__ import annotations

import datetime as dt

from feedback_assets.contracts.partitions import Partition
from feedback_assets.orchestration.arrivals import Arrivals, marks
from resources.landing.zone import LandingFile

NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
DAY = NOON.date()
SETTLE = dt.timedelta(seconds=30)
SURVEY = Partition(DAY, "survey")


def file(size: int, modified: dt.datetime, name: str = "a.jsonl") -> LandingFile:
    return LandingFile(f"survey/{DAY}/{name}", "survey", DAY, size, modified)


def look(memory: Arrivals, files: list[LandingFile], at: dt.datetime) -> set[Partition]:
    due = memory.update(files, at, SETTLE)
    # What isn't kept in the cursor is forgotten between two ticks.
    memory.seen = Arrivals.from_cursor(memory.cursor()).seen
    return set(due)


def test_a_settled_file_arrives_once() -> None:
    memory = Arrivals.from_cursor(None)
    old = file(10, NOON - dt.timedelta(hours=1))
    assert look(memory, [old], NOON) == {SURVEY}
    assert look(memory, [old], NOON + SETTLE) == set()


def test_a_file_still_being_written_is_left_for_the_next_look() -> None:
    memory = Arrivals()
    assert look(memory, [file(10, NOON)], NOON + dt.timedelta(seconds=1)) == set()
    grown = file(20, NOON + dt.timedelta(seconds=5))
    assert look(memory, [grown], NOON + dt.timedelta(seconds=6)) == set()
    assert look(memory, [grown], NOON + dt.timedelta(seconds=12)) == {SURVEY}


def test_a_file_that_grows_again_arrives_again() -> None:
    memory = Arrivals()
    assert look(memory, [file(10, NOON)], NOON + SETTLE) == {SURVEY}
    later = NOON + dt.timedelta(hours=1)
    assert look(memory, [file(11, later)], later + SETTLE) == {SURVEY}


def test_a_second_file_makes_the_partition_due() -> None:
    memory = Arrivals()
    first = file(10, NOON)
    assert look(memory, [first], NOON + SETTLE) == {SURVEY}
    both = [first, file(3, NOON, "b.jsonl")]
    assert look(memory, both, NOON + 2 * SETTLE) == {SURVEY}


def test_a_file_that_is_gone_is_forgotten() -> None:
    memory = Arrivals()
    look(memory, [file(10, NOON)], NOON + SETTLE)
    assert look(memory, [], NOON + 2 * SETTLE) == set()
    assert memory.seen == {}


def test_marks_change_with_the_files() -> None:
    one, two = file(10, NOON), file(10, NOON, "b.jsonl")
    found = {marks(files)[SURVEY] for files in ([one], [one, two], [file(11, NOON)])}
    assert len(found) == 3
