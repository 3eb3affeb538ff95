"""Measures against scikit-learn, and weights against items repeated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import f1_score, precision_recall_fscore_support

from feedback_assets.gold.evaluation.metrics import (
    BINS,
    Measure,
    calibration_error,
    macro_f1,
    mean,
    of_class,
    reliability,
    risk_area,
    risk_coverage,
    total,
)

Seeds = st.integers(0, 2**32 - 1)


def value(measure: Measure, count: int) -> float:
    return float(measure(np.ones((1, count)))[0])


@settings(deadline=None, max_examples=60)
@given(seed=Seeds, count=st.integers(1, 60))
def test_by_class_as_scikit_learn(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    truth, said = random.random((2, count, 4)) < random.random(4)
    expected = precision_recall_fscore_support(truth, said, zero_division=np.nan)
    for number in range(4):
        found = of_class(truth[:, number], said[:, number])
        for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
            assert value(found[name], count) == pytest.approx(values[number], nan_ok=True)
    by_class = f1_score(truth, said, average=None, zero_division=np.nan)
    if not np.isnan(by_class).all():
        assert value(macro_f1(truth, said), count) == pytest.approx(np.nanmean(by_class))
    else:
        assert np.isnan(value(macro_f1(truth, said), count))


@settings(deadline=None, max_examples=60)
@given(seed=Seeds, count=st.integers(1, 40))
def test_weights_are_items_repeated(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    weights = random.integers(0, 4, count)
    weights[random.integers(count)] += 1
    values, among = random.random(count), random.random(count) < 0.7
    # Few confidences, so that many are equal.
    confidence, right = random.integers(0, 8, count) / 7, random.random(count) < 0.6
    truth, said = random.random((2, count, 3)) < 0.4

    def measures(rows: NDArray[np.int64]) -> list[Measure]:
        return [
            total(values[rows]),
            mean(values[rows], among[rows]),
            macro_f1(truth[rows], said[rows]),
            of_class(truth[rows, 0], said[rows, 0])["f1"],
            calibration_error(confidence[rows], right[rows]),
            risk_area(confidence[rows], right[rows]),
        ]

    weighed = measures(np.arange(count))
    repeated = measures(np.repeat(np.arange(count), weights))
    for one, other in zip(weighed, repeated, strict=True):
        expected = value(other, int(weights.sum()))
        assert one(weights[None, :].astype(float))[0] == pytest.approx(expected, nan_ok=True)


@given(seed=Seeds, count=st.integers(1, 80))
def test_calibration_error_by_hand(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    confidence, right = random.random(count), random.random(count) < 0.5
    expected = 0.0
    for number in range(BINS):
        held = (confidence >= number / BINS) & (confidence < (number + 1) / BINS)
        if held.any():
            expected += held.mean() * abs(confidence[held].mean() - right[held].mean())
    assert value(calibration_error(confidence, right), count) == pytest.approx(expected)
    stated, true, counts = reliability(confidence, right)
    assert (counts * np.abs(stated - true)).sum() / count == pytest.approx(expected)


def test_confidence_of_one_is_in_the_last_bin() -> None:
    error = calibration_error(np.array([1.0, 1.0]), np.array([True, False]))
    assert value(error, 2) == pytest.approx(0.5)


def test_risk_and_coverage_by_hand() -> None:
    confidence = np.array([0.5, 0.9, 0.7, 0.7])
    right = np.array([False, True, True, False])
    coverage, risk = risk_coverage(confidence, right)
    assert coverage.tolist() == [0.25, 0.75, 1.0]
    assert risk.tolist() == pytest.approx([0, 1 / 3, 1 / 2])
    # The two of equal confidence are kept or left together.
    area = value(risk_area(confidence, right), 4)
    assert area == pytest.approx((0 + 1 / 3 + 1 / 3 + 1 / 2) / 4)


def test_errors_of_least_confidence_make_the_least_area() -> None:
    confidence = np.linspace(0.1, 0.9, 50)
    best = value(risk_area(confidence, confidence > 0.3), 50)
    worst = value(risk_area(confidence, confidence < 0.7), 50)
    assert best < 0.1 < worst
