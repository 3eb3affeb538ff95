"""Mixes: what chance explains of a distance, simulated; and the distances themselves."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom, chi2_contingency

from feedback_assets.contracts.quality_rules import read_quality_rules
from feedback_assets.quality.mixes import mix_effects

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
SHARE_OF_ALARMS = read_quality_rules().chance("block")


def falling(classes: int, power: float = 1.0) -> Floats:
    """Shares that fall with the rank of the class: 1, 1/2, 1/3 … to `power`."""
    weights = np.arange(1, classes + 1, dtype=float) ** -power
    shares: Floats = weights / weights.sum()
    return shares


MIXES = {
    "two": np.array([0.5, 0.5]), "three": falling(3), "ten": falling(10),
    "ten, some rare": falling(10, 2), "thirty": falling(30),
}  # fmt: skip


def drawn(
    seed: int, tries: int, shares: Floats, days: int, size: int, correlation: float = 0.0
) -> Counts:
    """`tries` histories of `days` of about `size` items by class; days vary by `correlation`.

    That is the correlation of two items of one day: multinomial at 0, else Dirichlet-multinomial.
    """
    rng = np.random.default_rng(seed)
    of_day = np.broadcast_to(shares, (tries, days, len(shares)))
    if correlation:
        grown = rng.standard_gamma(of_day * (1 - correlation) / correlation) + 1e-300
        of_day = grown / grown.sum(-1, keepdims=True)
    sizes = rng.integers(size // 2, size * 3 // 2 + 1, (tries, days))
    return rng.multinomial(sizes, of_day)


def of_size(seed: int, tries: int, shares: Floats, size: int) -> Counts:
    return np.random.default_rng(seed).multinomial(size, shares, tries)


def speaking(now: Counts, before: Counts, false_alarms: float = SHARE_OF_ALARMS) -> float:
    effect, chance = mix_effects(now.astype(float), before.astype(float), false_alarms)
    return float((effect > chance).mean())


@pytest.mark.parametrize("days", [7, 28])
@pytest.mark.parametrize("size", [50, 200])
def test_unchanged_days_speak_as_rarely_as_promised(days: int, size: int) -> None:
    tries = 1500
    alarms = [
        tries * speaking(of_size(n, tries, shares, size), drawn(90 + n, tries, shares, days, size))
        for n, shares in enumerate(MIXES.values())
    ]
    # P(more) < 1 in 1000 at the promised rate.
    assert sum(alarms) <= binom.ppf(0.999, tries * len(alarms), SHARE_OF_ALARMS)


@pytest.mark.parametrize(
    ("days", "size", "now_size"), [(7, 200, 200), (28, 200, 200), (28, 100, 400)]
)
def test_days_that_vary_by_more_than_their_items_are_no_alarm(
    days: int, size: int, now_size: int
) -> None:
    tries = 1000
    naive = careful = 0.0
    for n, shares in enumerate(MIXES.values()):
        before = drawn(n, tries, shares, days, size, correlation=0.005)
        now = drawn(20 + n, tries, shares, 1, now_size, correlation=0.005)[:, 0]
        careful += speaking(now, before) / len(MIXES)
        # The same items, dealt to days at random: what a test that knows no days would say.
        dealt = of_size(50 + n, tries * days, shares, size).reshape(tries, days, -1)
        naive += speaking(now, dealt) / len(MIXES)
    assert careful < 0.01
    assert naive > 3 * careful


@pytest.mark.parametrize("name", MIXES)
def test_a_fifth_of_200_items_in_another_class_is_found(name: str) -> None:
    shares = MIXES[name]
    moved = shares.copy()
    moved[0] -= 0.2
    moved[1] += 0.2
    assert moved.min() >= 0
    before = of_size(1, 28 * 800, shares, 200).reshape(800, 28, -1)
    assert speaking(of_size(2, 800, moved, 200), before) >= 0.95


def test_a_new_language_is_found_though_no_day_had_it() -> None:
    before = np.tile([200.0, 0.0], (1, 28, 1))
    effect, chance = mix_effects(np.array([[160.0, 40.0]]), before, SHARE_OF_ALARMS)
    assert effect[0] > 2 * chance[0]


def test_a_handful_of_a_rare_class_is_no_drift() -> None:
    before = np.tile([200.0, 0.0], (1, 28, 1))
    effect, chance = mix_effects(np.array([[197.0, 3.0]]), before, SHARE_OF_ALARMS)
    assert effect[0] < chance[0]


def test_the_effect_is_pearsons_statistic_by_items() -> None:
    now, before = np.array([[60.0, 90.0, 50.0]]), np.array([[[30.0, 40.0, 30.0]] * 4])
    effect, _ = mix_effects(now, before, 0.01)
    table = np.vstack([now[0], before[0].sum(axis=0)])
    n, m = table.sum(axis=1)
    chi_square = chi2_contingency(table, correction=False).statistic
    assert effect[0] == pytest.approx(np.sqrt(chi_square * (n + m) / (n * m)))


def test_more_items_leave_less_to_chance_and_fewer_alarms_more() -> None:
    before = drawn(3, 1, MIXES["ten"], 28, 2000)
    chances = [
        mix_effects(200.0 * size * MIXES["ten"][None, :], before.astype(float), rate)[1][0]
        for size, rate in ((1, 0.0001), (1, 0.01), (4, 0.01), (16, 0.01))
    ]
    assert chances == sorted(chances, reverse=True)


def test_a_burst_among_the_days_is_held_against_what_stands_out() -> None:
    calm = of_size(4, 28, MIXES["three"], 200)
    burst = calm.copy()
    burst[10] = [20, 20, 160]
    now = np.array([[40.0, 40.0, 120.0]])
    effect, calmly = mix_effects(now, calm[None].astype(float), 0.001)
    after = mix_effects(now, burst[None].astype(float), 0.001)[1]
    assert calmly[0] < effect[0] < after[0]


def test_each_replicate_is_judged_as_it_is_alone() -> None:
    now = of_size(5, 20, MIXES["ten"], 100).astype(float)
    before = drawn(6, 20, MIXES["ten"], 9, 80, correlation=0.02).astype(float)
    together = mix_effects(now, before, 0.001)
    alone = [mix_effects(now[n : n + 1], before[n : n + 1], 0.001) for n in range(20)]
    assert together[0] == pytest.approx([effect[0] for effect, _ in alone])
    assert together[1] == pytest.approx([chance[0] for _, chance in alone])
    # One reference for all.
    shared = mix_effects(now, before[:1], 0.001)
    assert shared[1][7] == pytest.approx(mix_effects(now[7:8], before[:1], 0.001)[1][0])


WILD = st.integers(2, 6).flatmap(
    lambda classes: st.lists(
        st.lists(st.integers(0, 10**6), min_size=classes, max_size=classes),
        min_size=4,
        max_size=9,
    )
)


@settings(deadline=None)
@given(WILD)
def test_order_empty_classes_and_empty_days_say_nothing(table: list[list[int]]) -> None:
    counts = np.array(table, float)
    assume(counts[0].sum() > 0 and (counts[1:].sum(axis=1) > 0).sum() >= 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        effect, chance = mix_effects(counts[None, 0], counts[None, 1:], 0.001)
    assert np.isfinite(effect[0])
    assert chance[0] >= 0
    order = np.random.default_rng(counts.shape[1]).permutation(counts.shape[1])
    wider = np.pad(counts[:, order], ((0, 2), (0, 1)))
    again = mix_effects(wider[None, 0], wider[None, 1:], 0.001)
    assert again[0][0] == pytest.approx(effect[0], rel=1e-6, abs=1e-9)
    assert again[1][0] == pytest.approx(chance[0], rel=1e-6)


def test_one_class_alone_never_speaks() -> None:
    assert speaking(np.array([[50, 0]]), np.tile([30, 0], (1, 7, 1))) == 0


def test_one_item_a_day_is_judged_without_a_crash() -> None:
    assert speaking(np.array([[1, 0]]), np.array([[[1, 0], [0, 1], [1, 0]]])) == 0


@pytest.mark.parametrize(
    ("now", "before"),
    [([[0, 0]], [[[1, 1]] * 5]), ([[5, 5]], [[[1, 1], [0, 0], [1, 1], [0, 0]]])],
)
def test_what_can_not_be_compared_is_refused(now: object, before: object) -> None:
    with pytest.raises(ValueError, match="needs items and three reference days"):
        mix_effects(np.array(now, float), np.array(before, float), 0.01)
