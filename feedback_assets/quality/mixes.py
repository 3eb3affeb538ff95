"""Whether a day's mix of classes differs from the reference days' by more than chance explains.

Belongs here: the statistics, on counts alone. Does not belong here: which days are the reference
(reference.py), when a mix speaks (mix_rule.py) and what is said of it (drift_judging.py).

The measure is Cohen's w ("Statistical Power Analysis for the Behavioral Sciences", 2nd ed., 1988,
chapter 7), the root of w² = Σ (p - r)² / q: p the day's shares, r the reference's, q those of both
together; n m / (n + m) w² is Pearson's chi-square of homogeneity (1900). q is at least 5 / n
(Cochran, Biometrics 1954, asks for five expected items), so that a handful of items of a rare
class is no drift, while none of its items is mixed up with another class's.

What chance explains of w² when nothing has changed:

- Its mean and variance are those of a quadratic form in counts, for which a scaled chi-square
  stands in (Satterthwaite, Biometrics Bulletin 1946). The variance includes the counts' own
  fourth moment, which matters where classes are rare (Haldane, Biometrika 1937).
- Days differ by more than their items' chance. The variance of shares between days is estimated
  from the reference days by moments (Kleinman, JASA 1973; McCullagh and Nelder, "Generalized
  Linear Models", 2nd ed., 1989, 4.5 and 6.2), not below 0. It is a variance of shares, so that it
  weighs more in a larger day. Both its trace and the trace of its square enter, the first and
  second order corrections of Rao and Scott (Annals of Statistics 1984); the latter without the
  bias of few days (Bai and Saranadasa, Statistica Sinica 1996).
- That estimate is uncertain: an F distribution stands in for the chi-square. It is moderated
  towards no variance between days, as if `PRIOR` degrees of freedom more had shown none (after
  Smyth, Statistical Applications in Genetics and Molecular Biology 2004).
- Where some days are bursts, no such distribution holds. So a day must also lie farther from the
  reference than its farthest own day lies from the others, by `FARTHER` in w², both held against
  what was to be expected of them.

How often it is wrong, and what it finds, is simulated in tests/quality/test_mixes.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtri

Floats = NDArray[np.float64]

LEAST_EXPECTED = 5.0
"""Items of a class that are expected, at least, when what it adds to w² is weighed."""
PRIOR = 20.0
"""Degrees of freedom by which the estimate of the variance between days is moderated."""
FARTHER = 1.5
"""How much farther than the farthest reference day a day must lie, as a ratio of w²."""
LEAST_OF_FARTHEST = 25
"""Items a reference day has at least, to be the farthest."""


def mix_effects(now: Floats, before: Floats, false_alarms: float) -> tuple[Floats, Floats]:
    """Cohen's w and the w that chance explains, each (replicates,).

    `now` is (replicates, classes) and `before` (replicates or 1, days, classes); days without
    items are none. Raises `ValueError` for a replicate without items or with fewer than three
    reference days, which have no spread to speak of.
    """
    now, before = np.asarray(now, np.float64), np.asarray(before, np.float64)
    n, sizes = now.sum(axis=-1), before.sum(axis=-1)
    days = (sizes > 0).sum(axis=-1).astype(np.float64)
    if not (n > 0).all() or not (days >= 3).all():
        raise ValueError("a mix needs items and three reference days with items")
    m = sizes.sum(axis=-1)
    usual = before.sum(axis=1) / m[:, None]
    pooled = (now + before.sum(axis=1)) / (n + m)[:, None]
    weighed = np.maximum(pooled, LEAST_EXPECTED / n[:, None])
    w_squared = ((now / n[:, None] - usual) ** 2 / weighed).sum(axis=-1)

    item = _one_item(pooled, weighed)
    off = (before / np.maximum(sizes, 1)[:, :, None] - usual[:, None, :]) / np.sqrt(weighed)[
        :, None, :
    ]
    spread = _between_days(off, sizes, days, n, item)
    # The reference is a mean of days: what varies between them varies in it, too.
    by_items = 1 / n + 1 / m
    by_days = (n - 1) / n + (sizes * (sizes - 1)).sum(axis=-1) / m**2
    expected = by_items * item.trace + by_days * spread.trace
    variance = (
        2 * by_items**2 * item.square
        + 4 * by_items * by_days * spread.trace * item.square / item.trace
        + 2 * by_days**2 * spread.square
        + item.fourth * (1 / n**3 + 1 / m**3)
    )
    freedom = 2 * expected**2 / variance
    # Days of one item each tell nothing of what varies between days, and nothing varies by it.
    uncertain = 2 * expected**2 / np.maximum(by_days**2 * spread.variance, 1e-12 * expected**2)
    chance = expected * fdtri(freedom, uncertain, 1 - false_alarms)
    farthest = _farthest_day(off, sizes, item, spread)
    return np.sqrt(w_squared), np.sqrt(np.maximum(chance, FARTHER * farthest * expected))


@dataclass(frozen=True)
class _Item:
    """Of one item's weighed classes: the covariance's trace, that of its square, and Σ q / g²."""

    trace: Floats
    square: Floats
    fourth: Floats


@dataclass(frozen=True)
class _Spread:
    """The covariance between days: its trace, that of its square, and the first's variance."""

    trace: Floats
    square: Floats
    variance: Floats


def _one_item(shares: Floats, weighed: Floats) -> _Item:
    # Where all items are of one class the trace is 0, and so is w.
    trace = np.maximum((shares * (1 - shares) / weighed).sum(axis=-1), 1e-12)
    square = ((shares / weighed) ** 2 * (1 - 2 * shares)).sum(axis=-1)
    square += (shares**2 / weighed).sum(axis=-1) ** 2
    # As if counts were Poisson's, which errs to the safe side where one class has nearly all.
    return _Item(trace, np.maximum(square, 1e-24), (shares / weighed**2).sum(axis=-1))


def _between_days(off: Floats, sizes: Floats, days: Floats, n: Floats, item: _Item) -> _Spread:
    """What the reference days' distances from their mean, `off`, say beyond chance.

    `off` is (replicates, days, classes), weighed; `sizes` (replicates, days).
    """
    free = days - 1
    typical = (sizes * (1 - sizes / sizes.sum(axis=-1, keepdims=True))).sum(axis=-1) / free
    more = np.maximum(typical - 1, 1e-6)
    scaled = off * np.sqrt(sizes)[:, :, None]
    inner = scaled @ scaled.transpose(0, 2, 1)
    trace = np.einsum("btt->b", inner) / free
    square = (inner**2).sum(axis=(1, 2)) / free**2
    square = free**2 / ((free - 1) * (free + 2)) * (square - trace**2 / free)

    between = np.maximum(trace - item.trace, 0) / more
    # No day's shares can vary in fewer than one direction, or in more than an item's do.
    crossed = 2 * more * between * item.square / item.trace
    least = between**2 * item.square / item.trace**2
    squared = np.clip((square - item.square - crossed) / more**2, least, between**2)

    known = free * more**2
    prior = PRIOR * item.square / item.trace**2 * (n - 1) * more
    told = known / (known + prior)
    between, squared = told * between, told**2 * squared
    crossed = 2 * more * between * item.square / item.trace
    of_day = 2 * (item.square + crossed + more**2 * squared) + item.fourth / typical
    return _Spread(between, squared, of_day / (known + prior))


def _farthest_day(off: Floats, sizes: Floats, item: _Item, spread: _Spread) -> Floats:
    """How far the farthest reference day lies from the others, in what was to be expected."""
    m = sizes.sum(axis=-1, keepdims=True)
    others, own = m - sizes, np.maximum(sizes, 1)
    pairs = sizes * (sizes - 1)
    by_items = 1 / own + 1 / others
    by_days = (own - 1) / own + (pairs.sum(axis=-1, keepdims=True) - pairs) / others**2
    expected = by_items * item.trace[:, None] + by_days * spread.trace[:, None]
    ratio: Floats = (off**2).sum(axis=-1) * (m / others) ** 2 / expected
    farthest: Floats = np.where(sizes >= LEAST_OF_FARTHEST, ratio, 0).max(axis=-1)
    return farthest
