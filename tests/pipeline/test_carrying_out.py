"""An order's works go on as far as Dagster would let them."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import pytest

from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.tables import TABLES
from feedback_assets.pipeline.carrying_out import carry_out
from feedback_assets.pipeline.judgement import Finding
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.pipeline.wire import Answer, Order, OrderedWork
from feedback_assets.pipeline.work import (
    CheckReport,
    Judging,
    Routine,
    RoutineReport,
    Works,
    judging,
)
from tests.conftest import rows

DAYS = [Partition(dt.date(2026, 6, day), "zendesk") for day in (1, 2)]
LOG = logging.getLogger("job")


def routine(name: str, do: Callable[[], RoutineReport] = RoutineReport) -> Routine:
    return Routine(name, lambda runtime: do())


def broken() -> RoutineReport:
    raise OSError("the disk is full")


def judges(*failed: Partition) -> Judging:
    def judge(runtime: Runtime, partitions: Sequence[Partition]) -> Mapping[Partition, Finding]:
        return {p: Finding(broken=int(p in failed), problems=["odd"]) for p in partitions}

    return judging(TABLES["triage"], "odd", "Nothing is odd.", judge)


def ordered(**after: list[str]) -> Order:
    works = [OrderedWork(name=name, after=names) for name, names in after.items()]
    return Order(works=works, partitions=[p.key for p in DAYS], run_id="r1", settings={})


def answers(works: Works, order: Order, runtime: Runtime) -> tuple[dict[str, Answer], Any]:
    """Answers by work, and what was raised in the end."""
    found: dict[str, Answer] = {}
    try:
        for answer in carry_out(works, order, runtime, LOG):
            found[answer.work] = answer
    except Exception as error:
        return found, error
    return found, None


def test_what_fails_stops_what_comes_after_it_and_nothing_else(runtime: Runtime) -> None:
    works = Works([], [], [routine("a", broken), routine("b"), routine("c"), routine("d")])
    order = ordered(a=[], b=["a"], c=["a", "b"], d=[])
    found, error = answers(works, order, runtime)
    assert list(found) == ["a", "d"]
    assert found["a"].failure == "OSError: the disk is full"
    assert isinstance(error, OSError)


def test_several_failures_are_raised_together(runtime: Runtime) -> None:
    works = Works([], [], [routine("a", broken), routine("b", broken)])
    _, error = answers(works, ordered(a=[], b=[]), runtime)
    assert len(cast("ExceptionGroup[OSError]", error).exceptions) == 2


def test_a_name_of_another_version_is_refused_before_anything_is_done(runtime: Runtime) -> None:
    done: list[str] = []
    works = Works([], [], [Routine("a", lambda runtime: done.append("a") or RoutineReport())])
    found, error = answers(works, ordered(a=[], silver=[]), runtime)
    assert "this wheel knows no silver" in str(error)
    assert not found
    assert not done


@pytest.mark.parametrize(("failed", "goes_on"), [(DAYS[:1], True), (DAYS, False), ([], True)])
def test_checks_stop_a_range_only_where_every_partition_fails(
    runtime: Runtime, failed: list[Partition], goes_on: bool
) -> None:
    works = Works([], [judges(*failed)], [routine("after")])
    found, error = answers(works, ordered(triage_odd=[], after=["triage_odd"]), runtime)
    assert ("after" in found) is goes_on
    assert error is None
    findings = found["triage_odd"].judged().findings["odd"]
    assert {p for p, finding in findings.items() if finding.broken} == set(failed)


def test_a_routine_whose_check_fails_stops_what_comes_after(runtime: Runtime) -> None:
    report = RoutineReport(checks={"gates": CheckReport("failed", "breaks 1 gate")})
    works = Works([], [], [routine("a", lambda: report), routine("b")])
    found, error = answers(works, ordered(a=[], b=["a"]), runtime)
    assert (list(found), error) == (["a"], None)


def test_a_judging_that_crashes_leaves_a_failed_verdict(runtime: Runtime) -> None:
    def judge(
        runtime: Runtime, partitions: Sequence[Partition]
    ) -> Mapping[str, Mapping[Partition, Finding]]:
        raise OSError("gone")

    crashing = Judging("triage_odd", TABLES["triage"], {"odd": ""}, judge)
    found, error = answers(Works([], [crashing], []), ordered(triage_odd=[]), runtime)
    assert found["triage_odd"].failure == "OSError: gone"
    assert isinstance(error, OSError)
    assert {row["state"] for row in rows(runtime, "gate_status")} == {"failed"}


def test_no_two_works_share_a_name() -> None:
    with pytest.raises(ValueError, match="used twice"):
        Works([], [], [routine("a"), routine("a")])
