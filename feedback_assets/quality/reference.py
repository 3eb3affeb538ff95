"""Which days a partition is held against, and the profiles of both.

Belongs here: reading profiles, and choosing days. Does not belong here: comparing (mixes.py,
levels.py) and telling (moved.py).

A reference is the days before of the same source, as many as the rules say. It leaves out days
whose own drift check failed and that no operator let pass, so that what was wrong does not become
what is usual; and it begins anew on a day that an operator declared the new normal. A day without
data is not among them.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from feedback_assets.contracts.monitoring import FEEDBACK_PROFILE
from feedback_assets.contracts.partitions import SOURCES, Partition, predicate
from feedback_assets.contracts.quality_rules import LEVEL_CHECKS, MIX_CHECKS
from feedback_assets.contracts.quality_rules import Reference as Rules
from feedback_assets.pipeline.gate import verdicts
from feedback_assets.pipeline.gate_overrides import all_overrides
from resources.lakehouse.base import Lakehouse

DRIFT_CHECKS = frozenset((*MIX_CHECKS, *LEVEL_CHECKS))
Counts = dict[str, int]


@dataclass
class Profile:
    """A partition's profile: items by bin of each feature, and its numbers."""

    version: str = ""
    counts: defaultdict[str, Counts] = field(default_factory=lambda: defaultdict(dict))
    values: dict[str, float] = field(default_factory=dict)

    def items(self, feature: str) -> int:
        """Items in all bins of `feature`."""
        return sum(self.counts[feature].values()) if feature in self.counts else 0


@dataclass(frozen=True)
class Profiles:
    """Profiles by partition, with what decides which of them may be a reference."""

    by_partition: Mapping[Partition, Profile]
    failed: set[Partition]
    anew: Mapping[str, Sequence[dt.date]]
    let_pass: set[tuple[Partition, str]] = field(default_factory=set)

    def reference(self, partition: Partition, rules: Rules) -> dict[dt.date, Profile]:
        """The profiles that `partition` is held against, by day."""
        first = partition.day - dt.timedelta(days=rules.days)
        begun = [day for day in self.anew.get(partition.source, ()) if day < partition.day]
        first = max([first, *begun])
        days = (first + dt.timedelta(days=n) for n in range((partition.day - first).days))
        found: dict[dt.date, Profile] = {}
        for day in days:
            before = Partition(day, partition.source)
            profile = self.by_partition.get(before)
            if profile is not None and before not in self.failed and profile.items("volume"):
                found[day] = profile
        return found

    def is_new_normal(self, partition: Partition) -> bool:
        """Whether an operator declared the partition's own day the new normal."""
        return partition.day in self.anew.get(partition.source, ())


def read_profiles(lakehouse: Lakehouse, partitions: Iterable[Partition], rules: Rules) -> Profiles:
    """Profiles of `partitions` and of all that they may be held against, in one read.

    The other sources of the same days are among them, for the mix of sources.
    """
    days: set[dt.date] = set()
    for partition in partitions:
        days.update(partition.day - dt.timedelta(days=n) for n in range(rules.days + 1))
    window = [Partition(day, source) for day in sorted(days) for source in SOURCES]
    profiles: dict[Partition, Profile] = defaultdict(Profile)
    lakehouse.ensure(FEEDBACK_PROFILE)
    names = ["day", "source", "feature", "bin", "items", "value", "profiled_version"]
    for batch in lakehouse.scan(FEEDBACK_PROFILE.name, names, predicate(window)):
        columns = [batch.column(name).to_pylist() for name in names]
        for day, source, feature, bin_, items, value, version in zip(*columns, strict=True):
            profile = profiles[Partition(day, source)]
            profile.version = version
            profile.counts[feature][bin_] = items
            if value is not None:
                profile.values[feature] = value
    overrides = [each for each in all_overrides(lakehouse, window) if not each.revoked]
    let_pass = {(each.partition, each.check) for each in overrides}
    failed = {
        partition
        for partition, given in verdicts(lakehouse, sorted(profiles)).items()
        for check, verdict in given.items()
        if check in DRIFT_CHECKS
        and verdict.state == "failed"
        and (partition, check) not in let_pass
    }
    anew: dict[str, list[dt.date]] = defaultdict(list)
    for each in overrides:
        if each.new_normal:
            anew[each.source].append(each.day)
    return Profiles(dict(profiles), failed, anew, let_pass)


def table_of(
    now: Counts, days: Sequence[Counts]
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """Classes of either in order, and items of each: now (K,), and by day (T, K)."""
    classes = sorted(set(now).union(*days))
    return (
        classes,
        np.array([now.get(name, 0) for name in classes], np.int64),
        np.array([[day.get(name, 0) for name in classes] for day in days], np.int64),
    )


def summed(days: Iterable[Counts]) -> Counts:
    """Items by bin over `days`."""
    total: Counts = defaultdict(int)
    for day in days:
        for name, items in day.items():
            total[name] += items
    return dict(total)
