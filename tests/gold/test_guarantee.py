from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from feedback_assets.gold.guarantee import (
    CLASSES,
    FIELDS,
    NEVER,
    Guarantee,
    as_markdown,
    interval,
    learned,
    lower_bound,
    threshold,
)

DRAWS = 400


def test_the_lower_bound_is_clopper_and_pearsons() -> None:
    # Where all are right it has a closed form: risk ** (1 / n).
    assert lower_bound(22, 22, 0.1) == pytest.approx(0.1 ** (1 / 22))
    assert lower_bound(0, 10) == 0
    low, high = interval(45, 50, 0.1)
    # Each end is the rate at which so extreme a count has a chance of half the risk.
    assert binom.sf(44, 50, low) == pytest.approx(0.05)
    assert binom.cdf(45, 50, high) == pytest.approx(0.05)
    assert interval(5, 5)[1] == 1


@pytest.mark.parametrize("count", [60, 250, 1000])
@pytest.mark.parametrize("slope", [0.3, 1.0, 3.0])
def test_the_precision_holds_in_all_but_a_tenth_of_draws(count: int, slope: float) -> None:
    """Confidences that are too high, right or too low: the guarantee does not believe them."""
    chance = np.random.default_rng(count)
    broken = 0
    for _ in range(DRAWS):
        scores = chance.normal(1.5, 1.2, count)
        rates = 1 / (1 + np.exp(-scores))
        confidence = 1 / (1 + np.exp(-slope * scores))
        at = threshold(confidence, chance.random(count) < rates, 0.9, 0.1)
        kept = confidence >= at
        broken += bool(kept.any()) and rates[kept].mean() < 0.9
    # Three standard errors of what a tenth would give.
    assert broken / DRAWS <= 0.1 + 3 * (0.09 / DRAWS) ** 0.5


def test_it_holds_where_confidence_says_nothing() -> None:
    chance = np.random.default_rng(1)
    stood = 0
    for _ in range(DRAWS):
        right = chance.random(300) < 0.9 - 1e-9
        stood += np.isfinite(threshold(chance.random(300), right, 0.9, 0.1))
    assert stood / DRAWS <= 0.1 + 3 * (0.09 / DRAWS) ** 0.5


def test_it_finds_what_can_be_found() -> None:
    """Right above one half, wrong below: nearly all that is right stands."""
    confidence = np.linspace(0, 1, 400)
    at = threshold(confidence, confidence > 0.5, 0.9, 0.1)
    assert 0.4 < at < 0.5


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=120), st.sampled_from([0.7, 0.9])
)
def test_what_stands_is_proven(items: list[tuple[float, bool]], target: float) -> None:
    confidence = np.array([item[0] for item in items], dtype=np.float64)
    right = np.array([item[1] for item in items], dtype=np.bool_)
    at = threshold(confidence, right, target)
    kept = confidence >= at
    if at == NEVER:
        assert not kept.any()
    else:
        assert at in confidence
        assert lower_bound(int(right[kept].sum()), int(kept.sum())) >= target


def test_each_class_has_its_own_threshold() -> None:
    classes = np.repeat(np.arange(3), 200)
    confidence = np.tile(np.linspace(0, 1, 200), 3)
    right = (classes == 0) | ((classes == 1) & (confidence > 0.5))
    thresholds = learned("sentiment", classes, confidence, right)
    assert thresholds[0] < 0.02
    assert 0.3 < thresholds[1] <= 0.51
    assert thresholds[2] == NEVER
    guarantee = Guarantee({"sentiment": thresholds})
    names = ["negative", "neutral", "positive", "neutral"]
    stands = guarantee.stand("sentiment", names, np.array([0.1, 0.2, 0.999, 0.9]))
    assert stands.tolist() == [True, False, False, True]
    assert guarantee.stand("sentiment", ["positive"], np.array([1.0])).tolist() == [True]
    with pytest.raises(KeyError, match="cheerful"):
        guarantee.stand("sentiment", ["cheerful"], np.array([0.5]))


def test_the_figures_make_a_table() -> None:
    figures: dict[str, float | None] = {
        "threshold": None, "found": 12, "share decided": 0.0, "precision target": 0.9,
        "precision held": None, "proven": 0.0,
    }  # fmt: skip
    classes = {str(field): dict.fromkeys(CLASSES[field], figures) for field in FIELDS}
    lines = as_markdown(classes).splitlines()
    assert len(lines) == 2 + sum(len(names) for names in CLASSES.values())
    assert lines[2] == "| category | reliability |  | 12 | 0 | 0.9 |  | 0 |"
