"""What the fast lane asked the language model, the batch does not ask again."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

from feedback_assets.gold.examples import read_examples
from feedback_assets.pipeline.lanes import Lane, taken
from feedback_assets.pipeline.model_plan import ModelPlan
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.pipeline.step import run_step
from resources.llm.scripted import ScriptedModel
from tests.conftest import DAY, Land, review, rows
from tests.fast_lane.test_steps import STEPS
from tests.gold.language_model.golden_models import perfect

GOLDEN = read_examples(Path(__file__).parents[2] / "golden_set")
ITEMS = [example for example in GOLDEN if not example["demands"]][:40]


def test_no_question_is_asked_twice(runtime: Runtime, land: Land, models_folder: Path) -> None:
    shutil.copytree(models_folder, runtime.models_folder)
    model = ScriptedModel(perfect(GOLDEN))
    runtime = replace(runtime, model_plan=ModelPlan(model, batch=model, mode="batch"))
    partition = land(
        "app_store",
        [review(f"r{n}", example["text"], score=None) for n, example in enumerate(ITEMS)],
        DAY,
    )

    def run(lane: Lane) -> Counter[tuple[str, str]]:
        for step in STEPS[lane]:
            run_step(step, [partition], replace(runtime, run_id=lane), lane)
        return Counter((row["stage"], row["input_hash"]) for row in rows(runtime, "model_calls"))

    first = run("fast")
    urgent = set(taken(runtime.lakehouse)[partition])
    assert 0 < len(urgent) < len(ITEMS)
    # The fast lane waits for no batch of the service.
    calls = rows(runtime, "model_calls")
    assert calls
    assert {row["feedback_id"] for row in calls} <= urgent
    assert not any(row["batch_id"] for row in calls)
    both = run("batch")
    assert both.total() > first.total()
    assert set(both.values()) == {1}
