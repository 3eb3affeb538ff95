"""A partition's gate and the overrides of operators, as labelled rows.

Belongs here: words for verdicts and overrides. Does not belong here: what they are (gates.py),
and the page they stand on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from rich.text import Text

from feedback_assets.audit.gate_links import Check, Gate, Override
from feedback_assets.audit.terminal import Row, counted, moment, period


def gate_rows(gate: Gate, now: dt.datetime) -> list[Row]:
    """Open or closed; each check that wants attention; of the others only how many passed.

    Then every override that was given for the partition, and whether it holds at `now`.
    """
    good = [c for c in gate.checks if c.passed and not c.stale and c.state != "warned"]
    unjudged = [check.check for check in gate.checks if check.passed is None]
    rows: list[Row] = [("gate", _standing(gate))]
    rows += [(_mark(c), _check(c)) for c in gate.checks if c not in good and c.passed is not None]
    if unjudged:
        rows.append(("no verdict", ", ".join(unjudged)))
    if good:
        when = period(check.evaluated_at for check in good if check.evaluated_at)
        few = sum(check.state == "not_enough_data" for check in good)
        unsaid = f", {few} of them for lack of data" if few else ""
        total = counted(len(gate.checks), "check")
        rows.append(("passed", f"{len(good)} of {total}{unsaid}, {when}"))
    return rows + [(_ended(one, now), _override(one)) for one in gate.overrides]


def _standing(gate: Gate) -> Text:
    if not gate.open:
        return Text("closed", "bold red")
    if any(check.overridden_by for check in gate.checks):
        return Text("open, by an operator's word alone", "bold yellow")
    return Text("open", "bold green")


def _mark(check: Check) -> str:
    if check.stale:
        return "stale"
    if check.overridden_by:
        return "let pass"
    return "warns" if check.passed else "FAILED"


def _check(check: Check) -> str:
    older = "; the data changed since" if check.stale else ""
    harmless = "" if check.required else "; does not close the gate"
    by = f"; overridden by {check.overridden_by}" if check.overridden_by else ""
    measured = _measured(check.value, check.threshold)
    when = moment(check.evaluated_at)
    return f"{check.check}{measured}: {check.detail}; {when}{older}{harmless}{by}"


def _measured(value: float | None, threshold: float | None) -> str:
    if value is None:
        return ""
    return f" ({value:g})" if threshold is None else f" ({value:g} against {threshold:g})"


def _ended(override: Override, now: dt.datetime) -> str:
    if override.held(now):
        return "override"
    return "taken back" if override.revoked else "ran out"


def _override(override: Override) -> str:
    anew = "; references of the source begin anew there" if override.new_normal else ""
    return (
        f"{override.override_id}: {override.operator} let {override.check} pass from "
        f"{moment(override.given_at)} until {moment(override.ended_at)}: {override.reason}{anew}"
    )


def let_through_rows(overrides: Iterable[Override]) -> list[Row]:
    """What let through what else a closed gate had held back."""
    return [
        (
            "let through",
            f"a closed gate, by {one.operator}: {one.reason}. {one.check} of {one.day} "
            f"{one.source} had failed{_measured(one.value, one.threshold)}: {one.verdict}; "
            f"{one.override_id}, from {moment(one.given_at)} until {moment(one.ended_at)}",
        )
        for one in overrides
    ]
