"""What people change of what stood by itself, on tables of their own."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from scipy.stats import binom

from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.quality_rules import OVERRIDE_RATE
from feedback_assets.contracts.tables import GOLD_FEEDBACK, TABLES
from feedback_assets.pipeline.gate import verdicts
from feedback_assets.pipeline.gate_overrides import new_override, record_override, revoke
from feedback_assets.pipeline.judgement import Finding, write_verdicts
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.quality.decided import lower_bound
from feedback_assets.quality.override_rate import override_findings
from tests.quality.people import DAY, decide, find, names, runtime_of

TODAY = Partition(DAY, "survey")
TO_RETURNS = {"decision": "edit", "categories": ["returns"]}


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return runtime_of(tmp_path)


def judged(runtime: Runtime, partition: Partition = TODAY) -> Finding:
    return override_findings(runtime, [partition])[partition]


def days_before(days: int) -> dt.date:
    return DAY - dt.timedelta(days=days)


@pytest.mark.parametrize(("changed", "decided"), [(1, 1), (7, 30), (25, 40), (40, 40)])
def test_the_bound_is_the_least_share_that_makes_so_many_likely(changed: int, decided: int) -> None:
    least = lower_bound(changed, decided)
    assert binom.sf(changed - 1, decided, least) == pytest.approx(0.05)


def test_no_change_bounds_nothing() -> None:
    assert lower_bound(0, 30) == 0.0


def test_without_decisions_nothing_can_be_said(runtime: Runtime) -> None:
    assert override_findings(runtime, []) == {}
    found = judged(runtime)
    assert (found.state, found.passed) == ("not_enough_data", True)
    assert found.told.startswith("not enough data: 0 of 30 decisions")


def test_too_few_decisions_say_so(runtime: Runtime) -> None:
    find(runtime.lakehouse, names(7))
    decide(runtime.lakehouse, names(7), **TO_RETURNS)
    found = judged(runtime)
    assert found.state == "not_enough_data"
    assert "7 of 30 decisions on items whose area and severity stood" in found.told
    assert found.value is None


def test_what_stood_and_is_overridden_blocks(runtime: Runtime) -> None:
    find(runtime.lakehouse, names(40))
    decide(runtime.lakehouse, names(40)[:24], **TO_RETURNS)
    decide(runtime.lakehouse, names(40)[24:28], "edit", severity="low")
    decide(runtime.lakehouse, names(40)[28:], reviewer="bo")
    found = judged(runtime)
    assert found.state == "failed"
    assert found.value == pytest.approx(lower_bound(28, 40))
    assert found.threshold == 0.5
    assert "overrode 28 of 40 items" in found.told
    assert "payment → returns 24, high → low 4" in found.told
    assert "| area | payment | returns | 24 |" in found.shown
    assert "Areas overridden most: payment 28" in found.shown
    assert "decided by 2 people" in found.shown
    finding = {OVERRIDE_RATE: {TODAY: found}}
    write_verdicts(runtime.lakehouse, GOLD_FEEDBACK, finding, "r1")
    verdict = verdicts(runtime.lakehouse, [TODAY])[TODAY][OVERRIDE_RATE]
    assert (verdict.passed, verdict.value) == (False, found.value)


def test_half_may_be_chance(runtime: Runtime) -> None:
    find(runtime.lakehouse, names(40))
    decide(runtime.lakehouse, names(40)[:24], **TO_RETURNS)
    decide(runtime.lakehouse, names(40)[24:])
    found = judged(runtime)
    assert found.state == "passed"
    assert found.value is not None
    assert found.value < 0.5 < 24 / 40


def test_what_was_in_doubt_closes_nothing(runtime: Runtime) -> None:
    find(runtime.lakehouse, names(60), doubts=["topics"])
    decide(runtime.lakehouse, names(60), **TO_RETURNS)
    find(runtime.lakehouse, names(30, "sure"))
    decide(runtime.lakehouse, names(30, "sure"))
    found = judged(runtime)
    assert found.state == "passed"
    assert found.value == 0.0
    assert "60 of 60 changed or rejected" in found.shown


def test_a_doubtful_label_may_be_changed_where_the_area_stood(runtime: Runtime) -> None:
    find(runtime.lakehouse, names(30), doubts=["sentiment"])
    decide(runtime.lakehouse, names(30), "edit", sentiment="neutral")
    assert judged(runtime).value == 0.0
    find(runtime.lakehouse, names(30, "sure"))
    decide(runtime.lakehouse, names(30, "sure"), "edit", sentiment="neutral")
    assert judged(runtime).value == pytest.approx(lower_bound(30, 60))


def test_a_rejection_overrides_what_would_be_done(runtime: Runtime) -> None:
    find(runtime.lakehouse, names(30), doubts=["recommendation"])
    decide(runtime.lakehouse, names(30), "reject")
    found = judged(runtime)
    assert found.state == "failed"
    assert "fix_defect → rejected 30" in found.told


def test_a_rejection_of_what_called_for_nothing_agrees(runtime: Runtime) -> None:
    find(runtime.lakehouse, names(30), action="none")
    decide(runtime.lakehouse, names(30), "reject")
    assert judged(runtime).value == 0.0


def test_naming_the_same_labels_changes_nothing(runtime: Runtime) -> None:
    find(runtime.lakehouse, names(30), categories=["payment", "delivery"])
    same = {"categories": ["payment", "delivery"], "severity": "high", "action": "fix_defect"}
    decide(runtime.lakehouse, names(30), "edit", sentiment="negative", **same)
    assert judged(runtime).value == 0.0
    decide(runtime.lakehouse, names(30), "edit", at=_later(1), categories=["payment"])
    assert "payment → payment alone 30" in judged(runtime).told
    decide(runtime.lakehouse, names(30), "edit", at=_later(2), categories=["payment", "search"])
    assert "payment → payment, search 30" in judged(runtime).told


def _later(hours: int) -> dt.datetime:
    return dt.datetime(2026, 6, 15, 12 + hours, tzinfo=dt.UTC)


def test_the_latest_decision_holds(runtime: Runtime) -> None:
    find(runtime.lakehouse, names(30))
    decide(runtime.lakehouse, names(30), at=_later(2))
    decide(runtime.lakehouse, names(30), **TO_RETURNS)
    assert judged(runtime).value == 0.0


def test_a_partition_is_judged_by_the_days_before_it_and_its_source(runtime: Runtime) -> None:
    for days, source in ((0, "survey"), (14, "survey"), (15, "survey"), (1, "zendesk")):
        items = names(20, f"{source}{days}-")
        find(runtime.lakehouse, items, days_before(days), source)
        # Whoever judges an old day again knows what was decided since.
        decide(
            runtime.lakehouse, items, day=days_before(days), source=source,
            at=_later(5) + dt.timedelta(days=30), **TO_RETURNS,
        )  # fmt: skip
    asked = [Partition(days_before(days), "survey") for days in (0, 1, 15, 40)]
    found = override_findings(runtime, [*asked, Partition(DAY, "zendesk")])
    assert [finding.rows for finding in found.values()] == [40, 40, 20, 0, 20]
    assert [finding.passed for finding in found.values()] == [False, False, True, True, True]


def test_a_new_normal_begins_the_days_anew(runtime: Runtime) -> None:
    for days in (0, 5):
        items = names(30, f"d{days}-")
        find(runtime.lakehouse, items, days_before(days))
        decide(
            runtime.lakehouse, items, "reject" if days else "approve", day=days_before(days)
        )  # fmt: skip
    before = judged(runtime)
    assert before.rows == 60
    override = new_override(
        Partition(days_before(3), "survey"), OVERRIDE_RATE, operator="ada", reason="spam is over",
        hours=1, most_hours=2, verdict="", value=None, threshold=None, new_normal=True,
    )  # fmt: skip
    record_override(runtime.lakehouse, override)
    assert judged(runtime).rows == 30
    assert judged(runtime, Partition(days_before(4), "survey")).rows == 30
    revoke(runtime.lakehouse, override.override_id, "ada")
    assert judged(runtime).rows == 60


def test_better_findings_open_the_gate_again(runtime: Runtime) -> None:
    find(runtime.lakehouse, names(40))
    decide(runtime.lakehouse, names(40), **TO_RETURNS)
    assert not judged(runtime).passed
    where = f"day = '{DAY}' AND source = 'survey'"
    for stage in ("topics", "sentiment", "root_cause", "recommendation"):
        runtime.lakehouse.replace(TABLES[f"gold_{stage}"], where, [])
    assert judged(runtime).rows == 0
    find(runtime.lakehouse, names(40), categories=["returns"], primary_category="returns")
    found = judged(runtime)
    assert (found.value, found.rows) == (0.0, 40)


def test_an_item_nobody_found_anything_of_is_left_out(runtime: Runtime) -> None:
    find(runtime.lakehouse, names(30))
    decide(runtime.lakehouse, names(30))
    decide(runtime.lakehouse, ["gone"], "reject")
    assert judged(runtime).rows == 30
