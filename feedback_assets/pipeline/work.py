"""Work that has a name, so that another machine can be asked for it.

Belongs here: what checks and unpartitioned assets do, as plain values beside `Step`, and the
registry of all three. Does not belong here: Dagster, and where work is carried out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from feedback_assets.contracts.columns import Table
from feedback_assets.contracts.partitions import Partition
from feedback_assets.pipeline.contract_check import check_contract
from feedback_assets.pipeline.gate import REQUIRED_CHECKS, contract_check_name
from feedback_assets.pipeline.gate_overrides import GateOverride
from feedback_assets.pipeline.judgement import Finding
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.pipeline.step import Step

Judge = Callable[[Runtime, Sequence[Partition]], Mapping[Partition, Finding]]
"""Judges partitions and writes the verdicts to `gate_status`."""
JudgeAll = Callable[[Runtime, Sequence[Partition]], Mapping[str, Mapping[Partition, Finding]]]
"""The same for several checks, by name."""
Overrides = Mapping[tuple[Partition, str], GateOverride]


@dataclass(frozen=True)
class Judging:
    """Blocking checks of a table that are judged together, a verdict each a partition.

    `descriptions` are by name of the check. `deps` names the tables they read beside their own.
    """

    name: str
    table: Table
    descriptions: Mapping[str, str]
    judge: JudgeAll
    deps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judged:
    """What a judging found, and the operators' words against it that are in force.

    `run_page` is the address of the job run that did it, where another machine did.
    """

    findings: Mapping[str, Mapping[Partition, Finding]]
    overrides: Overrides
    run_page: str = ""


@dataclass(frozen=True)
class CheckReport:
    """The verdict of a check that has no partitions. `markdown` is for whoever looks closer."""

    state: str
    told: str
    figures: Mapping[str, int | float] = field(default_factory=dict)
    markdown: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, finding: Finding) -> CheckReport:
        """The report of a finding."""
        return cls(finding.state, finding.told, {"broken": finding.broken})


@dataclass(frozen=True)
class RoutineReport:
    """What a routine did: figures, and longer words as JSON or Markdown, by name.

    `warnings` are for the run's log, `checks` are verdicts by name of the check. `run_page` is the
    address of the job run that did it, where another machine did.
    """

    figures: Mapping[str, int | float | str | bool] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    markdown: Mapping[str, str] = field(default_factory=dict)
    data_version: str | None = None
    warnings: Sequence[str] = ()
    checks: Mapping[str, CheckReport] = field(default_factory=dict)
    run_page: str = ""


@dataclass(frozen=True)
class Routine:
    """Work on no partition, such as training a model."""

    name: str
    do: Callable[[Runtime], RoutineReport]


class Works:
    """All work by name."""

    def __init__(
        self, steps: Sequence[Step], judgings: Sequence[Judging], routines: Sequence[Routine]
    ) -> None:
        """Raises `ValueError` when a name is used twice."""
        self.steps = {step.name: step for step in steps}
        self.judgings = {judging.name: judging for judging in judgings}
        self.routines = {routine.name: routine for routine in routines}
        self.names = [*self.steps, *self.judgings, *self.routines]
        if len(set(self.names)) < len(steps) + len(judgings) + len(routines):
            raise ValueError(f"a name is used twice among {sorted(self.names)}")


def contract_judging(step: Step) -> Judging:
    """The judging whether a step's table keeps its contract."""

    def judge(runtime: Runtime, partitions: Sequence[Partition]) -> Mapping[Partition, Finding]:
        return check_contract(
            step.writes,
            partitions,
            runtime.lakehouse,
            step.row_for_row,
            runtime.run_id,
            runtime.quality_rules.freshness.action,
        )

    return judging(step.writes, contract_check_name(step.name), _promise(step), judge)


def judging(
    table: Table, name: str, description: str, judge: Judge, deps: Sequence[str] = ()
) -> Judging:
    """The judging of a single check."""

    def judge_all(
        runtime: Runtime, partitions: Sequence[Partition]
    ) -> Mapping[str, Mapping[Partition, Finding]]:
        return {name: judge(runtime, partitions)}

    return Judging(f"{table.name}_{name}", table, {name: description}, judge_all, tuple(deps))


def _promise(step: Step) -> str:
    told = [
        "Columns and types are the contract's, and every value meets its column's rules",
        *([f"({', '.join(step.writes.key)}) is unique in the partition"] * bool(step.writes.key)),
        *(["rows in = rows out + quarantined + dropped"] * step.row_for_row),
    ]
    gate = contract_check_name(step.name) in REQUIRED_CHECKS
    return "; ".join(told) + "." + " Tickets open only where it passed." * gate
