"""What a check finds in a partition, and how it is written down.

Belongs here: findings and their rows in `gate_status`. Does not belong here: finding
(contract_check.py and the rooms' checks) and reading verdicts (gate.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa

from feedback_assets.contracts.columns import Table
from feedback_assets.contracts.ledgers import GATE_STATUS
from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.quality_rules import Action
from feedback_assets.contracts.tables import TABLES
from feedback_assets.pipeline.gate import REQUIRED_CHECKS, data_versions
from resources.lakehouse.base import Lakehouse

SHOWN = 5


@dataclass
class Finding:
    """What a check found in one partition.

    `value` is held against `threshold`; without one, the number of rows broken against none.
    `good` is what to say when nothing is wrong. `too_little` says why nothing can be said, which
    lets pass. `shown` is Markdown for whoever looks closer: what moved, by how much, what to do.
    """

    rows: int = 0
    problems: list[str] = field(default_factory=list)
    broken: int = 0
    warned: int = 0
    value: float | None = None
    threshold: float | None = None
    good: str = ""
    too_little: str = ""
    shown: str = ""

    def report(self, problem: str, count: int = 1, action: Action = "block") -> None:
        """Note a problem that `count` rows have, and whether it closes the gate."""
        if action == "block":
            self.broken += count
        else:
            self.warned += count
        if len(self.problems) < SHOWN:
            self.problems.append(problem)

    @property
    def passed(self) -> bool:
        """Nothing closes the gate."""
        return not self.broken

    @property
    def state(self) -> str:
        """The verdict in full, one of `GATE_STATES`."""
        if self.broken:
            return "failed"
        if self.warned:
            return "warned"
        return "not_enough_data" if self.too_little else "passed"

    @property
    def told(self) -> str:
        """What is wrong and what to do, or that all is well."""
        return (
            "; ".join(self.problems)
            or (self.too_little and f"not enough data: {self.too_little}")
            or self.good
            or f"{self.rows} rows meet the contract"
        )


def write_verdicts(
    lakehouse: Lakehouse,
    table: Table,
    findings: Mapping[str, Mapping[Partition, Finding]],
    run_id: str,
    versions: Mapping[Partition, str] | None = None,
) -> None:
    """Append a verdict to `gate_status` for each check (by name) and partition, in one commit.

    `versions` are the fingerprints of the data that were judged, taken before reading them.
    """
    judged = {partition for by_partition in findings.values() for partition in by_partition}
    versions = versions or data_versions(lakehouse, table, judged)
    now = datetime.now(UTC)
    rows = [
        {
            "day": partition.day,
            "source": partition.source,
            "check": check,
            "table": table.name,
            "passed": finding.passed,
            "state": finding.state,
            "value": float(finding.broken) if finding.value is None else finding.value,
            "threshold": 0.0 if finding.value is None else finding.threshold,
            "detail": finding.told,
            "data_version": versions[partition],
            "evaluated_at": now,
            "run_id": run_id,
        }
        for check, by_partition in findings.items()
        for partition, finding in by_partition.items()
    ]
    lakehouse.append(GATE_STATUS, [pa.RecordBatch.from_pylist(rows, schema=GATE_STATUS.schema)])


def write_unjudged(
    lakehouse: Lakehouse,
    table: Table,
    checks: Iterable[str],
    partitions: Sequence[Partition],
    error: Exception,
    run_id: str,
) -> None:
    """Append that `checks` of `table` came to no verdict, which closes the gate.

    An earlier verdict on the same data would stand in for the one that failed. The error is
    named and not quoted, because it may quote the data.
    """
    finding = Finding()
    finding.report(
        f"the check itself failed ({type(error).__name__}): see the log of run {run_id}, then run "
        "the check again"
    )
    for check in checks:
        judged = TABLES[REQUIRED_CHECKS.get(check, table.name)]
        write_verdicts(lakehouse, judged, {check: dict.fromkeys(partitions, finding)}, run_id)
