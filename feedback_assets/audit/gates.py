"""What the tables say of gates: as they stand, and what an override once let through.

Belongs here: verdicts and overrides of partitions, at present and at a past moment. Does not
belong here: the gate's own decision (pipeline/gate.py), which is only repeated.

Verdicts and overrides are only ever added, so what held at a moment can be told at any later
time. A ticket's items carry the moment at which the gate was asked for them (`added_at`).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from feedback_assets.audit.gate_links import Check, Gate, Override
from feedback_assets.audit.scanning import among, rows
from feedback_assets.contracts.ledgers import GATE_STATUS
from feedback_assets.contracts.monitoring import GATE_OVERRIDES
from feedback_assets.contracts.partitions import Partition, predicate
from feedback_assets.contracts.tables import TABLES
from feedback_assets.pipeline.gate import (
    REQUIRED_CHECKS,
    Opening,
    Verdict,
    data_versions,
    openings,
    verdicts,
)
from resources.lakehouse.base import Lakehouse

Admission = tuple[Partition, dt.datetime]
"""A partition, and the moment at which its gate was asked."""


def gates(
    lakehouse: Lakehouse, partitions: Sequence[Partition], now: dt.datetime | None = None
) -> dict[Partition, Gate]:
    """The gate of each of `partitions`, the required checks before the others.

    Creates the tables of required checks where they are missing, as the gate itself does.
    """
    given = verdicts(lakehouse, partitions)
    asked = openings(lakehouse, partitions, now=now)
    judged = {verdict.table for found in given.values() for verdict in found.values()}
    versions = {
        name: data_versions(lakehouse, TABLES[name], partitions) for name in judged & set(TABLES)
    }
    past: dict[Partition, list[Override]] = defaultdict(list)
    for override in overrides(lakehouse, partitions):
        past[Partition(override.day, override.source)].append(override)
    return {
        partition: Gate(
            open=not asked[partition].reasons,
            reason="; ".join(asked[partition].reasons) or None,
            checks=_checks(
                given[partition],
                {name: version[partition] for name, version in versions.items()},
                asked[partition],
            ),
            overrides=tuple(past[partition]),
        )
        for partition in partitions
    }


def _checks(
    given: dict[str, Verdict], versions: dict[str, str], asked: Opening
) -> tuple[Check, ...]:
    overridden = {override.check: override.override_id for override in asked.overridden}
    names = REQUIRED_CHECKS | {check: verdict.table for check, verdict in given.items()}
    checks = []
    for name, table in names.items():
        verdict = given.get(name)
        checks.append(
            Check(
                check=name,
                table=table,
                required=name in REQUIRED_CHECKS,
                passed=verdict.passed if verdict else None,
                state=verdict.state if verdict else None,
                value=verdict.value if verdict else None,
                threshold=verdict.threshold if verdict else None,
                detail=verdict.detail if verdict else "no verdict on record",
                evaluated_at=verdict.evaluated_at if verdict else None,
                stale=verdict is not None and verdict.data_version != versions.get(table),
                overridden_by=overridden.get(name),
            )
        )
    return tuple(checks)


def overrides(
    lakehouse: Lakehouse, partitions: Collection[Partition] | None = None
) -> tuple[Override, ...]:
    """Every override of `partitions`, or of all, whether it holds or not; the oldest first."""
    if partitions is not None and not partitions:
        return ()
    where = "true" if partitions is None else predicate(partitions)
    history: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(rows(lakehouse, GATE_OVERRIDES, where), key=lambda row: row["recorded_at"]):
        history[row["override_id"]].append(row)
    return tuple(_override(changes) for changes in history.values())


def _override(changes: Sequence[dict[str, Any]]) -> Override:
    latest = dict(changes[-1])
    expires_at = latest.pop("expires_at")
    del latest["recorded_at"]
    taken_back = [row["recorded_at"] for row in changes if row["revoked"]]
    return Override(
        **latest, given_at=changes[0]["recorded_at"], ended_at=min([expires_at, *taken_back])
    )


def let_through(
    lakehouse: Lakehouse, admissions: Iterable[Admission]
) -> dict[Admission, tuple[Override, ...]]:
    """By admission, the overrides without which the gate had then been closed."""
    asked = set(admissions)
    given: dict[Partition, list[Override]] = defaultdict(list)
    for override in overrides(lakehouse, {partition for partition, _ in asked}):
        given[Partition(override.day, override.source)].append(override)
    if not given:
        return {}
    history = _history(lakehouse, given)
    found: dict[Admission, tuple[Override, ...]] = {}
    for partition, moment in asked:
        # Of several that held for a check, the latest did.
        held = {o.check: o for o in given[partition] if o.held(moment)}
        failed = {check for check in held if _had_failed(history, partition, check, moment)}
        if failed:
            found[partition, moment] = tuple(o for o in held.values() if o.check in failed)
    return found


_History = dict[tuple[Partition, str], list[tuple[dt.datetime, bool]]]
"""When a check judged a partition, and whether it passed, in order of time."""


def _history(lakehouse: Lakehouse, given: dict[Partition, list[Override]]) -> _History:
    checks = {override.check for found in given.values() for override in found}
    where = f"{predicate(given)} AND {among('check', checks)}"
    history: _History = defaultdict(list)
    names = ["day", "source", "check", "evaluated_at", "passed"]
    for row in rows(lakehouse, GATE_STATUS, where, names):
        place = Partition(row["day"], row["source"])
        history[place, row["check"]].append((row["evaluated_at"], row["passed"]))
    for verdicts_of in history.values():
        verdicts_of.sort()
    return history


def _had_failed(history: _History, place: Partition, check: str, moment: dt.datetime) -> bool:
    said = [passed for at, passed in history.get((place, check), ()) if at <= moment]
    return bool(said) and not said[-1]
