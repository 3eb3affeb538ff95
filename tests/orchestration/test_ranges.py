"""Ranges cover a set of partitions exactly."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from feedback_assets.contracts.partitions import SOURCES, Partition
from feedback_assets.orchestration.ranges import cover

DAY = dt.date(2026, 1, 1)
PARTITIONS = st.builds(
    Partition, st.dates(DAY, DAY + dt.timedelta(days=8)), st.sampled_from(SOURCES)
)


@given(st.sets(PARTITIONS))
def test_each_partition_once_and_nothing_else(wanted: set[Partition]) -> None:
    covered = [partition for gathered in cover(wanted) for partition in gathered.partitions()]
    assert len(covered) == len(set(covered))
    assert set(covered) == wanted


def test_whole_days_are_one_range() -> None:
    days = [DAY, DAY + dt.timedelta(days=1)]
    (gathered,) = cover(Partition(day, source) for day in days for source in SOURCES)
    assert gathered.tags == {
        "dagster/asset_partition_range_start": "2026-01-01|app_store",
        "dagster/asset_partition_range_end": "2026-01-02|social",
    }


def test_a_day_between_parts_ranges() -> None:
    apart = [Partition(DAY, "survey"), Partition(DAY + dt.timedelta(days=2), "survey")]
    assert [(r.first, r.last) for r in cover(apart)] == [(p, p) for p in apart]


@given(st.sets(PARTITIONS), st.integers(1, 14))
def test_no_range_holds_more_than_asked_and_none_is_lost(wanted: set[Partition], most: int) -> None:
    covered = cover(wanted, most)
    assert all(len(gathered.partitions()) <= most for gathered in covered)
    held = [partition for gathered in covered for partition in gathered.partitions()]
    assert sorted(held) == sorted(wanted)
