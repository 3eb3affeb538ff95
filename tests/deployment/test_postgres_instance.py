"""The production instance of deploy/dagster.yaml, on a real PostgreSQL.

Skipped, saying why, where PostgreSQL is not installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    InProcessCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    SensorInstigatorData,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from feedback_assets.orchestration.instance import open_instance
from resources.compute.connect import SailEngine
from resources.lakehouse.delta import DeltaLakehouse
from resources.settings import Settings
from tests.conftest import PutOnRecord
from tests.postgres_server import NoPostgres, PostgresServer
from tests.shop import BAD, CHECK, GOOD, ITEMS, LAST, Shop, failures, land_complaints, let_pass

PROJECT = Path(__file__).parents[2]

pytest.importorskip("dagster_postgres", reason="dagster-postgres is not installed")


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    try:
        server = PostgresServer()
        server.__enter__()
    except NoPostgres as error:
        pytest.skip(f"no PostgreSQL: {error}")
    yield server
    server.__exit__()


@pytest.fixture
def production(
    postgres: PostgresServer, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Settings whose Dagster instance is deploy/dagster.yaml on `postgres`."""
    home = tmp_path / "instance"
    home.mkdir()
    shutil.copy(PROJECT / "deploy" / "dagster.yaml", home)
    for name, value in postgres.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DAGSTER_ARTIFACTS", str(tmp_path / "artifacts"))
    monkeypatch.setenv("DAGSTER_COMPUTE_LOGS", str(tmp_path / "logs"))
    return settings.model_copy(update={"dagster_home": home, "automation": "all"})


@pytest.fixture
def shop(
    production: Settings, engine: SailEngine, models_folder: Path, put_on_record: PutOnRecord
) -> Iterator[Shop]:
    production.home.mkdir(parents=True)
    production.models_folder.symlink_to(models_folder)
    land_complaints(production, GOOD, BAD)
    put_on_record(DeltaLakehouse(production.lakehouse_root))
    with open_instance(production) as instance:
        yield Shop(production, engine, instance)


def test_the_instance_is_what_the_file_says(production: Settings) -> None:
    with open_instance(production) as instance:
        for storage in (instance.run_storage, instance.event_log_storage):
            assert type(storage).__module__.startswith("dagster_postgres."), storage
        limits = instance.get_concurrency_config()
        assert limits.pool_config.default_pool_limit == 1
        queue = limits.run_queue_config
        assert queue is not None
        assert queue.max_concurrent_runs == 10
        assert [dict(limit) for limit in queue.tag_concurrency_limits] == [
            {"key": "dagster/backfill", "limit": 6},
            {"key": "feedback/lane", "value": "batch", "limit": 8},
        ]
        assert instance.run_monitoring_enabled


# The whole path twice, which takes half a minute on a busy machine.
@pytest.mark.slow
def test_from_landing_to_tickets_past_a_failed_check_by_an_override(shop: Shop) -> None:
    shop.compute.step = "validated_feedback"
    result = shop.run(GOOD, BAD)
    assert set(failures(result)) == {"tickets"}
    told = shop.verdicts("validated_feedback")
    assert told[GOOD.key] == ("SUCCEEDED", True)
    assert told[BAD.key] == ("FAILED", True)
    assert shop.made("tickets") == {GOOD.key}
    assert (shop.tickets_of(GOOD), shop.tickets_of(BAD)) == (ITEMS, 0)
    let_pass(shop)
    again = shop.run(BAD, only=LAST)
    assert again.success, failures(again)
    (said,) = [e for e in again.get_asset_check_evaluations() if e.check_name == CHECK]
    assert said.severity == dg.AssetCheckSeverity.WARN
    assert shop.made("tickets") == {GOOD.key, BAD.key}
    assert shop.tickets_of(BAD) == ITEMS


_RUN = """
import sys, time
from pathlib import Path
from feedback_assets.contracts.partitions import Partition
from feedback_assets.orchestration.instance import open_instance
from resources.compute.connect import SailEngine
from resources.settings import Settings
from tests.shop import Shop, failures

mine, meeting = Partition.parse(sys.argv[1]), Path(sys.argv[2])
settings = Settings()
with open_instance(settings) as instance:
    shop = Shop(settings, SailEngine(), instance)
    inner = shop.compute.run

    def run(step, partitions, run_id, **more):
        entered = time.monotonic()
        if step.name == "bronze_feedback":
            (meeting / mine.key).touch()
            while len(list(meeting.iterdir())) < 2:
                time.sleep(0.01)
                assert time.monotonic() < entered + 60, "the other run never came"
        else:
            time.sleep(1)
        report = inner(step, partitions, run_id, **more)
        print(step.name, entered, time.monotonic(), flush=True)
        return report

    shop.compute.run = run
    print(failures(shop.run(mine, only=["bronze_feedback", "silver_feedback"])))
"""


# Two more processes, each with an engine of its own.
@pytest.mark.slow
def test_two_runs_at_once_take_turns_where_a_pool_says_so(
    shop: Shop, production: Settings, tmp_path: Path
) -> None:
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    environment = {
        **os.environ,
        "FEEDBACK_HOME": str(production.home),
        "FEEDBACK_LANDING": production.landing_root,
        "FEEDBACK_DAGSTER_HOME": str(production.dagster_home),
        "PYTHONPATH": str(PROJECT),
    }
    runs = [
        subprocess.Popen(
            [sys.executable, "-P", "-c", _RUN, partition.key, str(meeting)],
            env=environment, stdout=subprocess.PIPE, text=True,
        )
        for partition in (GOOD, BAD)
    ]  # fmt: skip
    try:
        told = [run.communicate(timeout=120)[0].splitlines() for run in runs]
    finally:
        for run in runs:
            run.kill()
    assert [lines[-1] for lines in told] == ["{}", "{}"]
    spans = [
        {name: (float(start), float(end)) for name, start, end in map(str.split, lines[:-1])}
        for lines in told
    ]
    # Bronze has no pool: both were at work when they met. Silver's writers take turns.
    first, second = (span["bronze_feedback"] for span in spans)
    assert max(first[0], second[0]) < min(first[1], second[1])
    first, second = (span["silver_feedback"] for span in spans)
    assert max(first[0], second[0]) >= min(first[1], second[1])
    assert shop.made("silver_feedback") == {GOOD.key, BAD.key}


def test_runs_and_cursors_outlive_the_server(
    shop: Shop, postgres: PostgresServer, production: Settings
) -> None:
    run = shop.run(GOOD, only=["bronze_feedback"])
    assert run.success
    sensor = shop.defs.get_repository_def().get_sensor_def("new_landing_files")
    with dg.build_sensor_context(
        instance=shop.instance, resources={"compute": shop.compute}
    ) as context:
        cursor = sensor.evaluate_tick(context).cursor
    assert cursor
    here = LoadableTargetOrigin(module_name="feedback_assets.definitions")
    origin = RemoteInstigatorOrigin(
        RemoteRepositoryOrigin(InProcessCodeLocationOrigin(here), "__repository__"),
        "new_landing_files",
    )
    state = InstigatorState(
        origin,
        InstigatorType.SENSOR,
        InstigatorStatus.RUNNING,
        SensorInstigatorData(cursor=cursor),
    )
    shop.instance.add_instigator_state(state)
    postgres.stop()
    postgres.start()
    with open_instance(production) as later:
        kept = later.get_instigator_state(origin.get_id(), origin.get_selector().get_id())
        assert kept is not None
        assert isinstance(kept.instigator_data, SensorInstigatorData)
        assert kept.instigator_data.cursor == cursor
        remembered = later.get_run_by_id(run.run_id)
        assert remembered is not None
        assert remembered.is_success
        made = later.get_materialized_partitions(dg.AssetKey("bronze_feedback"))
        assert GOOD.key in made
