from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from polars.testing import assert_frame_equal

from feedback_assets.contracts.ledgers import GOLDEN_EVALUATION, GOLDEN_PREDICTIONS
from feedback_assets.contracts.taxonomy import CATEGORIES, SENTIMENTS
from feedback_assets.contracts.validation import conform, violations
from feedback_assets.gold.evaluation.configuration import Configuration
from feedback_assets.gold.evaluation.contenders import tier_one_alone
from feedback_assets.gold.evaluation.evaluate import Contender, evaluate_in_force
from feedback_assets.gold.evaluation.floors import within_reach
from feedback_assets.gold.evaluation.gates import Gates, lost, missed, read_gates
from feedback_assets.gold.evaluation.golden import GoldenItem
from feedback_assets.gold.evaluation.history import kept, previous
from feedback_assets.gold.evaluation.outcomes import Decide, judge
from feedback_assets.gold.evaluation.scores import score
from feedback_assets.gold.model_store import load, load_suspicion, version_in_force
from feedback_assets.gold.suspicion import FILE as SUSPICION
from resources.lakehouse.delta import DeltaLakehouse
from tests.gold.evaluation.examples import SPEAKS, golden_items, knowing, of_sentiment, write_golden

GOLDEN_SET = Path(__file__).parents[3] / "golden_set"
NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
ITEMS = golden_items()
GATES: dict[str, Any] = {
    "stages": {
        "sentiment": {
            "at_least": {"f1": {"negative": 0.9, "positive": 0.5}, "precision_standing": 0.9},
            "at_most": {"calibration_error": 0.2},
        }
    },
    "not_worse": {"level": 0.95, "metrics": {"sentiment": ["accuracy"]}},
}


def gates(**sentiment: Any) -> Gates:
    stages = {"sentiment": {**GATES["stages"]["sentiment"], **sentiment}}
    return Gates.model_validate({**GATES, "stages": stages})


def all_negative(item: GoldenItem, _text: str, row: dict[str, Any]) -> None:
    if "sentiment" in row:
        row["sentiment"] = "negative"


def test_the_gates_in_force_bound_every_category_and_sentiment() -> None:
    in_force = read_gates(GOLDEN_SET / "gates.yaml")
    floors, ceilings = in_force.floors, in_force.ceilings
    assert {label for stage, label, metric in floors if (stage, metric) == ("topics", "f1")} >= {
        *CATEGORIES
    }
    assert {label for stage, label, metric in floors if (stage, metric) == ("sentiment", "f1")} == {
        *SENTIMENTS
    }
    assert ("topics", "all", "severity_within_one") in floors
    for stage in ("sentiment", "topics", "root_cause", "recommendation"):
        assert (stage, "all", "precision_standing") in floors
        assert (stage, "all", "calibration_error") in ceilings
    for stage in ("sentiment", "topics", "recommendation"):
        assert ceilings[stage, "all", "steered_standing"] == 0


def test_bounds_that_are_missed_are_named() -> None:
    good = score(judge(ITEMS, knowing(ITEMS), SPEAKS))
    assert missed(gates(), good) == []
    bad = score(judge(ITEMS, knowing(ITEMS, all_negative), SPEAKS))
    found = {(b.label, b.metric): b.why for b in missed(gates(), bad)}
    assert set(found) == {
        ("negative", "f1"), ("positive", "f1"), ("all", "precision_standing"),
        ("all", "calibration_error"),
    }  # fmt: skip
    assert found["positive", "f1"] == "0 is below the floor of 0.5"
    assert "above the ceiling of 0.2" in found["all", "calibration_error"]


def test_what_cannot_be_measured_is_missed_but_for_what_never_stands() -> None:
    def doubt(_item: GoldenItem, _text: str, row: dict[str, Any]) -> None:
        row["provenance"]["validation_state"] = "doubtful"

    assert missed(gates(), score(judge(ITEMS, knowing(ITEMS, doubt), SPEAKS))) == []
    only_negative = of_sentiment(["negative"] * 4, ["negative"] * 4, [0.9] * 4)
    breaches = missed(gates(), score(only_negative))
    assert [(b.label, b.value) for b in breaches] == [("positive", None)]
    assert breaches[0].why == "could not be measured; it must be at least 0.5"


def test_gates_of_stages_that_were_not_judged_are_left_alone() -> None:
    scores = score(judge(ITEMS, knowing(ITEMS), SPEAKS, ["topics"]))
    assert missed(gates(at_least={"accuracy": 1.0}), scores) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stages": {"tone": {}}}, "no stage tone"),
        ({"stages": {"sentiment": {"at_least": {"f2": 0.5}}}}, "f2 is no metric to be at_least"),
        ({"stages": {"sentiment": {"at_most": {"accuracy": 1}}}}, "no metric to be at_most"),
        ({"stages": {"sentiment": {"at_least": {"f1": {"glad": 0.5}}}}}, "f1: no class glad"),
        ({"stages": {"sentiment": {"over": {}}}}, "over"),
        ({"not_worse": {"level": 0.9, "metrics": {"sentiment": ["support"]}}}, "support is no"),
        ({"not_worse": {"level": 95, "metrics": {}}}, "level"),
    ],
)
def test_a_gate_that_does_not_exist_is_an_error(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = tmp_path / "gates.yaml"
    path.write_text(yaml.safe_dump({**GATES, **change}), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"(?s)gates\.yaml: .*{message}"):
        read_gates(path)


def test_worse_than_before_is_a_breach_only_beyond_the_interval() -> None:
    truth = ["negative"] * 100
    good = of_sentiment(truth, truth)
    bad = of_sentiment(truth, ["negative"] * 60 + ["neutral"] * 40)
    hardly = of_sentiment(truth, ["negative"] * 99 + ["neutral"])
    assert lost(gates(), hardly, good) == lost(gates(), good, bad) == []
    (breach,) = lost(gates(), bad, good)
    assert (breach.metric, breach.value, breach.bound) == ("accuracy", 0.6, 1.0)
    assert "95% interval" in breach.why


def test_outcomes_come_back_from_the_lakehouse_as_they_were(tmp_path: Path) -> None:
    lakehouse = DeltaLakehouse(str(tmp_path / "lakehouse"))
    golden_set = write_golden(tmp_path / "golden")
    (golden_set / "gates.yaml").write_text(yaml.safe_dump(GATES), encoding="utf-8")

    def run(decide: Decide, version: str, hours: int) -> list[str]:
        contender = Contender(decide, configuration(version))
        at = NOON + dt.timedelta(hours=hours)
        done = evaluate_in_force(golden_set, contender, lakehouse, "run-1", at)
        return [breach.metric for breach in done.breaches]

    def before(version: str) -> str | None:
        found = previous(lakehouse, configuration(version).configuration_hash)
        return None if found is None else found.configuration.model_version

    assert before("one") is None
    assert kept(lakehouse, configuration("one").configuration_hash) is None
    assert run(knowing(ITEMS), "one", 0) == []
    stored = kept(lakehouse, configuration("one").configuration_hash)
    said = judge(ITEMS, knowing(ITEMS), configuration("one"))
    assert stored is not None
    assert stored.configuration == said.configuration
    for stage, frame in said.frames.items():
        assert_frame_equal(stored.only(said.items).frames[stage], frame)
    # One that broke gates is no measure for the next, however often it is tried.
    assert before("one") is None
    assert "accuracy" in run(knowing(ITEMS, all_negative), "two", 1)
    assert "accuracy" in run(knowing(ITEMS, all_negative), "two", 2)
    assert (before("one"), before("two"), before("three")) == (None, "one", "one")
    assert run(knowing(ITEMS), "three", 3) == []
    assert (before("one"), before("four")) == ("three", "three")


def test_what_is_kept_meets_the_contracts(tmp_path: Path) -> None:
    lakehouse = DeltaLakehouse(str(tmp_path / "lakehouse"))
    golden_set = write_golden(tmp_path / "golden")
    (golden_set / "gates.yaml").write_text(yaml.safe_dump(GATES), encoding="utf-8")
    contender = Contender(knowing(ITEMS), SPEAKS)
    evaluate_in_force(golden_set, contender, lakehouse, "run-1", NOON)
    for table in (GOLDEN_EVALUATION, GOLDEN_PREDICTIONS):
        (batch,) = lakehouse.scan(table.name).read_all().combine_chunks().to_batches()
        assert violations(table, conform(table, batch)) == {}
    stored = lakehouse.scan(GOLDEN_EVALUATION.name).read_all()
    rows = pl.DataFrame(stored).filter(metric="f1", label="positive")
    assert rows.select("value", "floor").rows() == [(1.0, 0.5)]


def configuration(version: str) -> Configuration:
    return Configuration(model_version=version)


def test_bounds_in_reach_are_reached_with_a_margin() -> None:
    truth = ["negative", "neutral", "positive"] * 100
    said = ["negative", "neutral", "neutral"] * 20 + truth[60:]
    outcomes = of_sentiment(truth, said, [0.9] * 300)
    found = within_reach(gates(), outcomes)
    # 280 of 300 are right; the standard error of that share is 0.0144.
    assert found["sentiment", "all", "precision_standing"] == pytest.approx(0.90)
    assert found["sentiment", "negative", "f1"] == 1
    assert missed(gates(at_least={"precision_standing": 0.90}), score(outcomes)) == []
    scores = score(outcomes)
    for (stage, label, metric), bound in found.items():
        value = scores.value(stage, metric, label)
        assert value is not None
        assert bound >= value if metric == "calibration_error" else bound <= value


def test_tier_one_as_shipped_reaches_its_gates(models_folder: Path, tmp_path: Path) -> None:
    model = load(models_folder, version_in_force(models_folder))
    guard = load_suspicion(models_folder, version_in_force(models_folder, SUSPICION))
    contender = tier_one_alone(model, guard)
    lakehouse = DeltaLakehouse(str(tmp_path / "lakehouse"))
    assert evaluate_in_force(GOLDEN_SET, contender, lakehouse, "run-1", NOON).breaches == ()
