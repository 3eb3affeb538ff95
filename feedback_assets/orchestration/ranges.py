"""Partitions gathered into ranges, so that many small ones share a run.

Belongs here: covering a set of partitions by ranges. Does not belong here: running them.

A range of Dagster's multi-partitions is every day of a span by every source of a span, so a
set is covered exactly by spans of days that want the same span of sources.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from feedback_assets.contracts.partitions import SOURCES, Partition

_ORDER = {source: index for index, source in enumerate(SOURCES)}


@dataclass(frozen=True, slots=True)
class Range:
    """All partitions from `first` to `last`, days by sources, both inclusive."""

    first: Partition
    last: Partition

    @property
    def tags(self) -> dict[str, str]:
        """The run tags by which Dagster knows a range."""
        return {
            "dagster/asset_partition_range_start": self.first.key,
            "dagster/asset_partition_range_end": self.last.key,
        }

    def partitions(self) -> list[Partition]:
        """Its partitions."""
        days = (self.last.day - self.first.day).days
        span = SOURCES[_ORDER[self.first.source] : _ORDER[self.last.source] + 1]
        return [
            Partition(self.first.day + dt.timedelta(days=n), source)
            for n in range(days + 1)
            for source in span
        ]


def cover(partitions: Iterable[Partition]) -> list[Range]:
    """Ranges that hold each of `partitions` once and nothing else, in order of days."""
    by_day: dict[dt.date, list[int]] = {}
    for partition in set(partitions):
        by_day.setdefault(partition.day, []).append(_ORDER[partition.source])
    standing: dict[tuple[int, int], tuple[dt.date, dt.date]] = {}
    done: list[Range] = []
    for day in sorted(by_day):
        spans = set(_spans(sorted(by_day[day])))
        for span in [s for s in standing if s not in spans or standing[s][1] < day - _ONE_DAY]:
            done.append(_range(span, *standing.pop(span)))
        for span in spans:
            first, _ = standing.get(span, (day, day))
            standing[span] = (first, day)
    done += [_range(span, first, last) for span, (first, last) in standing.items()]
    return sorted(done, key=lambda r: (r.first.day, _ORDER[r.first.source]))


_ONE_DAY = dt.timedelta(days=1)


def _spans(indices: list[int]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for index in indices:
        if spans and spans[-1][1] == index - 1:
            spans[-1] = (spans[-1][0], index)
        else:
            spans.append((index, index))
    return spans


def _range(span: tuple[int, int], first: dt.date, last: dt.date) -> Range:
    return Range(Partition(first, SOURCES[span[0]]), Partition(last, SOURCES[span[1]]))
