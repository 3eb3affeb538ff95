"""Levels: the ratio to what is usual, and the ratios that days like these leave to chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, t

from feedback_assets.contracts.quality_rules import read_quality_rules
from feedback_assets.quality.levels import LEAST_SPREAD, compare_levels

VOLUME = read_quality_rules().levels["drift_volume"]
SHARE_OF_ALARMS = read_quality_rules().chance("block")


def test_the_bounds_are_a_prediction_interval_of_the_logarithms() -> None:
    days = np.array([10.0, 20.0, 40.0, 15.0])
    found = compare_levels([60.0], [days], 0.02, counted=False)
    logs = np.log(days)
    reach = t.ppf(0.99, 3) * logs.std(ddof=1) * np.sqrt(1 + 1 / 4)
    assert found.ratio[0] == pytest.approx(60 / np.exp(logs.mean()))
    assert np.log([found.low[0], found.high[0]]) == pytest.approx([-reach, reach])


@pytest.mark.parametrize("days", [7, 28])
def test_unchanged_days_fall_outside_as_often_as_said(days: int) -> None:
    tries, rate = 20_000, 0.01
    drawn = np.random.default_rng(days).lognormal(3, 0.4, (tries, days + 1))
    found = compare_levels(drawn[:, 0], drawn[:, 1:], rate, counted=False)
    outside = int(((found.ratio > found.high) | (found.ratio < found.low)).sum())
    low, high = binom.ppf([0.001, 0.999], tries, rate)
    assert low <= outside <= high


@pytest.mark.parametrize("rate", [0.1, 1, 5, 200])
def test_counts_of_steady_sources_raise_no_alarm(rate: float) -> None:
    tries = 20_000
    drawn = np.random.default_rng(1).poisson(rate, (tries, 29)).astype(float)
    found = compare_levels(drawn[:, 0], drawn[:, 1:], SHARE_OF_ALARMS, counted=True)
    rises = found.ratio > np.maximum(VOLUME.rises, found.high)
    assert rises.sum() <= binom.ppf(0.999, tries, SHARE_OF_ALARMS)


def test_weekends_at_half_raise_no_alarm_and_ten_times_does() -> None:
    rng = np.random.default_rng(2)
    weekend = np.arange(35) % 7 >= 5
    volumes = rng.poisson(np.where(weekend, 100, 200)) * rng.lognormal(0, 0.15, 35)
    for day in range(28, 35):
        found = compare_levels([volumes[day]], [volumes[day - 28 : day]], 0.001, counted=True)
        assert min(1 / 3, found.low[0]) < found.ratio[0] < max(3, found.high[0])
        flood = compare_levels([10 * volumes[day]], [volumes[day - 28 : day]], 0.001, counted=True)
        assert flood.ratio[0] > max(3, flood.high[0])


def test_days_without_a_number_are_none() -> None:
    days = np.array([[10.0, np.nan, 12.0, 9.0, np.nan]])
    found = compare_levels([11.0], days, 0.01, counted=True)
    same = compare_levels([11.0], days[:, [0, 2, 3]], 0.01, counted=True)
    assert np.array(found) == pytest.approx(np.array(same))


def test_days_alike_to_the_last_digit_leave_something_to_chance() -> None:
    found = compare_levels([1.01], [[1.0] * 28], 0.001, counted=False)
    assert found.high[0] == pytest.approx(
        np.exp(t.ppf(0.9995, 27) * LEAST_SPREAD * np.sqrt(1 + 1 / 28))
    )
    few = compare_levels([3.0], [[2.0] * 28], 0.001, counted=True)
    assert few.high[0] > found.high[0]


@given(st.lists(st.floats(1e-6, 1e9), min_size=3, max_size=28), st.floats(1e-3, 1e3))
def test_the_unit_does_not_matter_unless_things_are_counted(days: list[float], unit: float) -> None:
    one = compare_levels([days[0]], [days], 0.01, counted=False)
    other = compare_levels([days[0] * unit], [[day * unit for day in days]], 0.01, counted=False)
    assert np.array(other) == pytest.approx(np.array(one), rel=1e-6)


def test_one_day_is_no_reference() -> None:
    with pytest.raises(ValueError, match="needs two days"):
        compare_levels([1.0], [[1.0, np.nan]], 0.01, counted=False)
