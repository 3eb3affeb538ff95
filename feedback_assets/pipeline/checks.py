"""What Dagster is told of a contract check: a verdict for the run and one for each partition.

Belongs here: findings as Dagster's check results and events. Does not belong here: finding
(contract_check.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)
from dagster._core.events import DagsterEvent, DagsterEventType

from feedback_assets.contracts.columns import Table
from feedback_assets.contracts.partitions import Partition
from feedback_assets.pipeline.contract_check import Finding
from feedback_assets.pipeline.gate import contract_check_name


def verdict(
    op: dg.OpExecutionContext, table: Table, findings: Mapping[Partition, Finding]
) -> dg.AssetCheckResult:
    """One verdict for the run; of several partitions, each one's own is recorded besides.

    Where only some of several partitions fail, the run goes on for the others: the failed ones
    are stopped at the gate.
    """
    if len(findings) == 1:
        ((_, finding),) = findings.items()
        return dg.AssetCheckResult(
            passed=not finding.broken, description=_told(finding), metadata=_figures(finding)
        )
    targets = _materializations(op.instance, table, list(findings))
    for partition, finding in findings.items():
        _record(op, table, partition, finding, targets.get(partition.key))
    failed = {p.key: _told(finding) for p, finding in findings.items() if finding.broken}
    everything_failed = len(failed) == len(findings)
    return dg.AssetCheckResult(
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if everything_failed else dg.AssetCheckSeverity.WARN,
        description=" | ".join(f"{key}: {told}" for key, told in failed.items())
        or f"all of {len(findings)} partitions meet the contract",
        # No figures: sums would be plotted on one line with the partitions' own.
    )


def _told(finding: Finding) -> str:
    return "; ".join(finding.problems) or f"{finding.rows} rows meet the contract"


def _figures(finding: Finding) -> dict[str, dg.IntMetadataValue]:
    return {
        "rows": dg.MetadataValue.int(finding.rows),
        "broken": dg.MetadataValue.int(finding.broken),
    }


def _materializations(
    instance: dg.DagsterInstance, table: Table, partitions: Sequence[Partition]
) -> dict[str, AssetCheckEvaluationTargetMaterializationData]:
    # Dagster counts a partition as checked where the check names its latest materialization.
    latest = instance.get_latest_storage_id_by_partition(
        dg.AssetKey(table.name),
        DagsterEventType.ASSET_MATERIALIZATION,
        {partition.key for partition in partitions},
    )
    if not latest:
        return {}
    wanted = dg.AssetRecordsFilter(dg.AssetKey(table.name), storage_ids=list(latest.values()))
    return {
        str(record.partition_key): AssetCheckEvaluationTargetMaterializationData(
            storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
        )
        for record in instance.fetch_materializations(wanted, limit=len(latest)).records
    }


def _record(
    op: dg.OpExecutionContext,
    table: Table,
    partition: Partition,
    finding: Finding,
    target: AssetCheckEvaluationTargetMaterializationData | None,
) -> None:
    # A check of a run over a range returns one result, which Dagster files under no partition.
    evaluation = dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(table.name),
        check_name=contract_check_name(table.name),
        passed=not finding.broken,
        metadata=_figures(finding),
        description=_told(finding),
        target_materialization_data=target,
        severity=dg.AssetCheckSeverity.ERROR,
        blocking=True,
        partition=partition.key,
    )
    op.instance.report_dagster_event(
        DagsterEvent(
            event_type_value=DagsterEventType.ASSET_CHECK_EVALUATION.value,
            job_name=op.job_name,
            event_specific_data=evaluation,
        ),
        run_id=op.run_id,
    )
