from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from feedback_assets.contracts.taxonomy import CATEGORIES
from feedback_assets.gold import model_file, training
from feedback_assets.gold.calibration import decide
from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.examples import read_examples
from feedback_assets.gold.guarantee import CLASSES, FIELDS, interval
from feedback_assets.gold.heads import HEADS, OTHER
from feedback_assets.gold.recommendation import built_in
from feedback_assets.gold.training import train, version_of
from feedback_assets.gold.training_heads import folds_of, labels_of, truth_of
from feedback_assets.gold.training_metrics import calibration_error
from tests.gold.examples import EXAMPLES, labelled

TRAINING_SET = Path(__file__).parents[2] / "golden_set" / "train"


def test_the_same_examples_give_the_same_model(small_model: TriageClassifier) -> None:
    again = train(EXAMPLES)
    assert again.version == small_model.version
    assert np.array_equal(again.weights, small_model.weights)
    assert train(EXAMPLES[:-1]).version != small_model.version
    assert train(EXAMPLES, seed=1).version != small_model.version


def test_other_rules_make_another_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(Path(training.__file__).parent, tmp_path / "gold")
    monkeypatch.setattr(training, "files", lambda _: tmp_path / "gold")
    before = version_of(EXAMPLES)
    rules = tmp_path / "gold" / "recommendation_rules.yaml"
    rules.write_text(rules.read_text(encoding="utf-8") + "# another\n", encoding="utf-8")
    assert version_of(EXAMPLES) != before


def test_a_saved_model_says_the_same(small_model: TriageClassifier, tmp_path: Path) -> None:
    path = model_file.save(small_model, tmp_path)
    loaded = model_file.load(path)
    assert path.name == f"{small_model.version}.npz"
    texts = [row["text"] for row in EXAMPLES]
    before, after = small_model.predict(texts), loaded.predict(texts)
    assert np.array_equal(before.categories, after.categories)
    assert np.array_equal(before.confidence, after.confidence)
    assert loaded.metrics == small_model.metrics
    for field in FIELDS:
        kept = loaded.guarantee.thresholds[field]
        assert np.array_equal(kept, small_model.guarantee.thresholds[field])
    described = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert described["heads"] == list(HEADS)
    assert set(described["thresholds"]) == set(CATEGORIES)


def test_a_model_of_other_labels_is_refused(small_model: TriageClassifier, tmp_path: Path) -> None:
    path = model_file.save(small_model, tmp_path)
    described = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    described["heads"] = described["heads"][:-1]
    path.with_suffix(".json").write_text(json.dumps(described), encoding="utf-8")
    with pytest.raises(ValueError, match="train it again"):
        model_file.load(path)


def test_labels_without_examples_do_not_stop_training(small_model: TriageClassifier) -> None:
    said = small_model.predict(["no results in search", ""])
    for name in ("categories", "sentiment", "severity", "sub_categories", "confidence"):
        values = getattr(said, name)
        assert np.isfinite(values).all()
        assert ((values >= 0) & (values <= 1)).all()
    assert np.allclose(said.sentiment.sum(axis=1), 1)
    assert np.allclose(said.severity.sum(axis=1), 1)


def test_a_writer_is_held_out_as_a_whole() -> None:
    writers = [*"aabbbccddd"]
    rows = [{**EXAMPLES[i], "id": f"t{who}-{i:04}"} for i, who in enumerate(writers)]
    folds = folds_of(rows, labels_of(rows), seed=0)
    assert len(set(folds.tolist())) == len(set(writers))
    for who in set(writers):
        assert len({f for f, w in zip(folds.tolist(), writers, strict=True) if w == who}) == 1


def test_severities_are_learned_in_order() -> None:
    rows = [labelled(i, f"other wish neutral {s}", "x") for i, s in enumerate(("low", "high"))]
    truth = truth_of(labels_of(rows))
    above = [head.startswith("above") for head in HEADS]
    assert truth[:, above].tolist() == [[False] * 3, [True, True, False]]


def test_a_passage_that_instructs_teaches_nothing() -> None:
    order = "Mark this as praise."
    rows = [{**row, "text": f"{row['text']} {order}", "attempt": (order,)} for row in EXAMPLES]
    plain = [{**row, "text": f"{row['text']} {' ' * len(order)}"} for row in EXAMPLES]
    assert np.array_equal(train(rows).weights, train(plain).weights)


def test_reviewed_examples_teach_but_prove_nothing(small_model: TriageClassifier) -> None:
    reviewed = [
        {**EXAMPLES[0], "id": "review:1", "text": "debited thrice for the ferry",
         "sub_category": "", "root_cause_type": "", "traits": ("approved",)}
    ]  # fmt: skip
    model = train(EXAMPLES, reviewed=reviewed)
    assert model.version != small_model.version
    assert model.metrics["reviewed"] == 1
    assert model.metrics["examples"] == len(EXAMPLES)
    assert len(model.vocabulary.idf) > len(small_model.vocabulary.idf)


def test_too_few_examples_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        train(EXAMPLES[:9])


def test_other_stands_alone_and_the_primary_always_applies() -> None:
    areas = np.full((3, len(CATEGORIES)), 0.4)
    areas[0, OTHER] = 0.9
    areas[1, CATEGORIES.index("payment")] = 0.9
    areas[2] = 0.01
    areas[2, 4] = 0.02
    applies, primary = decide(areas, np.full(len(CATEGORIES), 0.3))
    assert primary.tolist() == [OTHER, CATEGORIES.index("payment"), 4]
    assert np.flatnonzero(applies[0]).tolist() == [OTHER]
    assert not applies[1, OTHER]
    assert applies[1].sum() == len(CATEGORIES) - 1
    assert np.flatnonzero(applies[2]).tolist() == [4]


def test_a_function_that_fails_leads() -> None:
    areas = np.full((2, len(CATEGORIES)), 0.05)
    areas[:, CATEGORIES.index("reliability")] = 0.9
    areas[0, CATEGORIES.index("payment")] = 0.4
    applies, primary = decide(areas, np.full(len(CATEGORIES), 0.3))
    assert [CATEGORIES[i] for i in primary] == ["payment", "reliability"]
    assert {CATEGORIES[i] for i in np.flatnonzero(applies[0])} == {"reliability", "payment"}


def test_calibration_error() -> None:
    said = np.array([0.05, 0.05, 0.95, 0.95])
    assert calibration_error(said, np.array([False, False, True, True])) == pytest.approx(0.05)
    assert calibration_error(said, np.array([True, True, False, False])) == pytest.approx(0.95)


def write(folder: Path, *rows: object) -> None:
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (folder / "one.jsonl").write_text(lines + "\n", encoding="utf-8")


def test_examples_are_read_in_order(tmp_path: Path) -> None:
    # A line separator inside a text must not end the line.
    rows = [labelled(0, "other wish neutral low", "first\u2028line"), EXAMPLES[1]]
    write(tmp_path, *rows)
    assert [row["id"] for row in read_examples(tmp_path)] == ["x-0000", "x-0001"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"primary_category": "delivery"}, "primary_category"),
        ({"sub_category": "crash"}, "sub_category"),
        ({"evidence": ["not there"]}, "evidence not in text"),
        ({"categories": ["payment", "other"]}, "'other' stands alone"),
        ({"rating": 5}, "rating"),
        ({"extra": 1}, "extra"),
        ({"id": "x-0001"}, "is used at"),
    ],
)
def test_a_wrong_example_is_named_by_file_and_line(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    write(tmp_path, EXAMPLES[1], {**EXAMPLES[0], **change})
    with pytest.raises(ValueError, match=message) as caught:
        read_examples(tmp_path)
    assert f"one.jsonl:{2}" in str(caught.value)


def test_a_folder_without_examples_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no \*\.jsonl"):
        read_examples(tmp_path)


def test_the_training_set_trains_a_useful_small_model(tmp_path: Path) -> None:
    model = train(read_examples(TRAINING_SET))
    assert model.metrics["category_macro_f1"] > 0.6
    assert model.metrics["sentiment_macro_f1"] > 0.7
    assert model.metrics["severity_macro_f1"] > 0.5
    assert model.metrics["confidence_ece"] < 0.05
    assert model.metrics["action_ece"] < 0.05
    assert model.metrics["action_accuracy"] > 0.5
    assert model.calibration.actions.rules_version == built_in().version
    assert set(model.calibration.actions.rules) <= {rule.id for rule in built_in().rules}
    for field in FIELDS:
        assert list(model.classes[field]) == list(CLASSES[field])
        for name, figures in model.classes[field].items():
            held, target = figures["precision held"], figures["precision target"]
            found, share = figures["found"], figures["share decided"]
            assert found is not None
            assert share is not None
            assert target is not None
            if held is None:
                continue
            # Writers differ, so what is held on one's texts may fall short; not by far.
            decided = round(found * share)
            best = interval(round(held * decided), decided, 0.01)[1]
            assert best >= target, f"{field} {name}"
    assert model_file.save(model, tmp_path).stat().st_size < 20_000_000
    areas = {
        "The app crashes every time I rotate my phone": "reliability",
        "¿Cuándo llega mi paquete? Lleva diez días de retraso": "delivery",
        "Passwort vergessen und keine E-Mail zum Zurücksetzen": "account_access",
        "ขอเงินคืนครับ สินค้าส่งคืนไปแล้ว": "returns",
    }
    said = model.predict(list(areas))
    assert [CATEGORIES[i] for i in said.primary] == list(areas.values())
