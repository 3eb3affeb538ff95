"""The rolling evaluation set, out of decisions in a real lakehouse."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from feedback_assets.contracts.ledgers import GOLDEN_EVALUATION, GOLDEN_PREDICTIONS
from feedback_assets.gold.assets import rolling_evaluation
from feedback_assets.gold.evaluation.contenders import in_force
from feedback_assets.gold.evaluation.rolling_set import (
    JUDGED,
    RollingEvaluation,
    judge_rolling,
    rolling_items,
)
from feedback_assets.gold.evaluation.verdict import broken_gates
from feedback_assets.gold.examples import read_examples
from feedback_assets.gold.model_store import train_and_keep
from feedback_assets.pipeline.compute import Compute
from feedback_assets.pipeline.model_plan import ModelPlan
from feedback_assets.pipeline.runtime import Runtime, build_runtime
from resources.lakehouse.delta import DeltaLakehouse
from resources.llm.scripted import ScriptedModel
from resources.settings import Settings
from tests.gold.evaluation.decided_items import (
    DECIDED,
    NOW,
    decide,
    item,
    judging,
    put_items,
    teaching,
)
from tests.gold.evaluation.examples import write_golden
from tests.gold.examples import EXAMPLES
from tests.gold.language_model.golden_models import perfect

TEXTS = [
    f"{what} {where}, {when}"
    for what in ("the card is refused", "my parcel is late", "search finds nothing",
                 "the map crashes")
    for where in ("in the shop", "at home", "on my phone")
    for when in ("since Monday", "again and again", "after the update", "what now?")
]  # fmt: skip
"""48 of them, all held out once `judging`."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A golden set of a few items and a model trained on few others: (golden set, models)."""
    folder = tmp_path_factory.mktemp("learned")
    write_golden(folder / "golden")
    lines = [json.dumps(example) for example in EXAMPLES]
    (folder / "golden" / "train").mkdir()
    (folder / "golden" / "train" / "few.jsonl").write_text("\n".join(lines), encoding="utf-8")
    shutil.copy(Path(__file__).parents[3] / "golden_set" / "gates.yaml", folder / "golden")
    train_and_keep(folder / "golden" / "train", folder / "models")
    return folder


@pytest.fixture
def home(settings: Settings, models: Path) -> Settings:
    shutil.copytree(models / "models", settings.models_folder)
    return settings.model_copy(update={"golden_set": models / "golden"})


@pytest.fixture
def runtime(home: Settings) -> Runtime:
    return build_runtime(home, "test-run")


def judged(runtime: Runtime) -> RollingEvaluation:
    assert runtime.golden_set is not None
    return judge_rolling(runtime, runtime.golden_set, NOW)


def items(runtime: Runtime) -> list[dict[str, Any]]:
    assert runtime.golden_set is not None
    return [each.model_dump() for each in rolling_items(runtime, runtime.golden_set, NOW)]


def test_too_few_decisions_judge_nothing(runtime: Runtime) -> None:
    done = judged(runtime)
    assert done.note == "not enough data: 0 of 30 decisions that judge, in 28 days"
    few = [item(n, judging(text)) for n, text in enumerate(TEXTS[:7])]
    put_items(runtime.lakehouse, few)
    decide(runtime.lakehouse, few)
    done = judged(runtime)
    assert done.note.startswith("not enough data: 7 of 30")
    assert (done.scores, done.figures, done.items) == (None, {}, 7)
    assert not runtime.lakehouse.exists(GOLDEN_EVALUATION.name)


def test_labels_are_those_confirmed_or_corrected(runtime: Runtime) -> None:
    two = [item(1, judging("card refused, twice")), item(2, judging("parcel late, again"))]
    put_items(runtime.lakehouse, two)
    decide(runtime.lakehouse, two[:1])
    decide(runtime.lakehouse, two[1:], "edit", categories=["delivery"], severity="medium")
    confirmed, corrected = sorted(items(runtime), key=lambda row: str(row["id"]))
    assert (confirmed["primary_category"], confirmed["sub_category"]) == ("payment", "declined")
    assert confirmed["root_cause_type"] == "product_defect"
    assert (corrected["primary_category"], corrected["severity"]) == ("delivery", "medium")
    assert (corrected["sub_category"], corrected["root_cause_type"]) == ("", "")
    assert corrected["traits"] == ("edited",)


def test_old_decisions_and_what_was_learned_are_left_out(runtime: Runtime) -> None:
    texts = {
        "judges": judging("the till swallowed my coins"),
        "old": judging("nobody answers the phone"),
        "teaches": teaching("where can I park"),
        "rejected": judging("buy my watches"),
        "like a labelled one": judging("crashes whenever I open the map"),
        "like a reviewed one": judging("where can I park."),
    }
    known = {name: item(n, text) for n, (name, text) in enumerate(texts.items())}
    put_items(runtime.lakehouse, known.values())
    for name, each in known.items():
        at = NOW - dt.timedelta(days=29) if name == "old" else DECIDED
        decide(runtime.lakehouse, [each], "reject" if name == "rejected" else "approve", at=at)
    assert [row["text"] for row in items(runtime)] == [texts["judges"]]


def test_scores_are_kept_and_break_no_gate(runtime: Runtime) -> None:
    all_of = [item(n, judging(text)) for n, text in enumerate(TEXTS)]
    put_items(runtime.lakehouse, all_of)
    decide(runtime.lakehouse, all_of[:30])
    decide(runtime.lakehouse, all_of[30:], "edit", categories=["search"], sentiment="neutral")
    done = judged(runtime)
    assert done.scores is not None
    assert (done.items, done.edited, done.note) == (48, 18, "")
    # Where the area was corrected, nobody said what the cause is.
    assert done.scores.value("root_cause", "support", "product_defect") == 30
    assert done.scores.value("sentiment", "support", "neutral") == 18
    assert done.scores.value("topics", "sub_category_accuracy") is None
    assert {name.rsplit("_accuracy")[0] for name in done.figures if "accuracy" in name} == {*JUDGED}
    rows = runtime.lakehouse.scan(GOLDEN_EVALUATION.name).read_all().to_pylist()
    by_key = {(row["stage"], row["label"], row["metric"]): row for row in rows}
    assert by_key["rolling", "all", "items"]["value"] == 48
    assert by_key["rolling", "all", "edited"]["value"] == 18
    accuracy = by_key["rolling_topics", "all", "accuracy"]
    assert accuracy["value"] == pytest.approx(done.figures["topics_accuracy"], abs=1e-4)
    assert {row["floor"] for row in rows} == {None}
    assert {row["configuration"] for row in rows} == {in_force(runtime).configuration_hash}
    assert all(row["stage"].startswith("rolling") for row in rows)
    assert not runtime.lakehouse.exists(GOLDEN_PREDICTIONS.name)
    # The gate still asks for a judgement on the golden set.
    assert broken_gates(runtime.lakehouse, in_force(runtime).configuration_hash) is None


def test_the_language_model_is_judged_too(home: Settings) -> None:
    truth = [
        {
            **EXAMPLES[0], "text": judging(text), "evidence": (text.split(",")[0],), "demands": {},
        }
        for text in TEXTS
    ]  # fmt: skip
    knows = [*read_examples(home.golden_set), *truth]
    model = ScriptedModel(perfect(knows))
    runtime = build_runtime(home, "test-run", model_plan=ModelPlan(model))
    all_of = [item(n, judging(text)) for n, text in enumerate(TEXTS)]
    put_items(runtime.lakehouse, all_of)
    decide(runtime.lakehouse, all_of)
    done = judged(runtime)
    assert done.scores is not None
    assert done.scores.value("sentiment", "decided", "language_model") == 1.0
    assert done.figures["sentiment_accuracy"] == 1.0
    assert "translation" not in done.scores.table["stage"].to_list()


def test_the_asset_says_what_it_found(home: Settings) -> None:
    lakehouse = DeltaLakehouse(home.lakehouse_root)

    def materialized() -> dict[str, Any]:
        done = dg.materialize([rolling_evaluation], resources={"compute": Compute(home)})
        (event,) = done.asset_materializations_for_node("rolling_evaluation")
        return {name: value.value for name, value in event.metadata.items()}

    assert materialized()["note"].startswith("not enough data: 0 of 30")
    recent = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    all_of = [item(n, judging(text)) for n, text in enumerate(TEXTS)]
    put_items(lakehouse, all_of)
    decide(lakehouse, all_of, at=recent)
    shown = materialized()
    assert (shown["items"], shown["edited"], shown["note"]) == (48, 0, "")
    assert 0 <= shown["topics_accuracy"] <= 1


def test_a_judgement_does_not_change_what_is_learned(runtime: Runtime, models: Path) -> None:
    train = models / "golden" / "train"
    before = train_and_keep(train, runtime.models_folder, runtime.lakehouse)
    all_of = [item(n, judging(text)) for n, text in enumerate(TEXTS)]
    put_items(runtime.lakehouse, all_of)
    decide(runtime.lakehouse, all_of, "edit", categories=["search"])
    after = train_and_keep(train, runtime.models_folder, runtime.lakehouse)
    assert after.version == before.version
    assert len(items(runtime)) == len(TEXTS)
