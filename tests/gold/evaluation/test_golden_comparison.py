from __future__ import annotations

import numpy as np
import pytest

from feedback_assets.contracts.taxonomy import SENTIMENTS
from feedback_assets.gold.evaluation.comparison import common, compare
from feedback_assets.gold.evaluation.outcomes import Outcomes
from tests.gold.evaluation.examples import of_sentiment

ACCURACY = ("sentiment", "all", "accuracy")


def drawn(random: np.random.Generator, count: int, better: float) -> tuple[Outcomes, Outcomes]:
    """Two answers to the same items, right in 0.6 of cases and in 0.6 + `better`."""
    truth = random.choice(SENTIMENTS, count)
    other = np.array([SENTIMENTS[(SENTIMENTS.index(label) + 1) % 3] for label in truth])
    luck = random.random(count)
    # What both have in common makes the pairs alike, as the same items do.
    old = np.where(luck < 0.6, truth, other)
    new = np.where(np.where(random.random(count) < 0.7, luck, random.random(count)) < 0.6 + better,
                   truth, other)  # fmt: skip
    return of_sentiment(truth.tolist(), new.tolist()), of_sentiment(truth.tolist(), old.tolist())


@pytest.mark.parametrize("better", [0.0, 0.1])
def test_intervals_hold_the_true_difference_as_often_as_they_say(better: float) -> None:
    random = np.random.default_rng(7)
    held = []
    for _ in range(300):
        new, old = drawn(random, 150, better)
        found = compare(new, old, only={ACCURACY}).differences[ACCURACY]
        held.append(found.low <= better <= found.high)
    # 300 tries of 0.95 stay within these but once in a thousand times.
    assert 0.90 <= np.mean(held) <= 0.99


def test_equal_answers_do_not_differ() -> None:
    new, _ = drawn(np.random.default_rng(1), 80, 0.0)
    for difference in compare(new, new).differences.values():
        assert (difference.low, difference.high, difference.difference) == (0, 0, 0)
        assert not difference.worse
        assert not difference.improved


def test_the_same_two_give_the_same_intervals_mirrored() -> None:
    new, old = drawn(np.random.default_rng(2), 80, 0.1)
    there, again, back = compare(new, old), compare(new, old), compare(old, new)
    assert there == again
    for key, difference in there.differences.items():
        mirrored = back.differences[key]
        assert (mirrored.low, mirrored.high) == pytest.approx((-difference.high, -difference.low))


def test_much_worse_is_worse_and_the_other_way_round_improved() -> None:
    new, old = drawn(np.random.default_rng(3), 200, 0.35)
    difference = compare(new, old).differences[ACCURACY]
    assert difference.improved
    assert not difference.worse
    assert compare(old, new).differences[ACCURACY].worse
    # Of a calibration error, less is better.
    sure = of_sentiment(["negative"] * 50, ["negative"] * 50, [1.0] * 50)
    unsure = of_sentiment(["negative"] * 50, ["negative"] * 50, [0.4] * 50)
    error = ("sentiment", "all", "calibration_error")
    assert compare(sure, unsure).differences[error].improved


def test_other_items_and_other_labels_are_refused() -> None:
    one = of_sentiment(["negative", "neutral", "positive"], ["negative"] * 3)
    other = of_sentiment(["negative", "neutral", "negative", "neutral"], ["negative"] * 4)
    with pytest.raises(ValueError, match=r"0 only in .*1 only in .*3 in both"):
        compare(one, other)
    with pytest.raises(ValueError, match=r"golden labels of 1 items differ .*\(i-2\)"):
        compare(one, other.only(["i-0", "i-1", "i-2"]))
    with pytest.raises(ValueError, match="no item was judged"):
        compare(one.only([]), one.only([]))
    mine, theirs = common(one, other)
    assert mine.items == theirs.items == ("i-0", "i-1")
    assert compare(mine, theirs).items == 2


def test_the_order_of_items_does_not_matter() -> None:
    new, old = drawn(np.random.default_rng(4), 40, 0.1)
    assert compare(new, old.only(old.items[::-1])) == compare(new, old)
