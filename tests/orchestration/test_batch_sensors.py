"""The sensors of batch mode, and `feedback run` that does without them."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from feedback_assets.contracts.ledgers import MODEL_BATCHES
from feedback_assets.definitions import defs
from feedback_assets.gold.examples import read_examples
from feedback_assets.launch import run_path
from feedback_assets.orchestration.instance import open_instance
from feedback_assets.orchestration.sensors import collected_answers, open_model_batches
from feedback_assets.pipeline.compute import Compute
from feedback_assets.pipeline.model_plan import ModelPlan
from feedback_assets.pipeline.open_batches import open_batches
from resources.compute.connect import SailEngine
from resources.lakehouse.delta import DeltaLakehouse
from resources.llm.scripted import ScriptedModel
from resources.settings import Settings
from tests.conftest import DAY, Land, review
from tests.gold.language_model.golden_models import perfect

GOLDEN = read_examples(Path(__file__).parents[2] / "golden_set")
TODAY = dt.datetime.now(dt.UTC).date()


def record(settings: Settings, batch_id: str, state: str) -> None:
    row = {
        "batch_id": batch_id, "stage": "topics", "state": state, "requests": 1,
        "recorded_at": dt.datetime.now(dt.UTC), "run_id": "r",
    }  # fmt: skip
    DeltaLakehouse(settings.lakehouse_root).append(
        MODEL_BATCHES, [pa.RecordBatch.from_pylist([row], schema=MODEL_BATCHES.schema)]
    )


def test_a_collection_is_started_while_a_batch_is_open(settings: Settings) -> None:
    settings.home.mkdir(parents=True)
    with open_instance(settings) as instance:

        def tick() -> object:
            with dg.build_sensor_context(
                instance=instance, resources={"compute": Compute(settings)}
            ) as context:
                return open_model_batches(context)

        assert isinstance(tick(), dg.SkipReason)
        record(settings, "b1", "submitted")
        assert isinstance(tick(), dg.RunRequest)
        record(settings, "b1", "collected")
        assert isinstance(tick(), dg.SkipReason)


# Dagster's own tags of a multi-partition, which it calls deprecated.
@pytest.mark.filterwarnings("ignore:Non-compliant tag keys")
@pytest.mark.parametrize("keys", [[], [f"{DAY}|survey", f"{DAY}|zendesk"]])
def test_partitions_with_answers_run(settings: Settings, keys: list[str]) -> None:
    settings.home.mkdir(parents=True)
    with open_instance(settings) as instance:
        instance.report_runless_asset_event(
            dg.AssetMaterialization(
                "model_batches", metadata={"partitions": dg.MetadataValue.json(keys)}
            )
        )
        with dg.build_sensor_context(
            instance=instance,
            resources={"compute": Compute(settings)},
            repository_def=defs.get_repository_def(),
        ) as context:
            data = collected_answers.evaluate_tick(context)
    named = [str(request.partition_key) for request in data.run_requests or []]
    assert named == keys
    assert bool(data.skip_message) is not bool(keys)


@pytest.mark.slow(reason="the sensors beside it do the same by the same jobs")
def test_feedback_run_fetches_answers_and_runs_their_partitions(
    settings: Settings,
    engine: SailEngine,
    models_folder: Path,
    small_golden_set: Path,
    land: Land,
) -> None:
    settings = settings.model_copy(update={"golden_set": small_golden_set})
    shutil.copytree(models_folder, settings.models_folder)
    texts = [example["text"] for example in GOLDEN if not example["demands"]][:40]
    partition = land(
        "app_store", [review(f"r{n}", text, score=None) for n, text in enumerate(texts)], TODAY
    )
    model = ScriptedModel(perfect(GOLDEN), looks_before_end=1)
    compute = Compute(settings, engine, model_plan=ModelPlan(model, batch=model, mode="batch"))
    lakehouse = DeltaLakehouse(settings.lakehouse_root)

    def waiting() -> int:
        made = lakehouse.scan("gold_topics", ["provenance"]).read_all().to_pylist()
        return sum(row["provenance"]["validation_state"] == "awaiting_batch" for row in made)

    assert all(outcome.success for outcome in run_path(compute, [partition]))
    assert waiting() > 0
    assert open_batches(lakehouse)
    # The first look finds them running, the second ended.
    assert all(not outcome.partitions for outcome in run_path(compute, []))
    outcomes = run_path(compute, [])
    assert [outcome.partitions for outcome in outcomes] == [[partition]]
    assert all(outcome.success for outcome in outcomes), outcomes
    assert waiting() == 0
