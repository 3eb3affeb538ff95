"""The gate in the data: which partitions may go on to tickets.

Belongs here: reading verdicts and holding them against the data they judged. Does not belong
here: the checks that give verdicts.

Dagster enforces blocking checks within a run only; a ticket must be refused whichever way its
asset is started, so the verdicts are kept in `gate_status` and read again at the gate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from feedback_assets.contracts.columns import Table
from feedback_assets.contracts.ledgers import GATE_STATUS
from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.quality_rules import PROFILE_CHECKS
from feedback_assets.contracts.tables import TABLES
from feedback_assets.pipeline.gate_overrides import (
    GateOverride,
    OverrideRefused,
    new_override,
    overrides_in_force,
    record_override,
)
from resources.lakehouse.base import Lakehouse


@dataclass(frozen=True, slots=True)
class Verdict:
    """The latest word of one check on one partition."""

    check: str
    table: str
    passed: bool
    state: str
    value: float | None
    threshold: float | None
    detail: str
    data_version: str
    evaluated_at: datetime


def contract_check_name(table: str) -> str:
    """The name of a table's contract check."""
    return f"{table}_contract"


GOLDEN_SET_CHECK = "golden_set"
"""What decided the items holds against the golden set."""

REQUIRED_CHECKS: dict[str, str] = {
    contract_check_name(table.name): table.name
    for table in TABLES.values()
    if table.group in ("bronze", "silver", "gold", "triage") or table.name == "validated_feedback"
} | {**dict.fromkeys(PROFILE_CHECKS, "gold_feedback"), GOLDEN_SET_CHECK: "validated_feedback"}
"""Checks that must have passed on a partition before it may open tickets, and their tables."""


def data_versions(
    lakehouse: Lakehouse, table: Table, partitions: Iterable[Partition]
) -> dict[Partition, str]:
    """A fingerprint of each partition's live files and of those that it is made from.

    Any rewrite of or addition to the partition's rows in `table`, or in one of the tables that
    its contract says it is made from, changes it.
    """
    lakehouse.ensure(table)
    paths: dict[Partition, list[str]] = {partition: [] for partition in partitions}
    for name in (table.name, *table.made_from):
        for file in lakehouse.files(name) if lakehouse.exists(name) else ():
            # A table that lost its partitioning is for the contract check to tell.
            if file.keys() >= {"day", "source"}:
                found = paths.get(Partition(file["day"], file["source"]))
                if found is not None:
                    found.append(f"{name}/{file['path']}")
    return {
        partition: hashlib.sha256("\n".join(sorted(live)).encode()).hexdigest()[:16]
        for partition, live in paths.items()
    }


def verdicts(
    lakehouse: Lakehouse, partitions: Sequence[Partition]
) -> dict[Partition, dict[str, Verdict]]:
    """The latest verdict of each check on each partition."""
    found: dict[Partition, dict[str, Verdict]] = {partition: {} for partition in partitions}
    if not partitions:
        return found
    lakehouse.ensure(GATE_STATUS)
    days = ", ".join(f"'{day.isoformat()}'" for day in sorted({p.day for p in partitions}))
    for batch in lakehouse.scan(GATE_STATUS.name, predicate=f"day IN ({days})"):
        for row in batch.to_pylist():
            partition = Partition(row["day"], row["source"])
            if partition not in found:
                continue
            earlier = found[partition].get(row["check"])
            if earlier is None or earlier.evaluated_at <= row["evaluated_at"]:
                found[partition][row["check"]] = Verdict(
                    **{name: row[name] for name in Verdict.__slots__}
                )
    return found


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether a partition may go on to tickets.

    `reasons` say why not; `overridden` are the operators' words without which it could not.
    `outdated`: a verdict is older than the data.
    """

    reasons: tuple[str, ...]
    overridden: tuple[GateOverride, ...]
    outdated: bool = False


def openings(
    lakehouse: Lakehouse,
    partitions: Sequence[Partition],
    required: Mapping[str, str] = REQUIRED_CHECKS,
    now: datetime | None = None,
) -> dict[Partition, Opening]:
    """The gate of each of `partitions` at `now`.

    A verdict counts while the data it judged are still the partition's data. An override stands
    against a verdict that failed, not against one that is missing or older than the data.
    """
    given = verdicts(lakehouse, partitions)
    current = {
        table: data_versions(lakehouse, TABLES[table], partitions)
        for table in set(required.values())
    }
    overrides = overrides_in_force(lakehouse, partitions, now)
    found: dict[Partition, Opening] = {}
    for partition in partitions:
        reasons: list[str] = []
        overridden: list[GateOverride] = []
        for check, table in required.items():
            verdict = given[partition].get(check)
            reason = _reason(check, verdict, current[table][partition])
            override = overrides.get((partition, check))
            failed_only = verdict is not None and verdict.data_version == current[table][partition]
            if reason and override is not None and failed_only:
                overridden.append(override)
            elif reason:
                reasons.append(reason)
        outdated = any(
            verdict.data_version != current[verdict.table][partition]
            for check, verdict in given[partition].items()
            if required.get(check) == verdict.table
        )
        found[partition] = Opening(tuple(reasons), tuple(overridden), outdated)
    return found


def closed(
    lakehouse: Lakehouse,
    partitions: Sequence[Partition],
    required: Mapping[str, str] = REQUIRED_CHECKS,
) -> dict[Partition, str]:
    """Partitions that may not pass, each with all its reasons."""
    return {
        partition: "; ".join(opening.reasons)
        for partition, opening in openings(lakehouse, partitions, required).items()
        if opening.reasons
    }


def override_verdict(
    lakehouse: Lakehouse,
    partition: Partition,
    check: str,
    *,
    operator: str,
    reason: str,
    hours: float,
    most_hours: float,
    new_normal: bool = False,
) -> GateOverride:
    """Let `partition` pass in spite of the failed verdict of `check`, on record.

    `new_normal` begins the source's reference anew, which only drift is measured against. Raises
    `OverrideRefused` where there is no failed verdict to override, and as `new_override`.
    """
    if check not in REQUIRED_CHECKS:
        raise OverrideRefused(
            f"{check!r} closes no gate; those that do: {', '.join(REQUIRED_CHECKS)}"
        )
    if new_normal and check not in PROFILE_CHECKS:
        raise OverrideRefused(f"{check} measures no drift: it has no reference to begin anew")
    verdict = verdicts(lakehouse, [partition])[partition].get(check)
    if verdict is None:
        raise OverrideRefused(f"{check} has no verdict on {partition.key}: run the check first")
    if verdict.passed:
        raise OverrideRefused(f"{check} passed on {partition.key}: there is nothing to override")
    override = new_override(
        partition, check, operator=operator, reason=reason, hours=hours, most_hours=most_hours,
        verdict=verdict.detail, value=verdict.value, threshold=verdict.threshold,
        new_normal=new_normal,
    )  # fmt: skip
    record_override(lakehouse, override)
    return override


def _reason(check: str, verdict: Verdict | None, data_version: str) -> str | None:
    if verdict is None:
        return f"{check}: no verdict, run the check on this partition"
    if verdict.data_version != data_version:
        return f"{check}: verdict is older than the data, run the check again"
    if not verdict.passed:
        return f"{check}: failed: {verdict.detail}"
    return None
