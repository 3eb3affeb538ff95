from __future__ import annotations

import numpy as np
import pytest

from feedback_assets.contracts.taxonomy import SEVERITIES
from feedback_assets.gold.calibration import logit, multinomial, outstanding, sigmoid
from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.features import read
from feedback_assets.gold.heads import HEADS, SENTIMENT_HEADS, SEVERITY_HEADS
from feedback_assets.gold.scored_texts import FORM, Reading, RecentReadings, form_of
from feedback_assets.gold.training_calibration import fit_calibration
from feedback_assets.gold.training_heads import Labels
from feedback_assets.gold.training_metrics import calibration_error


def sample(count: int, seed: int, rated: float = 0.5) -> tuple[np.ndarray, np.ndarray, Labels]:
    """Scores that are off in scale and rate, and labels drawn by what they should have said."""
    chance = np.random.default_rng(seed)
    scores = chance.normal(0, 1.5, (count, len(HEADS)))
    form = np.zeros((count, len(FORM)))
    categories = chance.random((count, 10)) < sigmoid(0.6 * scores[:, :10] - 1.0)
    categories[np.arange(count), scores[:, :10].argmax(axis=1)] |= chance.random(count) < 0.5
    tone = scores[:, SENTIMENT_HEADS] * 0.7 + [1.0, 0.0, -0.5]
    level = scores[:, SEVERITY_HEADS].sum(axis=1) + chance.logistic(size=count)
    ratings = np.where(chance.random(count) < rated, chance.integers(0, 5, count) / 4, np.nan)
    sentiment = (tone + chance.gumbel(size=tone.shape)).argmax(axis=1)
    labels = Labels(
        categories, scores[:, :10].argmax(axis=1), np.full(count, -1), sentiment,
        np.searchsorted([-1.0, 1.0, 3.0], level), np.full(count, -1),
        np.full(count, -1), ratings,
    )  # fmt: skip
    return scores, form, labels


def test_probabilities_come_true_on_what_was_not_fitted() -> None:
    calibration = fit_calibration(*sample(4000, 1))
    scores, form, labels = sample(4000, 2)
    said = calibration.judge(scores, form, labels.ratings)
    each = np.arange(len(scores))
    assert calibration_error(said.categories.ravel(), labels.categories.ravel()) < 0.03
    assert calibration_error(said.confidence, labels.categories[each, said.primary]) < 0.05
    for probabilities, truth in (
        (said.sentiment, labels.sentiment),
        (said.severity, labels.severity),
    ):
        best = probabilities.argmax(axis=1)
        assert calibration_error(probabilities[each, best], best == truth) < 0.04
        assert np.allclose(probabilities.sum(axis=1), 1)


def test_a_class_nobody_labelled_is_improbable() -> None:
    scores, form, labels = sample(300, 3)
    labels = labels._replace(severity=np.minimum(labels.severity, 1))
    said = fit_calibration(scores, form, labels).judge(scores, form, labels.ratings)
    assert said.severity[:, 2:].max() < 0.01
    assert SEVERITIES[int(said.worst.max())] == "medium"


def test_without_ratings_a_rating_changes_nothing() -> None:
    scores, form, labels = sample(300, 4, rated=0.0)
    calibration = fit_calibration(scores, form, labels)
    none, some = (calibration.judge(scores, form, np.full(300, r)) for r in (np.nan, 1.0))
    assert np.allclose(none.sentiment, some.sentiment)
    assert np.allclose(none.severity, some.severity)


def test_rare_classes_need_less_to_stand_out() -> None:
    rates = np.array([0.64, 0.32, 0.04])
    probabilities = np.array([[0.60, 0.20, 0.20], [0.90, 0.05, 0.05], [0.60, 0.30, 0.10]])
    assert outstanding(probabilities, rates).tolist() == [2, 0, 0]


def test_logit_undoes_sigmoid_and_ends_are_finite() -> None:
    scores = np.linspace(-10, 10, 21)
    assert np.allclose(logit(sigmoid(scores)), scores)
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()
    weights = np.array([[1.0, 0.0], [0.0, 5000.0]])
    assert np.isfinite(multinomial(np.array([[9000.0]]), weights)).all()


@pytest.mark.parametrize(
    ("text", "asks", "ends", "exclaims"),
    [
        ("Where is it?", 1, 1, 0),
        ("Why? Never mind!", 1, 0, 1),
        ("どこですか？", 1, 1, 0),
        ("", 0, 0, 0),
    ],
)
def test_the_form_of_a_text(text: str, asks: int, ends: int, exclaims: int) -> None:
    letters, has_question, ends_asking, marks, has_exclamation = form_of(read([text]).layout)[0]
    assert (has_question, ends_asking, has_exclamation) == (asks, ends, exclaims)
    assert np.isclose(np.expm1(marks), asks)
    assert np.expm1(letters) <= len(text)


def test_texts_are_read_once_while_they_are_at_hand(small_model: TriageClassifier) -> None:
    recent, reads = RecentReadings(), []

    def read_them(texts: object) -> Reading:
        reads.append(texts)
        return next(small_model.readings(["one text", "another"]))

    first = recent.get(["one text", "another"], read_them)
    assert recent.get(["one text", "another"], read_them) is first
    assert len(reads) == 1
    known = recent.scores(["another", "unheard"])
    assert known[0] is not None
    assert known[1] is None


def test_old_readings_make_room(small_model: TriageClassifier) -> None:
    recent = RecentReadings()
    recent.CHARACTERS = 100
    long = ["charged twice " * 5]
    reading = next(small_model.readings(long))
    recent.get(long, lambda _: reading)
    other = next(small_model.readings(["a parcel " * 6]))
    recent.get(["a parcel " * 6], lambda _: other)
    again = next(small_model.readings(["short"]))
    assert recent.get(long, lambda _: again) is again


def test_scores_are_the_same_however_they_are_asked(small_model: TriageClassifier) -> None:
    texts = ["charged twice", "where is my parcel?", "charged twice", ""]
    together = small_model.cause_scores(texts)
    alone = np.concatenate([small_model.cause_scores([text]) for text in texts])
    assert together.shape == (4, 7)
    assert np.allclose(together, alone)
