"""The days a partition is held against: which, which not, and how little is read for them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from feedback_assets.contracts.ledgers import GATE_STATUS
from feedback_assets.contracts.monitoring import FEEDBACK_PROFILE
from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.quality_rules import read_quality_rules
from feedback_assets.contracts.tables import GOLD_FEEDBACK
from feedback_assets.pipeline.gate_overrides import new_override, record_override, revoke
from feedback_assets.pipeline.judgement import Finding, write_verdicts
from feedback_assets.quality.reference import Profiles, read_profiles, summed, table_of
from resources.lakehouse.delta import DeltaLakehouse

RULES = read_quality_rules().reference
TODAY = dt.date(2026, 6, 29)
HERE = Partition(TODAY, "survey")


class Watched(DeltaLakehouse):
    """A lakehouse that remembers what was read of it."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.scans: list[tuple[str, str | None]] = []

    def scan(
        self, name: str, columns: Sequence[str] | None = None, predicate: str | None = None
    ) -> pa.RecordBatchReader:
        self.scans.append((name, predicate))
        return super().scan(name, columns, predicate)


@pytest.fixture
def lake(tmp_path: Path) -> Watched:
    return Watched(str(tmp_path))


def ago(days: int, source: str = "survey") -> Partition:
    return Partition(TODAY - dt.timedelta(days=days), source)


def put(lake: DeltaLakehouse, *partitions: Partition, feature: str = "volume") -> None:
    rows = [
        {
            "day": each.day, "source": each.source, "feature": feature, "bin": "", "items": 100,
            "value": 100.0, "profiled_version": "v",
        }
        for each in partitions
    ]  # fmt: skip
    lake.append(
        FEEDBACK_PROFILE, [pa.RecordBatch.from_pylist(rows, schema=FEEDBACK_PROFILE.schema)]
    )


def failed(lake: DeltaLakehouse, partition: Partition, check: str = "drift_category") -> None:
    finding = Finding()
    finding.report("moved")
    write_verdicts(lake, GOLD_FEEDBACK, {check: {partition: finding}}, "run", {partition: "v"})


def let_pass(
    lake: DeltaLakehouse,
    partition: Partition,
    check: str = "drift_category",
    new_normal: bool = False,
    expired: bool = False,
) -> str:
    made = new_override(
        partition, check, operator="dana", reason="seen", hours=1, most_hours=1, verdict="moved",
        value=1.0, threshold=0.5, new_normal=new_normal,
    )  # fmt: skip
    if expired:
        made = replace(made, expires_at=made.recorded_at - dt.timedelta(days=9))
    record_override(lake, made)
    return made.override_id


def days_of(profiles: Profiles, partition: Partition = HERE) -> list[int]:
    """The reference of `partition`, in days ago."""
    return sorted((partition.day - day).days for day in profiles.reference(partition, RULES))


def test_the_days_before_of_the_same_source_are_the_reference(lake: Watched) -> None:
    put(lake, HERE, ago(0, "social"), ago(-1), *(ago(n) for n in (1, 5, 28, 29)), ago(3, "social"))
    assert days_of(read_profiles(lake, [HERE], RULES)) == [1, 5, 28]


def test_a_day_without_items_is_no_day(lake: Watched) -> None:
    put(lake, ago(1))
    put(lake, ago(2), feature="landed")
    assert days_of(read_profiles(lake, [HERE], RULES)) == [1]


def test_a_failed_day_stays_out_unless_somebody_let_it_pass(lake: Watched) -> None:
    put(lake, *(ago(n) for n in range(1, 7)))
    for n in (2, 3, 4, 5):
        failed(lake, ago(n))
    let_pass(lake, ago(3))
    let_pass(lake, ago(4), expired=True)
    revoke(lake, let_pass(lake, ago(5)), "dana")
    failed(lake, ago(6), check="override_rate")
    assert days_of(read_profiles(lake, [HERE], RULES)) == [1, 3, 4, 6]


def test_another_checks_override_does_not_bring_a_day_back(lake: Watched) -> None:
    put(lake, ago(1), ago(2))
    failed(lake, ago(2))
    let_pass(lake, ago(2), check="drift_language")
    assert days_of(read_profiles(lake, [HERE], RULES)) == [1]


def test_a_day_that_was_judged_again_and_passed_is_back(lake: Watched) -> None:
    put(lake, ago(1))
    failed(lake, ago(1))
    good = {"drift_category": {ago(1): Finding(good="well")}}
    write_verdicts(lake, GOLD_FEEDBACK, good, "run", {ago(1): "v2"})
    assert days_of(read_profiles(lake, [HERE], RULES)) == [1]


def test_a_new_normal_begins_the_reference_of_its_source_on_its_day(lake: Watched) -> None:
    put(lake, *(ago(n, source) for n in range(1, 10) for source in ("survey", "social")))
    let_pass(lake, ago(4), new_normal=True)
    profiles = read_profiles(lake, [HERE, ago(4), ago(0, "social")], RULES)
    assert days_of(profiles) == [1, 2, 3, 4]
    assert days_of(profiles, ago(0, "social")) == list(range(1, 10))
    # Its own day is held against what was usual before.
    assert days_of(profiles, ago(4)) == [1, 2, 3, 4, 5]


def test_a_new_normal_that_was_taken_back_begins_nothing(lake: Watched) -> None:
    put(lake, *(ago(n) for n in range(1, 6)))
    revoke(lake, let_pass(lake, ago(2), new_normal=True), "dana")
    assert days_of(read_profiles(lake, [HERE], RULES)) == [1, 2, 3, 4, 5]


def test_a_range_is_read_at_once_and_only_its_days(lake: Watched) -> None:
    put(lake, *(ago(n) for n in range(60)))
    failed(lake, ago(50))
    lake.scans.clear()
    profiles = read_profiles(lake, [ago(n) for n in range(5)], RULES)
    (of_profile,) = [where for name, where in lake.scans if name == FEEDBACK_PROFILE.name]
    assert [name for name, _ in lake.scans].count(GATE_STATUS.name) == 1
    assert of_profile is not None
    assert {each.day for each in profiles.by_partition} == {ago(n).day for n in range(33)}


def test_counts_are_laid_out_by_class_and_day() -> None:
    days = [{"b": 1}, {"a": 2, "c": 4}]
    classes, now, before = table_of({"a": 7, "d": 1}, days)
    assert classes == ["a", "b", "c", "d"]
    assert now.tolist() == [7, 0, 0, 1]
    assert before.tolist() == [[0, 1, 0, 0], [2, 0, 4, 0]]
    assert summed(days) == {"a": 2, "b": 1, "c": 4}
