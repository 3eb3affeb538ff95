"""Both lanes' steps on one partition, in any order and at once: every item once, every table whole.

Steps are run without Dagster, so that a run can be stopped, or another begin, at a chosen place.
After every step its contract check must pass, as in a run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from feedback_assets.bronze.landing_step import BRONZE
from feedback_assets.fast_lane.screen_step import SCREEN
from feedback_assets.gold.assets import STEPS as GOLD
from feedback_assets.pipeline.contract_check import check_contract
from feedback_assets.pipeline.lanes import Lane, taken, under_way
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.pipeline.step import Step, run_step
from feedback_assets.review.validation_step import VALIDATION
from feedback_assets.silver.silver_step import SILVER
from feedback_assets.triage.cluster_step import CLUSTERS
from feedback_assets.triage.triage_step import TRIAGE_STEP
from resources.compute.base import SparkEngine
from tests.conftest import DAY, Land, ticket
from tests.fast_lane.conftest import CALM, URGENT

AFTER_BRONZE = [SILVER, *GOLD, CLUSTERS, TRIAGE_STEP, VALIDATION]
STEPS: dict[Lane, list[Step]] = {
    "batch": [BRONZE, *AFTER_BRONZE],
    "fast": [BRONZE, SCREEN, *AFTER_BRONZE],
}
Between = Callable[[Step], None]


def slow(place: str) -> Any:
    """A place more, of the kind that another one stands for when there is little time."""
    return pytest.param(place, marks=pytest.mark.slow)


class OnePartition:
    """One partition, its files, and runs of both lanes on it."""

    def __init__(self, runtime: Runtime, land: Land) -> None:
        self.runtime, self._land = runtime, land
        self.partition = land("zendesk", [], DAY, "none.jsonl")

    def land(self, name: str, texts: Sequence[str], first: int) -> None:
        records = [ticket(first + n, t, requester_id=first + n) for n, t in enumerate(texts)]
        self._land("zendesk", records, DAY, name)

    def run(self, lane: Lane, run_id: str, after: Between = lambda step: None) -> None:
        """All steps up to review, each with its check, and what is to happen after each."""
        runtime = replace(self.runtime, run_id=run_id)
        for step in STEPS[lane]:
            run_step(step, [self.partition], runtime, lane)
            after(step)
            self.check(step)

    def check(self, step: Step) -> None:
        (finding,) = check_contract(
            step.writes, [self.partition], self.runtime.lakehouse, step.row_for_row, "check"
        ).values()
        assert finding.state == "passed", (step.name, finding.told)

    def ids(self, table: str) -> list[str]:
        rows = self.runtime.lakehouse.scan(table, ["feedback_id"]).read_all()
        return sorted(rows.column("feedback_id").to_pylist())

    def holds(self, number: int) -> bool:
        """Whether each per-item table has so many items, each once."""
        found = {step.name: self.ids(step.name) for step in AFTER_BRONZE}
        return all(len(set(ids)) == len(ids) == number for ids in found.values())

    @property
    def open(self) -> list[str]:
        """Items that the fast lane is not through with."""
        items = under_way(self.runtime.lakehouse).get(self.partition, [])
        return [item.feedback_id for item in items]


@pytest.fixture
def partition(runtime: Runtime, land: Land, models_folder: object) -> OnePartition:
    runtime.models_folder.parent.mkdir(parents=True, exist_ok=True)
    runtime.models_folder.symlink_to(str(models_folder))
    return OnePartition(runtime, land)


class Killed(Exception):
    """Stands for the end of a process."""


@pytest.mark.parametrize("last", [slow("urgent_items"), "gold_topics", slow("validated_feedback")])
def test_a_fast_run_that_was_killed_is_completed_by_the_next(
    partition: OnePartition, last: str
) -> None:
    partition.land("a.jsonl", [*CALM, *URGENT], 1)

    def kill(step: Step) -> None:
        if step.name == last:
            raise Killed

    with pytest.raises(Killed):
        partition.run("fast", "first", kill)
    assert len(partition.open) == (0 if last == "validated_feedback" else len(URGENT))
    partition.run("fast", "second")
    assert partition.open == []
    assert partition.holds(len(URGENT))
    partition.run("batch", "third")
    assert partition.holds(len(CALM) + len(URGENT))


@pytest.mark.slow(reason="a fast run within a step is the harder case")
@pytest.mark.parametrize("place", [slow("bronze_feedback"), slow("silver_feedback"), "gold_topics"])
def test_a_fast_run_between_two_steps_of_the_batch(partition: OnePartition, place: str) -> None:
    partition.land("a.jsonl", CALM, 1)

    def urgent_ones_land(step: Step) -> None:
        if step.name == place:
            partition.check(step)
            partition.land("b.jsonl", URGENT, 101)
            partition.run("fast", "fast")

    partition.run("batch", "batch", urgent_ones_land)
    everything = len(CALM) + len(URGENT)
    assert partition.holds(everything)
    partition.run("batch", "again")
    assert partition.holds(everything)


@pytest.mark.slow(reason="a fast run within a step is the harder case")
@pytest.mark.parametrize(
    "place", [slow("silver_feedback"), "gold_topics", slow("feedback_clusters")]
)
def test_a_batch_between_two_steps_of_a_fast_run(partition: OnePartition, place: str) -> None:
    partition.land("a.jsonl", [*CALM, *URGENT], 1)
    seen = []

    def batch_comes(step: Step) -> None:
        if step.name == place:
            partition.check(step)
            partition.run("batch", "batch")
            # The fast lane is at work on the urgent ones: they are left to it.
            seen.append(len(partition.ids("validated_feedback")))

    partition.run("fast", "fast", batch_comes)
    assert seen == [len(CALM)]
    assert partition.holds(len(CALM) + len(URGENT))


class Interrupted:
    """An engine that lets something happen once, after a plan's first rows are read."""

    name = "interrupted"

    def __init__(self, engine: SparkEngine, happens: Callable[[], None]) -> None:
        self._engine, self._happens = engine, happens
        self.armed = False

    def session(self) -> Any:
        return self._engine.session()

    def stream(self, frame: Any) -> Iterator[pa.RecordBatch]:
        for batch in self._engine.stream(frame):
            if self.armed:
                self.armed = False
                # In a thread of its own: this one belongs to whoever writes the table.
                with ThreadPoolExecutor(1) as aside:
                    aside.submit(self._happens).result()
            yield batch

    def stop(self) -> None:
        """The engine is another's."""


@pytest.mark.parametrize("place", [slow("silver_feedback"), "gold_topics"])
def test_a_fast_run_within_a_step_of_the_batch(partition: OnePartition, place: str) -> None:
    partition.land("a.jsonl", CALM, 1)
    partition.run("batch", "first")
    runtime = partition.runtime

    def fast_run() -> None:
        partition.land("b.jsonl", URGENT, 101)
        partition.run("fast", "fast")

    engine = Interrupted(runtime.engine, fast_run)
    for step in STEPS["batch"]:
        engine.armed = step.name == place
        run_step(step, [partition.partition], replace(runtime, run_id="batch", engine=engine))
        assert not engine.armed
        partition.check(step)
    assert partition.holds(len(CALM) + len(URGENT))
    assert len(taken(runtime.lakehouse)[partition.partition]) == len(URGENT)


def test_what_cannot_be_read_is_held_back_once_and_keeps_no_item_open(
    partition: OnePartition,
) -> None:
    partition.land("a.jsonl", [*CALM, *URGENT, URGENT[0]], 1)
    # The last one again, under the same id: a redelivery.
    partition.land("b.jsonl", [URGENT[0]], len(CALM) + 1)
    partition.run("fast", "fast")
    assert partition.open == []
    partition.run("batch", "batch")
    partition.run("fast", "nothing")
    assert partition.holds(len(CALM) + len(URGENT) + 1)
