"""From landing files in an object store to tickets, with the tables there too."""

from __future__ import annotations

import gzip
import json
import traceback
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from pydantic import SecretStr

from feedback_assets.bronze.landing_step import BRONZE
from feedback_assets.orchestration.instance import open_instance
from feedback_assets.pipeline.runtime import build_runtime
from feedback_assets.pipeline.step import StepContext, run_step
from feedback_assets.silver.silver_step import SILVER
from resources.compute.connect import SailEngine
from resources.lakehouse.opening import open_lakehouse
from resources.settings import Settings
from resources.storage.options import read_options
from resources.storage.troubles import StorageTrouble
from tests.conftest import PutOnRecord, rows, ticket
from tests.s3_emulator import SECRET_KEY
from tests.shop import COMPLAINTS, GOOD, ITEMS, Shop, failures
from tests.stores import Place

FOLDER = f"landing/{GOOD.source}/{GOOD.day}"


def lines(*numbers: int) -> bytes:
    """Some of the complaints as a supplier's export."""
    return b"".join(orjson.dumps(ticket(n, COMPLAINTS[n])) + b"\n" for n in numbers)


@pytest.fixture
def stored_settings(s3_place: Place, tmp_path: Path, models_folder: Path) -> Settings:
    """Settings with landing zone and tables in the store; the rest of the home is a folder."""
    settings = Settings(
        home=tmp_path / "home",
        landing=f"{s3_place.root}/landing",
        lakehouse=f"{s3_place.root}/lakehouse",
        storage_options=SecretStr(json.dumps(s3_place.options)),
        profile="embedded",
        automation="all",
    )
    settings.home.mkdir()
    settings.models_folder.symlink_to(models_folder)
    return settings


@pytest.fixture
def store_engine(stored_settings: Settings) -> Iterator[SailEngine]:
    """An engine of its own: the shared one knows no store."""
    engine = SailEngine(read_options(stored_settings.storage_options))
    yield engine
    engine.stop()


@pytest.fixture
def shop(
    stored_settings: Settings, store_engine: SailEngine, put_on_record: PutOnRecord
) -> Iterator[Shop]:
    put_on_record(open_lakehouse(stored_settings))
    with open_instance(stored_settings) as instance:
        yield Shop(stored_settings, store_engine, instance)


def test_steps_read_and_write_a_bucket(
    stored_settings: Settings, store_engine: SailEngine, s3_place: Place
) -> None:
    runtime = build_runtime(stored_settings, "run-1", store_engine)
    s3_place.put(f"{FOLDER}/feed one.jsonl", lines(0, 1))
    s3_place.put(f"{FOLDER}/second.jsonl.gz", gzip.compress(lines(2)))
    s3_place.put(f"{FOLDER}/_third.jsonl", lines(0)[:50])
    context = StepContext([GOOD], runtime)
    runtime.lakehouse.ensure(BRONZE.writes)
    plan = BRONZE.transform(context)._plan.to_proto(store_engine.session().client)
    assert SECRET_KEY not in str(plan)
    assert SECRET_KEY.encode() not in plan.SerializeToString()
    for step in (BRONZE, SILVER):
        report = run_step(step, [GOOD], runtime)
        assert report.counts[GOOD]["rows_out"] == ITEMS
    # The landing step reads what it wrote, through the engine: nothing is landed twice.
    assert run_step(BRONZE, [GOOD], runtime).counts[GOOD]["dropped_already_landed"] == ITEMS
    assert {row["origin"].split("#")[0] for row in rows(runtime, "bronze_feedback")} == {
        f"{GOOD.source}/{GOOD.day}/feed one.jsonl", f"{GOOD.source}/{GOOD.day}/second.jsonl.gz"
    }  # fmt: skip


def test_an_engine_with_wrong_keys_says_so_and_shows_no_secret(
    stored_settings: Settings, s3_place: Place
) -> None:
    wrong = {**s3_place.options, "AWS_ACCESS_KEY_ID": "AKIAWRONG"}
    settings = stored_settings.model_copy(update={"storage_options": SecretStr(json.dumps(wrong))})
    runtime = build_runtime(settings, "run-1", SailEngine(read_options(settings.storage_options)))
    with pytest.raises(
        StorageTrouble, match=r"refuses these credentials.*AWS_SECRET_ACCESS_KEY"
    ) as told:
        run_step(BRONZE, [GOOD], runtime)
    assert SECRET_KEY not in "".join(traceback.format_exception(told.value))


@pytest.mark.slow
def test_landing_files_in_a_bucket_become_tickets(
    shop: Shop, s3_place: Place, stored_settings: Settings
) -> None:
    s3_place.put(f"{FOLDER}/feed.jsonl", lines(0, 1, 2))
    result = shop.run(GOOD)
    assert result.success, failures(result)
    lakehouse = open_lakehouse(stored_settings)
    assert len(lakehouse.scan("validated_feedback").read_all()) == ITEMS
    tickets = lakehouse.scan("tickets").read_all().to_pylist()
    assert tickets
    files = {path.stem for path in stored_settings.tickets_folder.glob("*.md")}
    assert {row["ticket_key"] for row in tickets} == files
    # Nothing fell back to the disk of this machine.
    assert not (stored_settings.home / "lakehouse").exists()
    assert not (stored_settings.home / "landing").exists()
