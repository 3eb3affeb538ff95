"""The links of a chain that tell of the gate: verdicts, and the overrides of operators.

Belongs here: these facts as records. Does not belong here: reading them (gates.py), and how they
are shown (gate_sections.py).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Override:
    """An operator's word against a failed verdict; it held from `given_at` until `ended_at`.

    `verdict`, `value` and `threshold` are what the check had said. `ended_at` is when it ran out
    or runs out, or when it was taken back (`revoked`).
    """

    override_id: str
    day: dt.date
    source: str
    check: str
    operator: str
    reason: str
    verdict: str
    value: float | None
    threshold: float | None
    new_normal: bool
    given_at: dt.datetime
    ended_at: dt.datetime
    revoked: bool

    def held(self, moment: dt.datetime) -> bool:
        """Whether it held at `moment`."""
        return self.given_at <= moment < self.ended_at


@dataclass(frozen=True, slots=True)
class Check:
    """The latest verdict of a check on the partition; `passed` and `state` are null without one.

    `stale` says that the data it judged have changed since. `overridden_by` is the override for
    which a failed verdict closes nothing at present.
    """

    check: str
    table: str
    required: bool
    passed: bool | None
    state: str | None
    value: float | None
    threshold: float | None
    detail: str
    evaluated_at: dt.datetime | None
    stale: bool
    overridden_by: str | None


@dataclass(frozen=True, slots=True)
class Gate:
    """The gate of the item's partition as it stands now, not as it stood for a past ticket.

    `overrides` are all that were ever given for the partition, the oldest first.
    """

    open: bool
    reason: str | None
    checks: tuple[Check, ...]
    overrides: tuple[Override, ...]
