"""The gate in the data: which partitions may go on to tickets.

Belongs here: reading verdicts and holding them against the data they judged. Does not belong
here: the checks that give verdicts.

Dagster enforces blocking checks within a run only; a ticket must be refused whichever way its
asset is started, so the verdicts are kept in `gate_status` and read again at the gate.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from feedback_assets.contracts.columns import Table
from feedback_assets.contracts.ledgers import GATE_STATUS
from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.tables import TABLES
from resources.lakehouse.base import Lakehouse


@dataclass(frozen=True, slots=True)
class Verdict:
    """The latest word of one check on one partition."""

    check: str
    table: str
    passed: bool
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
} | {GOLDEN_SET_CHECK: "validated_feedback"}
"""Checks that must have passed on a partition before it may open tickets, and their tables."""


def data_versions(
    lakehouse: Lakehouse, table: Table, partitions: Iterable[Partition]
) -> dict[Partition, str]:
    """A fingerprint of each partition's live files; any rewrite or addition changes it."""
    lakehouse.ensure(table)
    paths: dict[Partition, list[str]] = defaultdict(list)
    for file in lakehouse.files(table.name):
        paths[Partition(file["day"], file["source"])].append(file["path"])
    return {
        partition: hashlib.sha256("\n".join(sorted(paths[partition])).encode()).hexdigest()[:16]
        for partition in partitions
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


def closed(
    lakehouse: Lakehouse,
    partitions: Sequence[Partition],
    required: Mapping[str, str] = REQUIRED_CHECKS,
) -> dict[Partition, str]:
    """Partitions that may not pass, each with all its reasons.

    A verdict counts while the data it judged are still the partition's data.
    """
    given = verdicts(lakehouse, partitions)
    current = {
        table: data_versions(lakehouse, TABLES[table], partitions)
        for table in set(required.values())
    }
    refused: dict[Partition, str] = {}
    for partition in partitions:
        reasons = [
            reason
            for check, table in required.items()
            if (reason := _reason(check, given[partition].get(check), current[table][partition]))
        ]
        if reasons:
            refused[partition] = "; ".join(reasons)
    return refused


def _reason(check: str, verdict: Verdict | None, data_version: str) -> str | None:
    if verdict is None:
        return f"{check}: no verdict, run the check on this partition"
    if not verdict.passed:
        return f"{check}: failed: {verdict.detail}"
    if verdict.data_version != data_version:
        return f"{check}: verdict is older than the data, run the check again"
    return None
