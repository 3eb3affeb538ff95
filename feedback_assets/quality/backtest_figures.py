"""What a backtest found: shares with their intervals, and delays.

Belongs here: the figures' shapes. Does not belong here: measuring (backtest.py) and telling
(backtest_report.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import binomtest

from feedback_assets.quality.mix_rule import Bools

LONGEST = 60
"""Days for which a slow drift is followed."""


@dataclass
class Share:
    """`hits` of `tries`, with the exact 95% interval (Clopper and Pearson, 1934)."""

    hits: int = 0
    tries: int = 0

    def add(self, hits: Bools, tries: Bools | None = None) -> None:
        """Count an entry a try; only those of `tries`, if given."""
        self.hits += int(hits.sum())
        self.tries += int(len(hits) if tries is None else tries.sum())

    @property
    def value(self) -> float:
        """Not a number without a try."""
        return self.hits / self.tries if self.tries else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper bound."""
        if not self.tries:
            return 0.0, 1.0
        found = binomtest(self.hits, self.tries).proportion_ci(0.95, method="exact")
        return float(found.low), float(found.high)


By = dict[tuple[str, ...], Share]


@dataclass(frozen=True)
class Delay:
    """Days from the beginning of a drift to the first verdict, of those found in `LONGEST`."""

    found: Sequence[int]
    replicates: int

    def within(self, quantile: float) -> float:
        """Days by which so large a share of all replicates was found; infinite if it never was."""
        needed = int(np.ceil(quantile * self.replicates))
        return float("inf") if needed > len(self.found) else float(sorted(self.found)[needed - 1])

    @property
    def never(self) -> float:
        """The share not found."""
        return 1 - len(self.found) / self.replicates


@dataclass
class Backtest:
    """All figures. Keys of `alarms` are (source, check), of `power` (check, kind, source), of
    `delays` (check, rate, source); `unshifted` says why a check of a source can't be shifted.
    """

    items: int
    replicates: int
    units: dict[str, int] = field(default_factory=dict)
    replayed: dict[str, Counter[str]] = field(default_factory=dict)
    alarms: By = field(default_factory=dict)
    power: By = field(default_factory=dict)
    delays: dict[tuple[str, float, str], Delay] = field(default_factory=dict)
    unshifted: dict[tuple[str, str], str] = field(default_factory=dict)
