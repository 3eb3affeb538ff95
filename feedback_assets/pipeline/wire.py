"""Orders to another machine and its answers, as JSON and back.

Belongs here: their form, on both ends. Does not belong here: how they travel, and carrying out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, TypeAdapter

from feedback_assets.contracts.partitions import Partition
from feedback_assets.pipeline.gate_overrides import GateOverride
from feedback_assets.pipeline.judgement import Finding
from feedback_assets.pipeline.lanes import Lane
from feedback_assets.pipeline.step import StepReport
from feedback_assets.pipeline.work import CheckReport, Judged, RoutineReport

_OVERRIDES = TypeAdapter(list[GateOverride])


class OrderedWork(BaseModel):
    """A work by name, and the works of the order that must have gone well before it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    after: list[str] = []


class Order(BaseModel):
    """Works in order, on partitions by key, for the Dagster run `run_id`.

    `settings` are those of the orchestrator that are no secrets, by field; secrets are read from
    the secret scope named.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    works: list[OrderedWork]
    partitions: list[str]
    run_id: str
    lane: Lane = "batch"
    settings: dict[str, Any]
    secret_scope: str | None = None


class Answer(BaseModel):
    """What became of one work."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    work: str
    kind: Literal["step", "judging", "routine", "failed"]
    body: dict[str, Any]

    @classmethod
    def of_step(cls, name: str, report: StepReport) -> Self:
        """The answer that is a step's report."""
        body = {
            "counts": _keyed(report.counts),
            "refused": _keyed(report.refused),
            "versions": _keyed(report.versions),
            "seconds": report.seconds,
            "notes": report.notes,
        }
        return cls(work=name, kind="step", body=body)

    @classmethod
    def of_failure(cls, name: str, error: Exception) -> Self:
        """The answer that a work failed, with the error's words."""
        return cls(work=name, kind="failed", body={"error": f"{type(error).__name__}: {error}"})

    @classmethod
    def of_judging(cls, name: str, judged: Judged) -> Self:
        """The answer that is a judging's findings."""
        body = {
            "findings": {
                check: {partition.key: asdict(finding) for partition, finding in found.items()}
                for check, found in judged.findings.items()
            },
            "overrides": _OVERRIDES.dump_python(list(judged.overrides.values()), mode="json"),
        }
        return cls(work=name, kind="judging", body=body)

    @classmethod
    def of_routine(cls, name: str, report: RoutineReport) -> Self:
        """The answer that is a routine's report."""
        return cls(work=name, kind="routine", body=asdict(report))

    @property
    def failure(self) -> str:
        """Why the work failed, or ""."""
        return str(self.body["error"]) if self.kind == "failed" else ""

    def step_report(self) -> StepReport:
        """The report of a step. Raises `ValueError` where this answers something else."""
        body = self._of("step")
        return StepReport(
            self.work,
            _parsed(body["counts"]),
            body["seconds"],
            _parsed(body["refused"]),
            body["notes"],
            _parsed(body["versions"]),
        )

    def judged(self) -> Judged:
        """The findings of a judging. Raises `ValueError` where this answers something else."""
        body = self._of("judging")
        overrides = _OVERRIDES.validate_python(body["overrides"])
        return Judged(
            {
                check: {Partition.parse(key): Finding(**fields) for key, fields in found.items()}
                for check, found in body["findings"].items()
            },
            {(override.partition, override.check): override for override in overrides},
        )

    def routine_report(self) -> RoutineReport:
        """The report of a routine. Raises `ValueError` where this answers something else."""
        body = dict(self._of("routine"))
        checks = {name: CheckReport(**fields) for name, fields in body.pop("checks").items()}
        return RoutineReport(**body, checks=checks)

    def _of(self, kind: str) -> dict[str, Any]:
        if self.kind != kind:
            raise ValueError(f"{self.work} was asked for as a {kind} and answered as {self.kind}")
        return self.body


def _keyed(by_partition: Mapping[Partition, Any]) -> dict[str, Any]:
    return {partition.key: value for partition, value in by_partition.items()}


def _parsed(by_key: Mapping[str, Any]) -> dict[Partition, Any]:
    return {Partition.parse(key): value for key, value in by_key.items()}
