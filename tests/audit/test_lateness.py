"""How late items are: read by Polars from tables of one's own, and as the terminal shows it."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path

import orjson
import pytest
from rich.console import Console

from feedback_assets.audit.lateness import Lateness, lateness
from feedback_assets.audit.lateness_text import render_lateness
from feedback_assets.contracts.quality_rules import read_quality_rules
from resources.landing.zone import LandingFile
from tests.audit.lake import DAY, NOON, Lake

DEADLINES = read_quality_rules().deadlines
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path))


def found_at(lake: Lake, hours: float, *files: LandingFile) -> Lateness:
    found = lateness(lake, files, DEADLINES, NOON + hours * HOUR)
    assert found is not None
    return found


def shown(found: Lateness, width: int = 80) -> str:
    stream = io.StringIO()
    render_lateness(found, Console(file=stream, width=width, color_system=None))
    text = stream.getvalue()
    assert max(map(len, text.splitlines())) <= width
    return text


def test_where_nothing_landed_nothing_is_late(lake: Lake, tmp_path: Path) -> None:
    assert lateness(lake, (), DEADLINES, NOON) is None
    assert not any(tmp_path.iterdir())


def test_what_waits_for_a_person_climbs_the_ladder(lake: Lake) -> None:
    lake.process(validation_state="pending")
    lake.ran("insights_daily", NOON + HOUR)
    assert found_at(lake, 36).overdue == ()
    (soon,) = found_at(lake, 37).overdue
    assert (soon.level, soon.rung, soon.stuck, soon.hours) == ("soon", "decision", "pending", 36)
    late = found_at(lake, 101)
    (one,) = late.overdue
    assert (one.level, one.items, one.oldest_hours, one.hours) == ("late", 1, 101, 48)
    assert (one.places[0].day, one.places[0].source) == (DAY, "app_store")
    assert late.figures["insight_hours_max"] == 1
    assert late.figures["decision_hours_max"] is None
    assert [band.items for band in late.undecided] == [0, 0, 0, 0, 0, 0, 1]
    text = shown(late)
    assert "1 item late" in text
    assert "1 item waiting for a person" in " ".join(text.split())
    assert "decide them, the oldest first" in text
    assert "over 72 h" in text


def test_a_decision_and_a_ticket_end_the_wait(lake: Lake) -> None:
    lake.process(validation_state="pending")
    lake.ran("insights_daily", NOON + HOUR)
    lake.put("review_decisions", reviewer="dana", decision="approve", decided_at=NOON + 40 * HOUR)
    (waiting,) = found_at(lake, 80).overdue
    assert (waiting.rung, waiting.stuck) == ("ticket", "approved")
    lake.put("ticket_items", added_at=NOON + 50 * HOUR)
    done = found_at(lake, 500)
    assert done.overdue == ()
    assert [done.figures[f"{r}_hours_p50"] for r in ("insight", "decision", "ticket")] == [
        1,
        40,
        50,
    ]
    assert done.figures["within_72h_share"] == 1
    text = shown(done)
    assert "nothing late" in text
    assert "Nothing is undecided" in text
    assert "within 72 h: 100.0% of 1 item" in text


def test_a_file_nobody_read_is_late_too(lake: Lake) -> None:
    file = LandingFile("app_store/2026-04-13/new.jsonl", "app_store", DAY, 10, NOON)
    (never,) = found_at(lake, 30, file).overdue
    assert (never.level, never.rung, never.stuck) == ("late", "insight", "unread")
    lake.ran("bronze_feedback", NOON + HOUR)
    assert lateness(lake, [file], DEADLINES, NOON + 30 * HOUR) is None


def test_an_old_item_that_waits_is_not_lost(lake: Lake) -> None:
    lake.process(validation_state="pending")
    lake.ran("insights_daily", NOON + HOUR)
    for days in range(1, 40):
        day = DAY + dt.timedelta(days=days)
        at = NOON + days * 24 * HOUR
        lake.put(
            "bronze_feedback", day=day, feedback_id=f"fb{days}", received_at=at, ingested_at=at
        )
    (old,) = (o for o in found_at(lake, 41 * 24).overdue if o.stuck == "pending")
    assert old.places[0].day == DAY


def test_the_whole_goes_into_json(lake: Lake) -> None:
    lake.process(validation_state="pending")
    (one,) = orjson.loads(orjson.dumps(found_at(lake, 100)))["overdue"]
    assert one["level"] == "late"
