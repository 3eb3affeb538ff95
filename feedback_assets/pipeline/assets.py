"""A step as Dagster sees it: a partitioned asset, and its blocking contract check.

Belongs here: the mapping from steps to assets and checks, partitions, and the compute
resource. Does not belong here: what a step does, and how verdicts are told (checks.py).
"""

import datetime as dt
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence

import dagster as dg

from feedback_assets.contracts.columns import Column, Table
from feedback_assets.contracts.partitions import SOURCES, Partition
from feedback_assets.pipeline.checks import verdict
from feedback_assets.pipeline.contract_check import check_contract
from feedback_assets.pipeline.gate import REQUIRED_CHECKS, contract_check_name, data_versions
from feedback_assets.pipeline.gate_overrides import overrides_in_force
from feedback_assets.pipeline.judgement import Finding, write_unjudged
from feedback_assets.pipeline.lanes import Lane, lane_of
from feedback_assets.pipeline.model_plan import ModelPlan
from feedback_assets.pipeline.runtime import (
    Progress,
    Runtime,
    build_engine,
    build_model_plan,
    build_runtime,
    silent,
)
from feedback_assets.pipeline.step import Step, StepReport, run_step
from resources.compute.base import SparkEngine
from resources.settings import Settings

FIRST_DAY = "2025-01-01"
OWNERS = ["team:feedback-data"]

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


class Compute:
    """Runs steps in this process on a Spark session that lives as long as the process.

    A plain object rather than a configurable resource: Dagster copies those by their fields,
    and an open engine must not be copied. Settings are read when a step first needs them, so
    that definitions load without any.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        engine: SparkEngine | None = None,
        progress: Progress = silent,
        model_plan: ModelPlan | None = None,
    ) -> None:
        """`model_plan` stands in for the settings'."""
        self._settings = settings
        self._engine = engine
        self._progress = progress
        self._model_plan = model_plan

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        if self._settings is None:
            self._settings = Settings()
        return self._settings

    def runtime(self, run_id: str) -> Runtime:
        """What a step of run `run_id` runs with."""
        if self._engine is None:
            self._engine = build_engine(self.settings)
        if self._model_plan is None:
            self._model_plan = build_model_plan(self.settings)
        return build_runtime(self.settings, run_id, self._engine, self._progress, self._model_plan)

    def run(
        self, step: Step, partitions: Sequence[Partition], run_id: str, lane: Lane = "batch"
    ) -> StepReport:
        """Run `step` on `partitions`, or on the fast lane's items in them."""
        return run_step(step, partitions, self.runtime(run_id), lane)

    def close(self) -> None:
        """Give back what the language model holds open."""
        if self._model_plan is not None:
            self._model_plan.close()


ComputeParam = dg.ResourceParam[Compute]


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
        partitions, lane = partitions_of(context.partition_keys), lane_of(context.run.tags)
        report = compute.run(step, partitions, context.run.run_id, lane)
        for note in report.notes:
            context.log.info(note)
        return _result(context, step, report, compute)

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


Judge = Callable[[Runtime, Sequence[Partition]], Mapping[Partition, Finding]]
"""Judges partitions and writes the verdicts to `gate_status`."""
JudgeAll = Callable[[Runtime, Sequence[Partition]], Mapping[str, Mapping[Partition, Finding]]]
"""The same for several checks, by name."""


def contract_check(step: Step) -> dg.AssetChecksDefinition:
    """The blocking check that a step's table keeps its contract, a verdict a partition."""

    def judge(runtime: Runtime, partitions: Sequence[Partition]) -> Mapping[Partition, Finding]:
        return check_contract(
            step.writes,
            partitions,
            runtime.lakehouse,
            step.row_for_row,
            runtime.run_id,
            runtime.quality_rules.freshness.action,
        )

    return partition_check(step.writes, contract_check_name(step.name), _promise(step), judge)


def partition_check(
    table: Table, name: str, description: str, judge: Judge, deps: Sequence[str] = ()
) -> dg.AssetChecksDefinition:
    """A blocking check of a table, a verdict a partition. `deps` names what else it reads."""

    def judge_all(
        runtime: Runtime, partitions: Sequence[Partition]
    ) -> Mapping[str, Mapping[Partition, Finding]]:
        return {name: judge(runtime, partitions)}

    return partition_checks(table, f"{table.name}_{name}", {name: description}, judge_all, deps)


def partition_checks(
    table: Table,
    op_name: str,
    descriptions: Mapping[str, str],
    judge: JudgeAll,
    deps: Sequence[str] = (),
) -> dg.AssetChecksDefinition:
    """Blocking checks of a table that are judged together, each with a verdict a partition.

    `descriptions` are by name of the check. `deps` names what else they read.
    """
    with warnings.catch_warnings():
        # Without partitions a pass in one partition would open the gate for another.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        specs = [
            dg.AssetCheckSpec(
                name=name,
                asset=dg.AssetKey(table.name),
                description=description,
                blocking=True,
                partitions_def=DAY_AND_SOURCE,
                additional_deps=list(deps),
            )
            for name, description in descriptions.items()
        ]

        @dg.multi_asset_check(name=op_name, specs=specs)
        def checks(
            context: dg.AssetCheckExecutionContext, compute: ComputeParam
        ) -> Iterator[dg.AssetCheckResult]:
            op = context.op_execution_context
            partitions = partitions_of(op.partition_keys)
            runtime = compute.runtime(op.run_id)
            try:
                found = judge(runtime, partitions)
            except Exception as error:
                write_unjudged(runtime.lakehouse, table, descriptions, partitions, error, op.run_id)
                raise
            overrides = overrides_in_force(runtime.lakehouse, partitions)
            for name in descriptions:
                yield verdict(op, name, table, found[name], overrides)

    return checks


def _promise(step: Step) -> str:
    told = [
        "Columns and types are the contract's, and every value meets its column's rules",
        *([f"({', '.join(step.writes.key)}) is unique in the partition"] * bool(step.writes.key)),
        *(["rows in = rows out + quarantined + dropped"] * step.row_for_row),
    ]
    gate = contract_check_name(step.name) in REQUIRED_CHECKS
    return "; ".join(told) + "." + " Tickets open only where it passed." * gate


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
    context: dg.AssetExecutionContext, step: Step, report: StepReport, compute: Compute
) -> dg.MaterializeResult[None]:
    """Metadata by partition; fails where partitions were refused, so they don't count as made."""
    done = list(report.counts)
    versions = data_versions(compute.runtime(context.run.run_id).lakehouse, step.writes, done)
    metadata: dict[Partition, dict[str, int | float | str]] = {
        partition: {
            "dagster/partition_row_count": int(counts.get("rows_out", 0)),
            **{name: int(counts[name]) for name in sorted(counts)},
            "seconds": round(report.seconds / len(done), 3),
            "table_version": versions[partition],
            "lane": lane_of(context.run.tags),
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
