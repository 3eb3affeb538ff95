"""A mix that moves by so much, for the backtest.

Belongs here: which classes exchange items, and their shares afterwards. Does not belong here:
drawing items and judging them (backtest.py).

By how much is a total variation distance: that share of the items changes class. Two kinds:
``spread``: items of the other classes, in proportion to them, become of one class;
``swap``: items of the largest class become of the second largest. Of a check by class this
happens in each class. Bins with less than `LEAST_SHARE` of the items take no part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from feedback_assets.contracts.quality_rules import Mix
from feedback_assets.quality.mix_rule import Floats, Integers

LEAST_SHARE = 0.01
KINDS = ("spread", "swap")


@dataclass(frozen=True)
class Exchange:
    """Bins that exchange items, the largest first, and their shares; `mass` is that of all bins
    of their class, those that take no part too.
    """

    bins: Integers
    shares: Floats
    mass: float

    def room(self, kind: str, by: float) -> Integers:
        """Positions in `bins` that a share `by` of `mass` can move to."""
        moving = by * self.mass
        if kind == "swap":
            return np.array([1] if self.shares[0] >= moving else [], np.int64)
        return np.flatnonzero(self.shares.sum() - self.shares >= moving)


def exchanging(rule: Mix, classes: Sequence[str], shares: Floats) -> list[Exchange]:
    """All bins together, or by class; without classes of which fewer than two bins take part."""
    prefixes = [name.split("|")[0] if rule.by_class else "" for name in classes]
    found = []
    for prefix in dict.fromkeys(prefixes):
        own = np.flatnonzero([p == prefix for p in prefixes])
        own = own[np.argsort(-shares[own], kind="stable")]
        mass = float(shares[own].sum())
        part = own[shares[own] >= LEAST_SHARE * mass]
        if len(part) > 1:
            found.append(Exchange(part, shares[part], mass))
    return found


def shift(
    shares: Floats,
    exchanges: Sequence[Exchange],
    kind: str,
    targets: Sequence[Integers],
    by: Floats,
) -> Floats:
    """`shares` (K,) after a share `by` (B,) of each exchange's mass has moved: (B, K).

    `targets`, one of shape (B,) for each exchange, are positions in its bins, for ``spread``.
    Where less can move, all that can does.
    """
    moved = np.repeat(shares[None, :], len(by), axis=0)
    rows = np.arange(len(by))
    for each, target in zip(exchanges, targets, strict=True):
        if kind == "swap":
            giving = np.minimum(by * each.mass, each.shares[0])
            moved[:, each.bins[0]] -= giving
            moved[:, each.bins[1]] += giving
            continue
        others = each.shares.sum() - each.shares[target]
        giving = np.minimum(by * each.mass, others)
        moved[:, each.bins] *= (1 - giving / others)[:, None]
        moved[rows, each.bins[target]] = each.shares[target] + giving
    moved = np.maximum(moved, 0)
    return np.asarray(moved / moved.sum(-1, keepdims=True), float)
