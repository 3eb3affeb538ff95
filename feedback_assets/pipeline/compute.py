"""The compute resource: where the work of assets and checks is done.

Belongs here: choosing between this process and Databricks, and doing it here. Does not belong
here: how a workspace is asked (remote.py), and how results look in Dagster (assets.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import dagster as dg

from feedback_assets.contracts.partitions import Partition
from feedback_assets.pipeline.carrying_out import judge
from feedback_assets.pipeline.lanes import lane_of
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
from feedback_assets.pipeline.work import Judged, Judging, Routine, RoutineReport
from resources.compute.base import SparkEngine
from resources.settings import Settings


class Elsewhere(Protocol):
    """Another machine that carries out work by name."""

    def run(
        self, step: Step, partitions: Sequence[Partition], context: dg.OpExecutionContext
    ) -> StepReport:
        """The report of `step` on `partitions`."""
        ...

    def judge(
        self, judging: Judging, partitions: Sequence[Partition], context: dg.OpExecutionContext
    ) -> Judged:
        """What `judging` finds in `partitions`."""
        ...

    def do(self, routine: Routine, context: dg.OpExecutionContext) -> RoutineReport:
        """The report of `routine`."""
        ...


class Compute:
    """Does work in this process, or on Databricks where the profile says so.

    Here it runs on a Spark session that lives as long as the process. A plain object rather than
    a configurable resource: Dagster copies those by their fields, and an open engine must not be
    copied. Settings are read when work is first to be done, so that definitions load without any.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        engine: SparkEngine | None = None,
        progress: Progress = silent,
        model_plan: ModelPlan | None = None,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        """`model_plan` and `elsewhere` stand in for the settings'."""
        self._settings = settings
        self._engine = engine
        self._progress = progress
        self._model_plan = model_plan
        self._elsewhere = elsewhere

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        if self._settings is None:
            self._settings = Settings()
        return self._settings

    def runtime(self, run_id: str) -> Runtime:
        """What work of run `run_id` runs with in this process."""
        if self._engine is None:
            self._engine = build_engine(self.settings)
        if self._model_plan is None:
            self._model_plan = build_model_plan(self.settings)
        return build_runtime(self.settings, run_id, self._engine, self._progress, self._model_plan)

    def run(
        self, step: Step, partitions: Sequence[Partition], context: dg.OpExecutionContext
    ) -> StepReport:
        """Run `step` on `partitions`; of a run of the fast lane, on its items in them."""
        elsewhere = self.elsewhere
        if elsewhere is not None:
            return elsewhere.run(step, partitions, context)
        lane = lane_of(context.run.tags)
        return run_step(step, partitions, self.runtime(context.run_id), lane)

    def judge(
        self, judging: Judging, partitions: Sequence[Partition], context: dg.OpExecutionContext
    ) -> Judged:
        """Judge `partitions`; the verdicts are then on record."""
        elsewhere = self.elsewhere
        if elsewhere is not None:
            return elsewhere.judge(judging, partitions, context)
        return judge(judging, partitions, self.runtime(context.run_id))

    def do(self, routine: Routine, context: dg.OpExecutionContext) -> RoutineReport:
        """Do `routine`."""
        elsewhere = self.elsewhere
        if elsewhere is not None:
            return elsewhere.do(routine, context)
        return routine.do(self.runtime(context.run_id))

    @property
    def elsewhere(self) -> Elsewhere | None:
        """Databricks, where the profile says so; a Spark Connect address keeps the work here."""
        if self._elsewhere is None and self._engine is None:
            settings = self.settings
            if settings.profile == "databricks" and not settings.spark_remote:
                # The workspace's client takes seconds to load, which embedded runs need not spend.
                from feedback_assets.pipeline.remote import DatabricksCompute

                self._elsewhere = DatabricksCompute(settings)
        return self._elsewhere

    def close(self) -> None:
        """Give back what the language model holds open."""
        if self._model_plan is not None:
            self._model_plan.close()


ComputeParam = dg.ResourceParam[Compute]
