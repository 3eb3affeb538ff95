"""What Dagster is told of a check: a verdict for the run and one for each partition.

Belongs here: findings as Dagster's check results and events. Does not belong here: finding
(contract_check.py and the rooms' checks).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)
from dagster._core.events import DagsterEvent, DagsterEventType

from feedback_assets.contracts.columns import Table
from feedback_assets.contracts.partitions import Partition
from feedback_assets.pipeline.judgement import Finding


def verdict(
    op: dg.OpExecutionContext, name: str, table: Table, findings: Mapping[Partition, Finding]
) -> dg.AssetCheckResult:
    """One verdict for the run; of several partitions, each one's own is recorded besides.

    Where only some of several partitions fail, the run goes on for the others: the failed ones
    are stopped at the gate.
    """
    if len(findings) == 1:
        ((_, finding),) = findings.items()
        return dg.AssetCheckResult(
            passed=finding.passed, description=finding.told, metadata=_figures(finding)
        )
    targets = _materializations(op.instance, table, list(findings))
    for partition, finding in findings.items():
        _record(op, name, table, partition, finding, targets.get(partition.key))
    failed = {p.key: finding.told for p, finding in findings.items() if not finding.passed}
    everything_failed = len(failed) == len(findings)
    return dg.AssetCheckResult(
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if everything_failed else dg.AssetCheckSeverity.WARN,
        description=" | ".join(_together(failed)) or f"all of {len(findings)} partitions pass",
        # No figures: sums would be plotted on one line with the partitions' own.
    )


def _together(failed: Mapping[str, str]) -> list[str]:
    """What failed by partition; those with the same words share them."""
    partitions: dict[str, list[str]] = {}
    for key, told in failed.items():
        partitions.setdefault(told, []).append(key)
    return [
        f"{keys[0] if len(keys) == 1 else f'{len(keys)} partitions from {keys[0]}'}: {told}"
        for told, keys in partitions.items()
    ]


def _figures(finding: Finding) -> dict[str, dg.MetadataValue[Any]]:
    figures: dict[str, dg.MetadataValue[Any]] = {
        "rows": dg.MetadataValue.int(finding.rows),
        "broken": dg.MetadataValue.int(finding.broken),
    }
    if finding.value is not None:
        figures["value"] = dg.MetadataValue.float(finding.value)
    if finding.threshold is not None:
        figures["threshold"] = dg.MetadataValue.float(finding.threshold)
    return figures


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
    name: str,
    table: Table,
    partition: Partition,
    finding: Finding,
    target: AssetCheckEvaluationTargetMaterializationData | None,
) -> None:
    # A check of a run over a range returns one result, which Dagster files under no partition.
    evaluation = dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(table.name),
        check_name=name,
        passed=finding.passed,
        metadata=_figures(finding),
        description=finding.told,
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
