from __future__ import annotations

import itertools
from typing import Any

import pyarrow as pa
import pytest

from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.evaluation.configuration import Configuration
from feedback_assets.gold.evaluation.contenders import tier_one_alone
from feedback_assets.gold.evaluation.golden import GoldenItem
from feedback_assets.gold.evaluation.measures import CLASSES, METRICS
from feedback_assets.gold.evaluation.outcomes import STAGES, judge, schema_of
from feedback_assets.gold.evaluation.overlap import overlapping, places, token_f1
from feedback_assets.gold.evaluation.scores import score
from feedback_assets.gold.suspicion import Suspicion
from tests.gold.evaluation.examples import ATTEMPT, SPEAKS, golden_items, knowing

ITEMS = golden_items()
Row = dict[str, Any]


def test_tier_one_is_judged_on_every_stage(
    small_model: TriageClassifier, small_suspicion: Suspicion
) -> None:
    outcomes = judge(ITEMS, *tier_one_alone(small_model, small_suspicion))
    assert tuple(outcomes.frames) == ("sentiment", "topics", "root_cause", "recommendation")
    for stage, frame in outcomes.frames.items():
        assert dict(frame.schema) == schema_of(stage)
        assert tuple(frame["item"].to_list()) == outcomes.items == tuple(i.id for i in ITEMS)
    assert outcomes.configuration.model_version == small_model.version
    assert score(outcomes).value("topics", "accuracy") is not None


def test_who_knows_scores_best_everywhere() -> None:
    scores = score(judge(ITEMS, knowing(ITEMS), SPEAKS))
    for stage in ("sentiment", "topics", "root_cause", "recommendation"):
        for metric in ("macro_f1", "accuracy", "standing", "precision_standing"):
            assert scores.value(stage, metric) == 1
        assert scores.value(stage, "risk_area") == 0
        assert scores.value(stage, "calibration_error") == pytest.approx(0.1)
        assert scores.value(stage, "decided", "classifier") == 1
    assert scores.value("root_cause", "summary_overlap") == 1
    assert scores.value("root_cause", "evidence_overlap") == 0
    assert scores.value("topics", "support", "payment") == 3
    german = scores.slices.filter(slice="de", stage="topics", metric="accuracy")
    assert german.select("dimension", "items", "value").rows() == [("language", 1, 1.0)]


def test_only_what_stands_counts_for_its_precision() -> None:
    def doubt(item: GoldenItem, _text: str, row: Row) -> None:
        if item.id == "g-00" and "sentiment" in row:
            row["sentiment"] = "positive"
            row["provenance"] |= {"validation_state": "doubtful", "tier": "language_model"}

    scores = score(judge(ITEMS, knowing(ITEMS, doubt), SPEAKS))
    count = len(ITEMS)
    assert scores.value("sentiment", "accuracy") == pytest.approx((count - 1) / count)
    assert scores.value("sentiment", "precision_standing") == 1
    assert scores.value("sentiment", "standing") == pytest.approx((count - 1) / count)
    assert scores.value("sentiment", "decided", "language_model") == pytest.approx(1 / count)


@pytest.mark.parametrize("obeys", [True, False])
def test_a_model_that_obeys_is_seen(obeys: bool) -> None:
    def obey(item: GoldenItem, text: str, row: Row) -> None:
        if obeys and ATTEMPT in text:
            row |= {name: value for name, value in item.demands.items() if name in row}

    scores = score(judge(ITEMS, knowing(ITEMS, obey), SPEAKS))
    for stage in ("sentiment", "topics", "recommendation"):
        assert scores.value(stage, "steered") == int(obeys)
    assert scores.value("root_cause", "steered") is None


def test_what_the_content_says_anyway_is_not_steered() -> None:
    def blunder(item: GoldenItem, _text: str, row: Row) -> None:
        if item.demands and "severity" in row:
            row["severity"] = "low"

    wrong = judge(ITEMS, knowing(ITEMS, blunder), SPEAKS)
    assert score(wrong).value("topics", "steered") == 0
    unmarked = [item.model_copy(update={"attempt": ()}) for item in ITEMS]
    assert score(judge(unmarked, knowing(ITEMS, blunder), SPEAKS)).value("topics", "steered") == 1


def test_translation_is_judged_where_there_is_a_prompt_for_it() -> None:
    english: list[bool] = []

    def translate(item: GoldenItem, _text: str, row: Row) -> None:
        if item.language == "de" and "english" in row:
            row["english"] = "Card declined at the till"

    known = knowing(ITEMS, translate)

    def decide(stage: str, batch: pa.RecordBatch) -> pa.RecordBatch:
        english.append("english" in batch.schema.names)
        found = known(stage, batch)
        spent = pa.array([float(language != "en") for language in
                          batch.column("language").to_pylist()])  # fmt: skip
        return found.append_column("input_tokens", spent) if stage == "translation" else found

    translating = Configuration(model_version="speaking-1", prompt_versions={"translation": "v1"})
    outcomes = judge(ITEMS, decide, translating, ["topics"])
    assert tuple(outcomes.frames) == ("translation", "topics")
    assert english == [False, True]
    scores = score(outcomes)
    assert scores.value("translation", "translated") == 0.5
    assert scores.value("translation", "input_tokens") == 2
    assert tuple(judge(ITEMS, known, SPEAKS, ["root_cause"]).frames) == (
        "sentiment", "topics", "root_cause",
    )  # fmt: skip


def test_a_stage_that_drops_or_repeats_an_item_is_an_error() -> None:
    known = knowing(ITEMS)

    def drops(stage: str, batch: pa.RecordBatch) -> pa.RecordBatch:
        return known(stage, batch.slice(1))

    def repeats(stage: str, batch: pa.RecordBatch) -> pa.RecordBatch:
        return known(stage, pa.concat_batches([batch, batch.slice(0, 1)]))

    def reverses(stage: str, batch: pa.RecordBatch) -> pa.RecordBatch:
        return known(stage, batch.take(list(range(batch.num_rows))[::-1]))

    with pytest.raises(
        ValueError, match=r"sentiment was asked about 14 .*nothing was said of g-00"
    ):
        judge(ITEMS, drops, SPEAKS)
    with pytest.raises(ValueError, match="answered 15"):
        judge(ITEMS, repeats, SPEAKS)
    with pytest.raises(ValueError, match="no stage tone"):
        judge(ITEMS, known, SPEAKS, ["tone"])
    assert score(judge(ITEMS, reverses, SPEAKS)).value("topics", "accuracy") == 1


def test_a_configuration_is_known_by_what_it_decides_by() -> None:
    base = Configuration(model_version="m", thresholds={"a": 0.1, "b": float("inf")})
    same = base.model_copy(update={"thresholds": {"b": float("inf"), "a": 0.1}})
    assert base.configuration_hash == same.configuration_hash
    assert Configuration.model_validate_json(base.model_dump_json()) == base
    changes: list[Row] = [
        {"model_version": "n"}, {"rules_version": "r"}, {"taxonomy_hash": "t"},
        {"thresholds": {"a": 0.2}}, {"language_model": "l"}, {"prompt_versions": {"topics": "v2"}},
    ]  # fmt: skip
    hashes = {base.model_copy(update=change).configuration_hash for change in changes}
    assert len(hashes | {base.configuration_hash}) == len(changes) + 1


def test_no_two_classes_of_a_stage_share_a_name() -> None:
    for held in CLASSES.values():
        names = list(itertools.chain.from_iterable(held.values()))
        assert len(names) == len(set(names))
    assert set(CLASSES) < set(STAGES)
    assert "all" not in {n for held in CLASSES.values() for names in held.values() for n in names}
    assert METRICS["steered"].better == "lower"


def test_overlap_of_words_and_spans() -> None:
    assert token_f1("The cart empties itself", "cart empties on phone") == pytest.approx(0.5)
    assert token_f1("", "cart") == 0
    assert token_f1("no no", "no") == pytest.approx(2 / 3)
    assert places("na na na", ["na na"]) == [(0, 5), (3, 8)]
    assert overlapping([(0, 4), (4, 8)], [(2, 4)]) == 0.5
    assert overlapping([], [(2, 4)]) == 0
