"""Work done on Databricks: what is ordered, and what becomes of the answers.

Belongs here: which works share a job run, and that a work without an answer has failed. Does not
belong here: following a job run (resources/compute) and carrying an order out (carrying_out.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import dagster as dg

from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.tables import TABLES
from feedback_assets.pipeline.held_pools import pools_held
from feedback_assets.pipeline.lanes import lane_of
from feedback_assets.pipeline.step import Step, StepReport
from feedback_assets.pipeline.wire import Answer, Order, OrderedWork
from feedback_assets.pipeline.work import Judged, Judging, Routine, RoutineReport
from resources.compute.databricks import DatabricksJobs, JobRun
from resources.settings import Settings

Key = tuple[str, str, tuple[str, ...]]
"""A work of a Dagster run on partitions: run id, name, keys."""
NOTHING_SAID = (
    "the job run ended as a success and reported nothing: what it did is unknown; is "
    "FEEDBACK_DATABRICKS_WHEEL the wheel of this version?"
)


class DatabricksCompute:
    """Has work done in a workspace; remembers the answers that came with those asked for.

    A step shares its job run with the checks that wait for it alone, or with all that follows in
    the Dagster run, as settings say; when Dagster comes to those, their answers are there already.
    A run of the fast lane is always one job run.
    """

    def __init__(self, settings: Settings, jobs: DatabricksJobs | None = None) -> None:
        """`jobs` stands in for the settings' workspace."""
        self._settings = settings
        self._jobs = jobs or DatabricksJobs(settings.databricks)
        self._answers: dict[Key, tuple[Answer | str, JobRun]] = {}
        self._done: set[Key] = set()

    def run(
        self, step: Step, partitions: Sequence[Partition], context: dg.OpExecutionContext
    ) -> StepReport:
        """The report of `step` on `partitions`, done in a job run."""
        answer, page = self._answer(step.name, partitions, context)
        return replace(answer.step_report(), run_page=page)

    def judge(
        self, judging: Judging, partitions: Sequence[Partition], context: dg.OpExecutionContext
    ) -> Judged:
        """What `judging` finds, in the job run of the step before it where that was shared."""
        answer, page = self._answer(judging.name, partitions, context)
        return replace(answer.judged(), run_page=page)

    def do(self, routine: Routine, context: dg.OpExecutionContext) -> RoutineReport:
        """The report of `routine`, done in a job run."""
        answer, page = self._answer(routine.name, [], context)
        return replace(answer.routine_report(), run_page=page)

    def _answer(
        self, name: str, partitions: Sequence[Partition], context: dg.OpExecutionContext
    ) -> tuple[Answer, str]:
        keys = tuple(sorted(partition.key for partition in partitions))
        mine = (context.run_id, name, keys)
        if mine not in self._answers:
            self._ask(mine, context)
        # Given once: a work that is run again in the same Dagster run is done again.
        answer, run = self._answers.pop(mine)
        if isinstance(answer, str):
            raise dg.Failure(f"{name} on Databricks: {answer}", metadata=run.metadata)
        context.log.info(f"done in job run {run.run_id}: {run.page or 'no page'}")
        return answer, run.page

    def _ask(self, mine: Key, context: dg.OpExecutionContext) -> None:
        run_id, name, keys = mine
        # What another Dagster run never came for is of no use.
        self._answers = {key: kept for key, kept in self._answers.items() if key[0] == run_id}
        self._done = {key for key in self._done if key[0] == run_id}
        works = self._together(mine, context)
        names = [work.name for work in works]
        order = Order(
            works=works,
            partitions=list(keys),
            run_id=run_id,
            lane=lane_of(context.run.tags),
            settings=self._settings.for_the_cluster(),
            secret_scope=self._settings.databricks.secret_scope,
        )
        with pools_held(context, names[1:]):
            run = self._jobs.run(context, f"{name} {_span(keys)}".strip(), order.model_dump())
        answers = [Answer.model_validate(message) for message in run.messages]
        for answer in answers:
            key = (run_id, answer.work, keys)
            self._answers[key] = (answer.failure or answer, run)
            self._done.add(key)
        missing = [work for work in names if work not in {answer.work for answer in answers}]
        if run.failure and not any(answer.failure for answer in answers):
            # What has no answer was under way; where all have one, the job run still failed.
            self._answers[run_id, missing[0] if missing else name, keys] = (run.failure, run)
        elif name in missing:
            self._answers[mine] = (NOTHING_SAID, run)

    def _together(self, mine: Key, context: dg.OpExecutionContext) -> list[OrderedWork]:
        """The works of the Dagster run that share a job run with `mine`, which is the first."""
        run_id, name, keys = mine
        planned = [node.name for node in context.job_def.nodes_in_topological_order]
        following = planned[planned.index(name) + 1 :]
        before = _before(context.job_def)
        # Urgent items can't wait for compute to start at each step.
        if self._settings.databricks.share == "step" and lane_of(context.run.tags) == "batch":
            following = _checks_at_hand(name, following, before)
        chosen = [name, *(work for work in following if (run_id, work, keys) not in self._done)]
        return [
            OrderedWork(name=work, after=sorted(before[work].intersection(chosen)))
            for work in chosen
        ]


def _checks_at_hand(
    name: str, following: Sequence[str], before: Mapping[str, set[str]]
) -> list[str]:
    """Checks that can be judged as soon as step `name` is done: they wait for nothing later."""
    later = set(following)
    return [
        work
        for work in following
        if work not in TABLES and name in before[work] and not before[work] & later
    ]


def _before(job: dg.JobDefinition) -> dict[str, set[str]]:
    """The ops that each op of `job` comes after, near and far."""
    near: dict[str, set[str]] = {}
    for op, inputs in job.graph.dependencies.items():
        upstream = (given.get_node_dependencies() for given in inputs.values())
        near[op.alias or op.name] = {given.node for each in upstream for given in each}
    far: dict[str, set[str]] = {}
    for node in job.nodes_in_topological_order:
        given = near.get(node.name, set())
        far[node.name] = given.union(*(far[name] for name in given))
    return far


def _span(keys: Sequence[str]) -> str:
    if len(keys) <= 1:
        return "".join(keys)
    return f"{keys[0]} to {keys[-1]} ({len(keys)} partitions)"
