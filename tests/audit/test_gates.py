"""The gate in a trace: overrides as they stand, and what they once let through."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import orjson
import pytest

from feedback_assets.audit.gates import gates, overrides
from feedback_assets.audit.trace import trace
from feedback_assets.pipeline.gate import REQUIRED_CHECKS
from tests.audit.lake import HOME, ITEM, KEY, NOON, Lake, in_order, shown

CHECK = "triage_contract"
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """The item waits at the gate, which a failed check closed at noon."""
    lake = Lake(str(tmp_path))
    lake.process()
    lake.judge(failing=CHECK)
    return lake


def let_through(lake: Lake, joined_at: dt.datetime) -> list[str]:
    """Overrides named for the item, which joined a ticket; the ticket names the same ones."""
    lake.put("tickets", payload="{}")
    lake.put("ticket_items", added_at=joined_at)
    item = trace(lake, ITEM).item
    ticket = trace(lake, KEY).ticket
    assert item is not None
    assert ticket is not None
    assert item.tickets[0].let_through == ticket.let_through
    return [override.override_id for override in ticket.let_through]


@pytest.mark.parametrize(("after", "named"), [(-1, []), (0, ["override-1"]), (23.9, ["override-1"]),
                                              (24, [])])  # fmt: skip
def test_an_override_is_named_for_what_joined_while_it_held(
    lake: Lake, after: float, named: list[str]
) -> None:
    lake.override(CHECK, NOON + HOUR)
    assert let_through(lake, NOON + HOUR + after * HOUR) == named


@pytest.mark.parametrize(("after", "named"), [(1, ["override-1"]), (3, [])])
def test_what_it_let_through_before_it_was_taken_back_stays_on_record(
    lake: Lake, after: float, named: list[str]
) -> None:
    lake.override(CHECK, NOON)
    taken = {"revoked": True, "reason": "a sale (taken back by eli)"}
    lake.override(CHECK, NOON, recorded_at=NOON + 2 * HOUR, **taken)
    assert let_through(lake, NOON + after * HOUR) == named


def test_an_override_is_not_named_where_the_check_had_passed_since(lake: Lake) -> None:
    lake.override(CHECK, NOON)
    lake.judge(at=NOON + HOUR)
    assert let_through(lake, NOON + 2 * HOUR) == []


def test_a_later_failure_does_not_put_an_override_on_what_joined_before(lake: Lake) -> None:
    lake.judge(at=NOON + HOUR)
    lake.override(CHECK, NOON)
    lake.judge(failing=CHECK, at=NOON + 3 * HOUR)
    assert let_through(lake, NOON + 2 * HOUR) == []


def test_of_several_overrides_the_latest_is_named_and_each_check_has_its_own(lake: Lake) -> None:
    lake.override(CHECK, NOON)
    lake.override(CHECK, NOON + HOUR, override_id="override-2")
    lake.override("golden_set", NOON, override_id="override-3")
    lake.put("gate_status", check="golden_set", table="validated_feedback", passed=False,
             state="failed", detail="d", data_version="v", evaluated_at=NOON + HOUR)  # fmt: skip
    assert sorted(let_through(lake, NOON + 2 * HOUR)) == ["override-2", "override-3"]


def test_the_trail_tells_who_let_it_through_and_why(lake: Lake) -> None:
    lake.override(CHECK, NOON, reason="a [bold]sale\x1b[2J", verdict="3 rows\nbroken")
    assert let_through(lake, NOON) == ["override-1"]
    for identifier in (ITEM, KEY):
        found = trace(lake, identifier)
        in_order(
            shown(found), "let through", "a closed gate, by dana: a [bold]sale", "triage_contract",
            "override-1, from",
        )  # fmt: skip
        assert "\x1b[2J" not in shown(found)
        told = orjson.loads(found.to_json())
        holder = told["ticket"] or told["item"]["tickets"][0]
        (given,) = holder["let_through"]
        assert given["operator"] == "dana"
        assert given["given_at"] == "2026-04-13T12:00:00Z"
        assert given["ended_at"] == "2026-04-14T12:00:00Z"


def test_an_override_that_ran_out_shows_at_the_gate_it_no_longer_opens(lake: Lake) -> None:
    lake.override(CHECK, NOON)
    item = trace(lake, ITEM).item
    assert item is not None
    assert item.ending.kind == "gate_closed"
    assert [override.override_id for override in item.gate.overrides] == ["override-1"]
    in_order(shown(trace(lake, ITEM)), "closed", "FAILED", "ran out", "dana let", "a sale")


def test_a_gate_open_by_an_operators_word_alone_says_so(lake: Lake) -> None:
    lake.override(CHECK, dt.datetime.now(dt.UTC), value=3.0, threshold=0.0)
    item = trace(lake, ITEM).item
    assert item is not None
    assert item.ending.kind == "approved"
    (check,) = [check for check in item.gate.checks if check.overridden_by]
    assert (check.check, check.passed, check.overridden_by) == (CHECK, False, "override-1")
    in_order(shown(trace(lake, ITEM)), "by an operator's word alone", "let pass", "override")


def test_warnings_are_shown_and_checks_without_enough_data_counted(lake: Lake) -> None:
    checks = list(REQUIRED_CHECKS)
    lake.judge(at=NOON + HOUR)
    for check, state in ((checks[0], "warned"), (checks[1], "not_enough_data")):
        gate = gates(lake, [HOME])[HOME]
        (given,) = [one for one in gate.checks if one.check == check]
        version = next(
            row["data_version"]
            for row in lake.scan("gate_status").read_all().to_pylist()
            if row["check"] == check and row["evaluated_at"] == NOON + HOUR
        )
        lake.put("gate_status", check=check, table=given.table, passed=True, state=state,
                 detail=f"it {state}", data_version=version, value=0.4, threshold=0.2,
                 evaluated_at=NOON + 2 * HOUR)  # fmt: skip
    assert gates(lake, [HOME])[HOME].open
    text = shown(trace(lake, ITEM))
    in_order(text, "warns", f"{checks[0]} (0.4 against 0.2): it warned")
    assert f"{len(checks) - 1} of {len(checks)} checks, 1 of them for lack of data" in " ".join(
        text.split()
    )


def test_without_any_override_none_is_read(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    assert overrides(lake) == ()
    assert overrides(lake, []) == ()
    assert not lake.exists("gate_overrides")
