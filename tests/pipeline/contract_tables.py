"""Tables written row by row as their steps would leave them, and judged without an engine.

Belongs here: rows, the steps' record of them, and running the check. Does not belong here: tests.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from feedback_assets.bronze.landing_step import BRONZE
from feedback_assets.contracts.columns import Table
from feedback_assets.contracts.partitions import Partition, predicate
from feedback_assets.contracts.tables import TABLES
from feedback_assets.gold.gold_steps import STEPS as GOLD_STEPS
from feedback_assets.insights.insights_step import INSIGHTS
from feedback_assets.pipeline.contract_check import check_contract
from feedback_assets.pipeline.gate import REQUIRED_CHECKS, closed, contract_check_name
from feedback_assets.pipeline.judgement import Finding
from feedback_assets.review.validation_step import VALIDATION
from feedback_assets.silver.silver_step import SILVER
from feedback_assets.tickets.outcome_step import OUTCOMES
from feedback_assets.tickets.ticket_step import TICKETS_STEP
from feedback_assets.triage.cluster_step import CLUSTERS
from feedback_assets.triage.triage_step import TRIAGE_STEP
from resources.lakehouse.base import Lakehouse
from tests.audit.lake import DAY, DEFAULTS, HOME, NOON

NEXT_DAY = Partition(DAY + dt.timedelta(days=1), HOME.source)
STEPS = (
    BRONZE, SILVER, *GOLD_STEPS, CLUSTERS, TRIAGE_STEP, VALIDATION, INSIGHTS, TICKETS_STEP,
    OUTCOMES,
)  # fmt: skip
CONTRACTS = {
    check: table for check, table in REQUIRED_CHECKS.items() if check == contract_check_name(table)
}
PATH = [step for step in STEPS if step.name in CONTRACTS.values()]
"""Steps whose contract checks the gate asks for, in their order."""


def at(minutes: float) -> dt.datetime:
    """A time some minutes after noon."""
    return NOON + dt.timedelta(minutes=minutes)


def item(number: int, partition: Partition = HOME, **values: Any) -> dict[str, Any]:
    """The row of an item, in whatever table; columns not named have defaults."""
    return {
        "feedback_id": f"fb{number}", "origin": f"feed.jsonl#{number}", "day": partition.day,
        "source": partition.source, **values,
    }  # fmt: skip


def batch(table: Table, *rows: dict[str, Any]) -> pa.RecordBatch:
    """Rows with the table's columns and types, nulls as they come."""
    schema = pa.schema([pa.field(field.name, field.type) for field in table.schema])
    made = [{n: {**DEFAULTS, **row}.get(n) for n in table.column_names} for row in rows]
    return pa.RecordBatch.from_pylist(made, schema=schema)


def put(lakehouse: Lakehouse, name: str, *rows: dict[str, Any]) -> None:
    """Add rows beside any step."""
    lakehouse.append(TABLES[name], [batch(TABLES[name], *rows)])


def record(
    lakehouse: Lakehouse,
    name: str,
    minutes: float = 0,
    partition: Partition = HOME,
    **counts: float,
) -> None:
    """What a run of the table's step leaves in `stage_metrics`."""
    metrics = {"rows_quarantined": 0, "rows_out": 0, **counts}
    put(
        lakehouse,
        "stage_metrics",
        *(
            item(0, partition, stage=name, metric=m, value=float(value), recorded_at=at(minutes))
            for m, value in metrics.items()
        ),
    )


def make(
    lakehouse: Lakehouse,
    name: str,
    *rows: dict[str, Any],
    minutes: float = 0,
    partition: Partition = HOME,
) -> None:
    """Make `rows` those of the partition, as a run of the table's step does, and record it."""
    table = TABLES[name]
    if not table.append_only:
        lakehouse.replace(table, predicate([partition]), [batch(table, *rows)])
    elif rows:
        lakehouse.append(table, [batch(table, *rows)])
    record(lakehouse, name, minutes, partition, rows_in=len(rows), rows_out=len(rows))


def make_path(
    lakehouse: Lakehouse,
    *numbers: int,
    minutes: float = 0,
    since: str = "bronze_feedback",
    partition: Partition = HOME,
) -> None:
    """Make the tables of `PATH` a minute after each other, from `since` on."""
    names = [step.name for step in PATH]
    for nth, name in enumerate(names[names.index(since) :]):
        rows = [item(n, partition) for n in numbers]
        make(lakehouse, name, *rows, minutes=minutes + nth, partition=partition)


def judge(
    lakehouse: Lakehouse,
    name: str,
    partitions: Sequence[Partition] = (HOME,),
    row_for_row: bool = False,
) -> dict[Partition, Finding]:
    """Run the table's contract check."""
    return check_contract(TABLES[name], partitions, lakehouse, row_for_row, "run")


def told(
    lakehouse: Lakehouse, name: str, partition: Partition = HOME, row_for_row: bool = False
) -> str:
    """What the check says of a partition that it must not let pass."""
    finding = judge(lakehouse, name, [partition], row_for_row)[partition]
    assert not finding.passed
    return finding.told


def judge_path(lakehouse: Lakehouse, partition: Partition = HOME) -> dict[str, str]:
    """Run the contract checks of `PATH` on a partition; what those say that fail, by table."""
    found = {
        step.name: judge(lakehouse, step.name, [partition], step.row_for_row)[partition]
        for step in PATH
    }
    return {name: finding.told for name, finding in found.items() if not finding.passed}


def closed_by(lakehouse: Lakehouse, partition: Partition = HOME) -> str:
    """Why the contract checks keep the partition's gate closed; nothing where they don't."""
    return closed(lakehouse, [partition], CONTRACTS).get(partition, "")
