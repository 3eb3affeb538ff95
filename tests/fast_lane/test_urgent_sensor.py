"""The fast lane's sensor on a real landing zone and instance, tick by tick."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from feedback_assets.contracts.ledgers import LANDING_ARRIVALS, URGENT_ITEMS
from feedback_assets.contracts.partitions import Partition
from feedback_assets.orchestration.backlog import Backlog
from feedback_assets.orchestration.sensors import LONGEST_WAIT, new_landing_files
from feedback_assets.orchestration.urgent_sensor import (
    INTERVAL,
    SETTLED_AFTER,
    TRY_AGAIN_FOR,
    urgent_feedback,
)
from feedback_assets.pipeline.compute import Compute
from feedback_assets.pipeline.lanes import LANE_TAG
from resources.lakehouse.delta import DeltaLakehouse
from resources.settings import Settings
from tests.conftest import Land

TODAY = dt.datetime.now(dt.UTC).date()
PARTITION = Partition(TODAY, "survey")
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


class Ticking:
    """Ticks a sensor, and keeps its cursor between ticks as the daemon does."""

    def __init__(
        self, sensor: dg.SensorDefinition, settings: Settings, instance: dg.DagsterInstance
    ) -> None:
        self.sensor, self.settings, self.instance = sensor, settings, instance
        self.cursor: str | None = None

    def tick(self) -> list[str]:
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            resources={"compute": Compute(self.settings)},
        ) as context:
            result = self.sensor(context)
            if isinstance(result, dg.SkipReason):
                self.cursor = context.cursor
                return []
            assert isinstance(result, dg.SensorResult)
            self.cursor = result.cursor
            return [str(request.partition_key) for request in result.run_requests or []]


@pytest.fixture
def urgent(settings: Settings, instance: dg.DagsterInstance) -> Ticking:
    return Ticking(urgent_feedback, settings, instance)


@pytest.fixture
def batch(settings: Settings, instance: dg.DagsterInstance) -> Ticking:
    return Ticking(new_landing_files, settings, instance)


def landed(settings: Settings, land: Land, ago: dt.timedelta, name: str = "a.jsonl") -> None:
    land("survey", ["{}"], TODAY, name)
    path = Path(settings.landing_root) / "survey" / TODAY.isoformat() / name
    changed = (dt.datetime.now(dt.UTC) - ago).timestamp()
    os.utime(path, (changed, changed))


def begin(instance: dg.DagsterInstance, status: dg.DagsterRunStatus) -> str:
    """A run of the fast lane on the partition, as the instance knows it."""
    run = instance.create_run_for_job(
        _nothing,
        tags={LANE_TAG: "fast", "dagster/partition": PARTITION.key},
        status=status,
    )
    return run.run_id


@dg.job
def _nothing() -> None:
    pass


def test_a_file_is_taken_note_of_within_a_minute(
    urgent: Ticking, settings: Settings, land: Land
) -> None:
    # The longest way: it settles just after a tick, and the next one is late by an interval.
    assert dt.timedelta(minutes=1) > SETTLED_AFTER + 2 * INTERVAL
    landed(settings, land, SETTLED_AFTER / 2)
    assert urgent.tick() == []
    assert urgent.tick() == [PARTITION.key]
    assert urgent.tick() == []


def test_it_comes_before_the_batch(
    urgent: Ticking, batch: Ticking, settings: Settings, land: Land
) -> None:
    landed(settings, land, SETTLED_AFTER * 1.5)
    assert batch.tick() == []
    assert urgent.tick() == [PARTITION.key]


def test_old_days_and_what_is_done_are_left_alone(
    urgent: Ticking, settings: Settings, land: Land
) -> None:
    land("survey", ["{}"], TODAY - dt.timedelta(days=10))
    landed(settings, land, MINUTE)
    Backlog(settings).record([PARTITION])
    assert urgent.tick() == []


def test_the_batch_waits_for_the_fast_lane_but_not_for_ever(
    urgent: Ticking, batch: Ticking, settings: Settings, land: Land
) -> None:
    landed(settings, land, LONGEST_WAIT * 2, "old.jsonl")
    assert batch.tick() == [PARTITION.key]
    landed(settings, land, MINUTE, "new.jsonl")
    run = begin(urgent.instance, dg.DagsterRunStatus.STARTED)
    assert batch.tick() == batch.tick() == []
    assert urgent.tick() == []
    # It has ended, and the file is still to be asked for, by both.
    urgent.instance.report_run_canceled(urgent.instance.get_run_by_id(run))
    assert batch.tick() == urgent.tick() == [PARTITION.key]


def test_the_batch_goes_on_where_files_keep_coming(
    batch: Ticking, settings: Settings, land: Land
) -> None:
    begin(batch.instance, dg.DagsterRunStatus.STARTED)
    landed(settings, land, LONGEST_WAIT * 1.1)
    assert batch.tick() == [PARTITION.key]


@pytest.mark.parametrize(("ago", "asked"), [(MINUTE, True), (TRY_AGAIN_FOR * 2, False)])
def test_what_a_run_left_half_done_is_tried_again_for_a_while(
    urgent: Ticking, settings: Settings, ago: dt.timedelta, asked: bool
) -> None:
    row = {
        "day": PARTITION.day, "source": PARTITION.source, "feedback_id": "i", "origin": "f#1",
        "rule_ids": ["severe"], "through": False, "received_at": None,
        "recorded_at": dt.datetime.now(dt.UTC) - ago, "run_id": "r",
    }  # fmt: skip
    DeltaLakehouse(settings.lakehouse_root).append(
        URGENT_ITEMS, [pa.RecordBatch.from_pylist([row], schema=URGENT_ITEMS.schema)]
    )
    begin_and_end = begin(urgent.instance, dg.DagsterRunStatus.STARTED)
    assert urgent.tick() == []
    run = urgent.instance.get_run_by_id(begin_and_end)
    assert run is not None
    urgent.instance.delete_run(run.run_id)
    assert urgent.tick() == [PARTITION.key] * asked


def test_arrivals_are_read_from_their_table_where_that_is_set(
    urgent: Ticking, settings: Settings, land: Land
) -> None:
    urgent.settings = settings.model_copy(update={"arrivals": "table"})
    landed(settings, land, MINUTE)
    assert urgent.tick() == []
    now = dt.datetime.now(dt.UTC)
    row = {
        "day": PARTITION.day, "source": PARTITION.source, "path": f"survey/{TODAY}/a.jsonl",
        "size": 3, "modified": now - MINUTE, "recorded_at": now,
    }  # fmt: skip
    batch = pa.RecordBatch.from_pylist([row], schema=LANDING_ARRIVALS.schema)
    DeltaLakehouse(settings.lakehouse_root).append(LANDING_ARRIVALS, [batch])
    assert urgent.tick() == [PARTITION.key]
    DeltaLakehouse(settings.lakehouse_root).append(LANDING_ARRIVALS, [batch])
    assert urgent.tick() == []
