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
from feedback_assets.pipeline.gate_overrides import GateOverride
from feedback_assets.pipeline.judgement import Finding
from feedback_assets.pipeline.work import Judged

PARTITION_TAG = "dagster/partition"
"""Run tag of a run of one partition, which a range has not."""


def verdict(
    op: dg.OpExecutionContext,
    name: str,
    table: Table,
    judged: Judged,
) -> dg.AssetCheckResult:
    """One verdict for the run; of several partitions, each one's own is recorded besides.

    Where only some of several partitions fail, or an operator let the failed ones pass, the run
    goes on: what must not pass is stopped at the gate.
    """
    asset_key = dg.AssetKey(table.name)
    findings, overrides = judged.findings[name], judged.overrides
    link = run_link(judged.run_page)
    # Of a range, even of one partition, Dagster files a result under no partition.
    if len(findings) == 1 and PARTITION_TAG in op.run.tags:
        ((partition, finding),) = findings.items()
        override = overrides.get((partition, name))
        return dg.AssetCheckResult(
            asset_key=asset_key,
            check_name=name,
            passed=finding.state in ("passed", "not_enough_data"),
            severity=_severity(finding, override),
            description=_told(finding, override),
            metadata={**_figures(finding, override), **link},
        )
    targets = _materializations(op.instance, table, list(findings))
    for partition, finding in findings.items():
        override = overrides.get((partition, name))
        _record(op, name, table, partition, finding, override, targets.get(partition.key))
    speaking = {
        partition.key: _told(finding, overrides.get((partition, name)))
        for partition, finding in findings.items()
        if finding.state in ("warned", "failed")
    }
    everything_failed = all(
        finding.state == "failed" and (partition, name) not in overrides
        for partition, finding in findings.items()
    )
    return dg.AssetCheckResult(
        asset_key=asset_key,
        check_name=name,
        passed=not speaking,
        severity=dg.AssetCheckSeverity.ERROR if everything_failed else dg.AssetCheckSeverity.WARN,
        description=" | ".join(_together(speaking)) or f"all of {len(findings)} partitions pass",
        # No figures: sums would be plotted on one line with the partitions' own.
        metadata=link,
    )


def run_link(page: str) -> dict[str, dg.MetadataValue[Any]]:
    """Metadata that links the job run that did a work, where another machine did."""
    return {"job_run": dg.MetadataValue.url(page)} if page else {}


def _severity(finding: Finding, override: GateOverride | None) -> dg.AssetCheckSeverity:
    if finding.state == "warned" or (finding.state == "failed" and override is not None):
        return dg.AssetCheckSeverity.WARN
    return dg.AssetCheckSeverity.ERROR


def _told(finding: Finding, override: GateOverride | None) -> str:
    if finding.state != "failed" or override is None:
        return finding.told
    return f"let pass by {override.operator}: {override.reason}. The check had said: {finding.told}"


def _together(failed: Mapping[str, str]) -> list[str]:
    """What failed by partition; those with the same words share them."""
    partitions: dict[str, list[str]] = {}
    for key, told in failed.items():
        partitions.setdefault(told, []).append(key)
    return [
        f"{keys[0] if len(keys) == 1 else f'{len(keys)} partitions from {keys[0]}'}: {told}"
        for told, keys in partitions.items()
    ]


def _figures(finding: Finding, override: GateOverride | None) -> dict[str, dg.MetadataValue[Any]]:
    figures: dict[str, dg.MetadataValue[Any]] = {
        "state": dg.MetadataValue.text(finding.state),
        "rows": dg.MetadataValue.int(finding.rows),
        "broken": dg.MetadataValue.int(finding.broken),
    }
    if finding.shown:
        figures["in_short"] = dg.MetadataValue.md(finding.shown)
    if override is not None:
        figures["override"] = dg.MetadataValue.text(override.told)
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
    override: GateOverride | None,
    target: AssetCheckEvaluationTargetMaterializationData | None,
) -> None:
    # A check of a run over a range returns one result, which Dagster files under no partition.
    evaluation = dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(table.name),
        check_name=name,
        passed=finding.state in ("passed", "not_enough_data"),
        metadata=_figures(finding, override),
        description=_told(finding, override),
        target_materialization_data=target,
        severity=_severity(finding, override),
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
