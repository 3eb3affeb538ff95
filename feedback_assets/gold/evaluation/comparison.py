"""Two configurations on the same items: what differs, and by how much more than by chance.

Belongs here: paired differences with their intervals. Does not belong here: what a difference
means for going live (`gates`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from feedback_assets.gold.evaluation.measures import METRICS, measures
from feedback_assets.gold.evaluation.metrics import Floats
from feedback_assets.gold.evaluation.outcomes import Outcomes

DRAWS = 2_000
LEVEL = 0.95
_SEED = 20_260_101
Key = tuple[str, str, str]
"""Stage, label, metric."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A measure `before` and `now`, and the interval of now less before."""

    stage: str
    label: str
    metric: str
    before: float
    now: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        """Now less before."""
        return self.now - self.before

    @property
    def worse(self) -> bool:
        """The whole interval lies on the worse side of no difference."""
        better = METRICS[self.metric].better
        return (better == "higher" and self.high < 0) or (better == "lower" and self.low > 0)

    @property
    def improved(self) -> bool:
        """The whole interval lies on the better side of no difference."""
        better = METRICS[self.metric].better
        return (better == "higher" and self.low > 0) or (better == "lower" and self.high < 0)


@dataclass(frozen=True)
class Comparison:
    """Differences of every measure that both have, on `items` items, intervals of `level`."""

    differences: dict[Key, Difference]
    items: int
    level: float


def compare(
    now: Outcomes, before: Outcomes, level: float = LEVEL, only: Collection[Key] | None = None
) -> Comparison:
    """Differences between two outcomes on the same items, in the stages both have.

    Intervals are percentiles of the paired bootstrap: `DRAWS` draws of items with replacement,
    the same ones for both sides (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993,
    section 13.3), from a fixed seed. `only` limits what is compared. A measure that either side
    lacks is left out. Raises `ValueError` when the items or their golden labels differ.
    """
    items = _same_items(now, before)
    before = before.only(now.items)
    drawn, once = draws(items), np.ones((1, items))
    differences: dict[Key, Difference] = {}
    for stage in (stage for stage in now.frames if stage in before.frames):
        _same_truth(stage, now, before)
        new, old = (measures(stage, outcomes.frames[stage]) for outcomes in (now, before))
        for label, metric in new:
            key = (stage, label, metric)
            if (label, metric) in old and METRICS[metric].better != "neither" and (
                only is None or key in only
            ):  # fmt: skip
                low, high = _interval(new[label, metric](drawn) - old[label, metric](drawn), level)
                differences[key] = Difference(
                    *key,
                    before=float(old[label, metric](once)[0]),
                    now=float(new[label, metric](once)[0]),
                    low=low,
                    high=high,
                )
    defined = {k: d for k, d in differences.items() if not np.isnan(d.difference + d.low + d.high)}
    return Comparison(defined, items, level)


def common(now: Outcomes, before: Outcomes) -> tuple[Outcomes, Outcomes]:
    """Both, of the items alone that both judged by the same golden labels.

    The golden set grows and is mended; what was kept of it once still compares on the rest.
    """
    shared = set(now.items) & set(before.items)
    for stage in set(now.frames) & set(before.frames):
        new, old = (_truths(stage, outcomes) for outcomes in (now, before))
        shared = {item for item in shared if new[item] == old[item]}
    kept = [item for item in now.items if item in shared]
    return now.only(kept), before.only(kept)


@lru_cache(maxsize=2)
def draws(items: int) -> Floats:
    """How often each of so many items is drawn, (DRAWS, items); the same every time."""
    generator = np.random.default_rng(_SEED)
    return generator.multinomial(items, np.full(items, 1 / items), DRAWS).astype(np.float64)


def _interval(differences: Floats, level: float) -> tuple[float, float]:
    # A rare class is missing from some draws: those say nothing about it.
    said = differences[~np.isnan(differences)]
    if not len(said):
        return np.nan, np.nan
    low, high = np.quantile(said, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _same_items(now: Outcomes, before: Outcomes) -> int:
    one, other = set(now.items), set(before.items)
    if one != other:
        raise ValueError(
            f"not the same items: {len(one - other)} only in {now.configuration_hash}, "
            f"{len(other - one)} only in {before.configuration_hash}, {len(one & other)} in both; "
            "evaluate both on one golden set, or compare what they have in common"
        )
    if not one:
        raise ValueError("nothing to compare: no item was judged")
    return len(one)


def _same_truth(stage: str, now: Outcomes, before: Outcomes) -> None:
    new, old = (_truths(stage, outcomes) for outcomes in (now, before))
    if changed := [item for item in new if new[item] != old[item]]:
        raise ValueError(
            f"{stage}: the golden labels of {len(changed)} items differ between the two "
            f"({', '.join(changed[:5])}); evaluate both on one golden set, or compare what they "
            "have in common"
        )


def _truths(stage: str, outcomes: Outcomes) -> dict[str, tuple[object, ...]]:
    frame = outcomes.frames[stage]
    names = [name for name in frame.columns if name.startswith("truth_")]
    rows = frame.select("item", *names).iter_rows()
    return {item: tuple(values) for item, *values in rows}
