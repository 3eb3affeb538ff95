"""The landing sensor on a real landing zone, tick by tick."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import dagster as dg
import pytest

from feedback_assets.contracts.partitions import Partition
from feedback_assets.orchestration.backlog import Backlog
from feedback_assets.orchestration.sensors import SETTLED_AFTER, new_landing_files
from feedback_assets.pipeline.assets import DAY_AND_SOURCE, FIRST_DAY
from feedback_assets.pipeline.compute import Compute
from resources.settings import Settings
from tests.conftest import Land

TODAY = dt.datetime.now(dt.UTC).date()
LONG_AGO = dt.timedelta(hours=1)
JUST_NOW = SETTLED_AFTER / 100


class Sensor:
    """Ticks the sensor, and keeps its cursor between ticks as the daemon does."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.cursor: str | None = None

    def tick(self) -> list[dg.RunRequest]:
        with (
            dg.instance_for_test() as instance,
            dg.build_sensor_context(
                instance=instance,
                cursor=self.cursor,
                resources={"compute": Compute(self._settings)},
            ) as context,
        ):
            result = new_landing_files(context)
            if isinstance(result, dg.SkipReason):
                self.cursor = context.cursor
                return []
            assert isinstance(result, dg.SensorResult)
            self.cursor = result.cursor
            return list(result.run_requests or [])

    def keys(self) -> list[str]:
        return [str(request.partition_key) for request in self.tick()]


@pytest.fixture
def sensor(settings: Settings) -> Sensor:
    return Sensor(settings)


def age(settings: Settings, partition: Partition, by: dt.timedelta, name: str = "a.jsonl") -> Path:
    folder = Path(settings.landing_root) / partition.source / partition.day.isoformat()
    changed = (dt.datetime.now(dt.UTC) - by).timestamp()
    os.utime(folder / name, (changed, changed))
    return folder / name


def test_an_empty_zone_starts_nothing(sensor: Sensor) -> None:
    assert sensor.tick() == []


def test_a_new_file_starts_one_run(sensor: Sensor, settings: Settings, land: Land) -> None:
    partition = land("survey", [{"answer": "slow"}], TODAY, "a.jsonl")
    age(settings, partition, LONG_AGO)
    (request,) = sensor.tick()
    assert isinstance(request.partition_key, dg.MultiPartitionKey)
    assert request.partition_key.keys_by_dimension == {
        "day": TODAY.isoformat(),
        "source": "survey",
    }
    assert sensor.tick() == []


def test_all_files_of_a_partition_share_a_run(
    sensor: Sensor, settings: Settings, land: Land
) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        age(settings, land("survey", ["{}"], TODAY, name), LONG_AGO, name)
    age(settings, land("zendesk", ["{}"], TODAY, "a.jsonl"), LONG_AGO)
    assert sensor.keys() == [f"{TODAY}|survey", f"{TODAY}|zendesk"]


def test_a_growing_file_waits_until_it_stands_still(
    sensor: Sensor, settings: Settings, land: Land
) -> None:
    partition = land("survey", ["{}"], TODAY, "a.jsonl")
    age(settings, partition, JUST_NOW)
    assert sensor.tick() == []
    land("survey", ["{}", "{}"], TODAY, "a.jsonl")
    age(settings, partition, JUST_NOW)
    assert sensor.tick() == []
    assert sensor.keys() == [partition.key]


def test_a_changed_file_starts_a_run_of_its_own(
    sensor: Sensor, settings: Settings, land: Land
) -> None:
    partition = land("survey", ["{}"], TODAY, "a.jsonl")
    age(settings, partition, 2 * LONG_AGO)
    (first,) = sensor.tick()
    land("survey", ["{}", "{}"], TODAY, "a.jsonl")
    age(settings, partition, LONG_AGO)
    (second,) = sensor.tick()
    assert second.partition_key == first.partition_key
    # Dagster starts no second run for a key it has seen.
    assert second.run_key != first.run_key


def test_a_lost_cursor_asks_for_the_same_runs(
    sensor: Sensor, settings: Settings, land: Land
) -> None:
    age(settings, land("survey", ["{}"], TODAY, "a.jsonl"), LONG_AGO)
    (first,) = sensor.tick()
    sensor.cursor = None
    (again,) = sensor.tick()
    assert again.run_key == first.run_key


def test_names_that_writers_use_while_they_write_are_passed_over(
    sensor: Sensor, settings: Settings, land: Land
) -> None:
    for name in (".a.jsonl", "_a.jsonl"):
        age(settings, land("survey", ["{}"], TODAY, name), LONG_AGO, name)
    assert sensor.tick() == []


@pytest.mark.parametrize(
    "day", [dt.date.fromisoformat(FIRST_DAY) - dt.timedelta(days=1), TODAY + dt.timedelta(days=2)]
)
def test_a_day_without_a_partition_is_left_alone(
    sensor: Sensor, settings: Settings, land: Land, day: dt.date
) -> None:
    age(settings, land("survey", ["{}"], day, "a.jsonl"), LONG_AGO)
    good = land("survey", ["{}"], TODAY, "a.jsonl")
    age(settings, good, LONG_AGO)
    assert sensor.keys() == [good.key]
    assert sensor.tick() == []


def test_each_run_asked_for_is_a_partition_of_the_job(
    sensor: Sensor, settings: Settings, land: Land
) -> None:
    for day in (dt.date.fromisoformat(FIRST_DAY), TODAY):
        age(settings, land("survey", ["{}"], day, "a.jsonl"), LONG_AGO)
    keys = sensor.keys()
    assert len(keys) == 2
    assert all(DAY_AND_SOURCE.has_partition_key(key) for key in keys)


def test_what_feedback_run_has_done_starts_nothing(
    sensor: Sensor, settings: Settings, land: Land
) -> None:
    done = land("survey", [{"response_id": "s1", "answer": "fine"}], name="a.jsonl")
    age(settings, done, LONG_AGO)
    Backlog(settings).record([done])
    assert sensor.keys() == []
    land("survey", [{"response_id": "s2", "answer": "late"}], name="b.jsonl")
    age(settings, done, LONG_AGO, "b.jsonl")
    assert sensor.keys() == [done.key]


def test_partitions_share_a_run_where_settings_say_so(settings: Settings, land: Land) -> None:
    several = settings.model_copy(update={"partitions_per_run": 4})
    days = [TODAY - dt.timedelta(days=n) for n in range(3)]
    landed = [land(source, ["{}"], day) for day in days for source in ("app_store", "zendesk")]
    for partition in landed:
        age(several, partition, LONG_AGO, "feed.jsonl")
    first, second = Sensor(several).tick()
    assert first.partition_key is None
    assert first.tags["dagster/asset_partition_range_start"] == f"{min(days)}|app_store"
    assert first.tags["dagster/asset_partition_range_end"] == f"{days[1]}|zendesk"
    assert second.tags["dagster/asset_partition_range_end"] == f"{TODAY}|zendesk"
    assert first.run_key != second.run_key
