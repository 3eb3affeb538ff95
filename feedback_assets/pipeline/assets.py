"""Work as Dagster sees it: assets of steps and routines, and blocking checks.

Belongs here: the mapping from work to assets and checks, and partitions. Does not belong here:
what a work does, where it is done (compute.py), and how verdicts are told (checks.py).
"""

import datetime as dt
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from feedback_assets.contracts.columns import Column, Table
from feedback_assets.contracts.partitions import SOURCES, Partition
from feedback_assets.pipeline.checks import run_link, verdict
from feedback_assets.pipeline.compute import ComputeParam
from feedback_assets.pipeline.lanes import lane_of
from feedback_assets.pipeline.step import Step, StepReport
from feedback_assets.pipeline.work import (
    CheckReport,
    Judging,
    Routine,
    RoutineReport,
    contract_judging,
)

FIRST_DAY = "2025-01-01"
OWNERS = ["team:feedback-data"]
ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN

DAY_AND_SOURCE = dg.MultiPartitionsDefinition(
    {
        # The current day is open for what lands today.
        "day": dg.DailyPartitionsDefinition(FIRST_DAY, end_offset=1),
        "source": dg.StaticPartitionsDefinition(list(SOURCES)),
    }
)


def is_open(partition: Partition, today: dt.date) -> bool:
    """Whether the assets have the partition: its day lies from `FIRST_DAY` to `today` (UTC)."""
    return dt.date.fromisoformat(FIRST_DAY) <= partition.day <= today


def partitions_of(keys: Sequence[str]) -> list[Partition]:
    """Partitions of Dagster's keys."""
    return [Partition.parse(str(key)) for key in keys]


def step_asset(
    step: Step, kinds: set[str], deps: Sequence[str] = (), pool: str | None = None
) -> dg.AssetsDefinition:
    """The asset of a step.

    `kinds` are shown as badges. `deps` names assets it needs beyond the tables it reads.
    `pool` names writers that must take turns, for tables whose rows depend on rows of other
    partitions.
    """
    table = step.writes

    @dg.asset(
        name=step.name,
        group_name=table.group,
        description=table.description,
        kinds=kinds,
        owners=OWNERS,
        partitions_def=DAY_AND_SOURCE,
        deps=[*step.reads, *deps],
        metadata=_about(table),
        code_version=step.code_version,
        pool=pool,
    )
    def asset(
        context: dg.AssetExecutionContext, compute: ComputeParam
    ) -> dg.MaterializeResult[None]:
        op = context.op_execution_context
        report = compute.run(step, partitions_of(context.partition_keys), op)
        for note in report.notes:
            context.log.info(note)
        return _result(context, step, report)

    return asset


def table_spec(table: Table, deps: Sequence[str] = ()) -> dg.AssetSpec:
    """A table that no asset makes, as the graph shows it."""
    return dg.AssetSpec(
        table.name,
        group_name=table.group,
        description=table.description,
        kinds={"deltalake"},
        owners=OWNERS,
        deps=deps,
        metadata=_about(table),
    )


def contract_check(step: Step) -> dg.AssetChecksDefinition:
    """The blocking check that a step's table keeps its contract, a verdict a partition."""
    return judging_checks(contract_judging(step))


def judging_checks(judging: Judging) -> dg.AssetChecksDefinition:
    """The blocking checks of a judging, each with a verdict a partition."""
    with warnings.catch_warnings():
        # Without partitions a pass in one partition would open the gate for another.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        specs = [
            dg.AssetCheckSpec(
                name=name,
                asset=dg.AssetKey(judging.table.name),
                description=description,
                blocking=True,
                partitions_def=DAY_AND_SOURCE,
                additional_deps=list(judging.deps),
            )
            for name, description in judging.descriptions.items()
        ]

        @dg.multi_asset_check(name=judging.name, specs=specs)
        def checks(
            context: dg.AssetCheckExecutionContext, compute: ComputeParam
        ) -> Iterator[dg.AssetCheckResult]:
            op = context.op_execution_context
            judged = compute.judge(judging, partitions_of(op.partition_keys), op)
            for name in judging.descriptions:
                yield verdict(op, name, judging.table, judged)

    return checks


def routine_asset(
    routine: Routine,
    group: str,
    kinds: set[str],
    description: str,
    deps: Sequence[str] = (),
    table: Table | None = None,
    check_specs: Sequence[dg.AssetCheckSpec] = (),
) -> dg.AssetsDefinition:
    """The unpartitioned asset of a routine, with the checks it gives verdicts of itself.

    `table` is what it writes, where it writes one.
    """

    @dg.asset(
        name=routine.name,
        group_name=group,
        kinds=kinds,
        owners=OWNERS,
        deps=list(deps),
        description=description,
        metadata=None if table is None else _about(table),
        check_specs=list(check_specs),
    )
    def asset(
        context: dg.AssetExecutionContext, compute: ComputeParam
    ) -> Iterator[dg.MaterializeResult[None]]:
        report = compute.do(routine, context.op_execution_context)
        for warning in report.warnings:
            context.log.warning(warning)
        yield _routine_result(report)

    return asset


def _routine_result(report: RoutineReport) -> dg.MaterializeResult[None]:
    version = report.data_version
    return dg.MaterializeResult(
        metadata={
            **report.figures,
            **run_link(report.run_page),
            **{name: dg.MetadataValue.json(detail) for name, detail in report.details.items()},
            **{name: dg.MetadataValue.md(text) for name, text in report.markdown.items()},
        },
        data_version=None if version is None else dg.DataVersion(version),
        check_results=[check_result(name, check) for name, check in report.checks.items()],
    )


def check_result(name: str, check: CheckReport) -> dg.AssetCheckResult:
    """The verdict of a check without partitions, as Dagster has it."""
    return dg.AssetCheckResult(
        check_name=name,
        passed=check.state not in ("failed", "warned"),
        severity=WARN if check.state == "warned" else ERROR,
        description=check.told,
        metadata={
            **check.figures,
            **{name: dg.MetadataValue.md(text) for name, text in check.markdown.items()},
        },
    )


def _about(table: Table) -> dict[str, str | dg.TableSchema]:
    return {"dagster/column_schema": column_schema(table), "dagster/table_name": table.name}


def column_schema(table: Table) -> dg.TableSchema:
    """A table's contract as the Dagster UI shows it."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=str(column.type),
                description=column.description,
                constraints=dg.TableColumnConstraints(
                    nullable=column.nullable,
                    other=_rules(column),
                ),
                tags={"pii": "true"} if column.pii else {},
            )
            for column in table.columns
        ]
    )


def _rules(column: Column) -> list[str]:
    rules = [f"one of {', '.join(column.isin)}"] if column.isin else []
    if column.at_least is not None:
        rules.append(f"≥ {column.at_least:g}")
    if column.at_most is not None:
        rules.append(f"≤ {column.at_most:g}")
    return rules


def _result(
    context: dg.AssetExecutionContext, step: Step, report: StepReport
) -> dg.MaterializeResult[None]:
    """Metadata by partition; fails where partitions were refused, so they don't count as made."""
    done = list(report.counts)
    metadata: dict[Partition, dict[str, dg.MetadataValue[Any] | int | float | str]] = {
        partition: {
            "dagster/partition_row_count": int(counts.get("rows_out", 0)),
            **{name: int(counts[name]) for name in sorted(counts)},
            "seconds": round(report.seconds / len(done), 3),
            "table_version": report.versions[partition],
            "lane": lane_of(context.run.tags),
            **run_link(report.run_page),
            **({"notes": "\n".join(report.notes)} if report.notes else {}),
        }
        for partition, counts in report.counts.items()
    }
    if report.refused:
        for partition in done:
            context.log_event(
                dg.AssetMaterialization(
                    context.asset_key, partition=partition.key, metadata=metadata[partition]
                )
            )
        reasons = {partition.key: reason for partition, reason in report.refused.items()}
        raise dg.Failure(
            f"{step.name} refused {len(reasons)} of {len(reasons) + len(done)} partitions: "
            + " | ".join(f"{key}: {reason}" for key, reason in reasons.items()),
            metadata={"refused": dg.MetadataValue.json(reasons)},
            allow_retries=False,
        )
    for partition in done:
        context.add_asset_metadata(metadata[partition], partition_key=partition.key)
    return dg.MaterializeResult()
