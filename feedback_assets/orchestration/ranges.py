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


def cover(partitions: Iterable[Partition], most: int | None = None) -> list[Range]:
    """Ranges that hold each of `partitions` once and nothing else, in order of days.

    None holds more than `most`.
    """
    found = _cover(partitions)
    return found if most is None else [part for each in found for part in _split(each, most)]


def _split(whole: Range, most: int) -> list[Range]:
    """`whole` in parts of at most `most` partitions: of some days, or of some sources of a day."""
    held = whole.partitions()
    if len(held) <= most:
        return [whole]
    days = sorted({partition.day for partition in held})
    width = len(held) // len(days)
    rows = [held[n * width : (n + 1) * width] for n in range(len(days))]
    if width > most:
        parts = [row[n : n + most] for row in rows for n in range(0, width, most)]
        return [Range(part[0], part[-1]) for part in parts]
    at_once = most // width
    return [
        Range(rows[n][0], rows[min(n + at_once, len(rows)) - 1][-1])
        for n in range(0, len(rows), at_once)
    ]


def _cover(partitions: Iterable[Partition]) -> list[Range]:
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
