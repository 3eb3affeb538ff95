"""When a mix speaks: its effect is above what matters and above what chance explains.

Belongs here: the rule itself, for many partitions at once, so that judging and the backtest
cannot differ. Does not belong here: the statistic (mixes.py), which days are compared
(reference.py), who gets which share of the false alarms (quality_rules.py), and how it is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedback_assets.contracts.quality_rules import Mix, QualityRules
from feedback_assets.quality.mixes import mix_effects

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]


class Spoken(NamedTuple):
    """Cohen's w of each of B partitions, and the threshold above which its check speaks."""

    effect: Floats
    threshold: Floats

    @property
    def speaks(self) -> Bools:
        """Shape (B,)."""
        return self.effect > self.threshold


class Said(NamedTuple):
    """Of each of B partitions: whether there was enough to judge by, and whether it spoke."""

    judged: Bools
    spoke: Bools


def mix_speaks(rule: Mix, counts: ArrayLike, days: ArrayLike, false_alarms: float) -> Spoken:
    """Hold B partitions against their references by `rule`.

    `counts` (B, K) and `days` (B, T, K) are items by class, as `mix_effects` takes them;
    `false_alarms` is the share of unchanged partitions in which this one mix may speak. Of a check
    by class, call this once a class with its share of the check's. Raises `ValueError` as
    `mix_effects`.
    """
    effect, chance = mix_effects(np.asarray(counts, float), np.asarray(days, float), false_alarms)
    return Spoken(effect, np.maximum(rule.least_effect, chance))


def check_speaks(
    rule: Mix, classes: Sequence[str], counts: Integers, days: Integers, rules: QualityRules
) -> Said:
    """What the check of `rule` says of B partitions; `classes` are the K bins' names.

    Of a check by class, bins are named ``class|bin``, and each class that has enough items gets an
    equal share of the check's false alarms.
    """
    prefixes = [name.split("|")[0] if rule.by_class else "" for name in classes]
    # A check by class is judged only where all its classes together have enough.
    whole = _enough(counts, days, rules)
    columns = [np.array([p == name for p in prefixes], bool) for name in dict.fromkeys(prefixes)]
    testable = [
        whole & _enough(counts[:, own], days[:, :, own], rules) if rule.by_class else whole
        for own in columns
    ]
    shared_by = np.sum(testable, axis=0)
    spoke = np.zeros(len(counts), bool)
    for own, enough in zip(columns, testable, strict=True):
        for number in np.unique(shared_by[enough]):
            rows = np.flatnonzero(enough & (shared_by == number))
            budget = rules.chance(rule.action) / int(number)
            at = mix_speaks(rule, counts[rows][:, own], days[rows][:, :, own], budget)
            spoke[rows] |= at.speaks
    return Said(shared_by > 0, spoke)


def _enough(counts: Integers, days: Integers, rules: QualityRules) -> Bools:
    of_day = days.sum(-1)
    enough: Bools = (
        (counts.sum(-1) >= rules.least_items)
        & (of_day.sum(-1) >= rules.reference.least_items)
        & ((of_day > 0).sum(-1) >= rules.reference.least_days)
    )
    return enough
