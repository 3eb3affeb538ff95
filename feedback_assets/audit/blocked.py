"""Why gates are closed, alike reasons together, and the overrides that hold.

Belongs here: grouping what gates.py found of each partition. Does not belong here: the gate's
decision, and how it is shown (status_text.py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from feedback_assets.audit.gate_links import Check, Gate, Override
from feedback_assets.contracts.partitions import Partition

Why = Literal["failed", "without a verdict", "older than the data", "not processed"]
ADVICE: dict[Why, str] = {
    "without a verdict": "run these checks on the partition: feedback run",
    "older than the data": "run these checks again: the data changed after they judged",
}


@dataclass(frozen=True, slots=True)
class BlockedPartition:
    """One partition; `value` and `threshold` are a failed check's, where it measures."""

    day: dt.date
    source: str
    value: float | None = None
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Blocked:
    """One reason, and the partitions it closes.

    A check that failed is a reason of its own; checks that are missing or outdated on the same
    partitions are told together. `detail` is what the check said of the first partition, or
    what to do.
    """

    why: Why
    checks: tuple[str, ...]
    partitions: tuple[BlockedPartition, ...]
    detail: str


def blocked(
    found: Mapping[Partition, Gate], unprocessed: Mapping[Partition, str]
) -> tuple[Blocked, ...]:
    """Reasons of closed gates: failed checks first, those of most partitions first.

    `unprocessed` are partitions without any row, with what to say of them.
    """
    failed: dict[str, list[tuple[Partition, Check]]] = {}
    other: dict[tuple[Why, tuple[str, ...]], list[Partition]] = {}
    for partition, gate in sorted(found.items()):
        closing = [(_why(check), check) for check in gate.checks if _closes(check)]
        for why, check in closing:
            if why == "failed":
                failed.setdefault(check.check, []).append((partition, check))
        for kind in ADVICE:
            if names := tuple(check.check for why, check in closing if why == kind):
                other.setdefault((kind, names), []).append(partition)
    reasons = [
        Blocked("failed", (name,), tuple(_measured(p, check) for p, check in there),
                there[0][1].detail)
        for name, there in failed.items()
    ]  # fmt: skip
    reasons += [
        Blocked(why, names, tuple(BlockedPartition(p.day, p.source) for p in there), ADVICE[why])
        for (why, names), there in other.items()
    ]
    alike: dict[str, list[Partition]] = {}
    for partition, told in sorted(unprocessed.items()):
        alike.setdefault(told, []).append(partition)
    reasons += [
        Blocked("not processed", (), tuple(BlockedPartition(p.day, p.source) for p in there), told)
        for told, there in alike.items()
    ]
    return tuple(sorted(reasons, key=lambda one: (one.why != "failed", -len(one.partitions))))


def in_force(found: Mapping[Partition, Gate], now: dt.datetime) -> tuple[Override, ...]:
    """Overrides that hold at `now`, the first to run out first."""
    held = [one for gate in found.values() for one in gate.overrides if one.held(now)]
    return tuple(sorted(held, key=lambda one: one.ended_at))


def _closes(check: Check) -> bool:
    return check.required and check.overridden_by is None and (check.stale or not check.passed)


def _why(check: Check) -> Why:
    if check.passed is None:
        return "without a verdict"
    return "older than the data" if check.stale else "failed"


def _measured(partition: Partition, check: Check) -> BlockedPartition:
    return BlockedPartition(partition.day, partition.source, check.value, check.threshold)
