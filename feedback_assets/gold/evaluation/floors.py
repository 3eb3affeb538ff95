"""Bounds for gates.yaml that a configuration in hand reaches with a margin.

Belongs here: the margin. Does not belong here: which measures have a bound (gates.yaml), and
judging by it (`gates`).
"""

from __future__ import annotations

import math

import numpy as np

from feedback_assets.gold.evaluation.comparison import Key, draws
from feedback_assets.gold.evaluation.gates import Gates
from feedback_assets.gold.evaluation.measures import METRICS, measures
from feedback_assets.gold.evaluation.outcomes import Outcomes

ERRORS = 2.0
"""Standard errors between what is reached and its bound: another model as good, by chance better
on some of these items and worse on others, stays within."""


def within_reach(gates: Gates, outcomes: Outcomes) -> dict[Key, float]:
    """For each bound of a share in `gates` the one that follows from `outcomes`.

    It is the value reached, `ERRORS` bootstrap standard errors to the worse side, rounded to a
    hundredth that way and kept within 0 to 1. Counts are left out: none is none. So is what
    `outcomes` can't tell, such as the precision of what stands where nothing does.
    """
    found: dict[Key, float] = {}
    drawn, once = draws(len(outcomes.items)), np.ones((1, len(outcomes.items)))
    for stage, frame in outcomes.frames.items():
        known = measures(stage, frame)
        for own, label, metric in gates.bounds:
            if own != stage or METRICS[metric].kind != "share" or (label, metric) not in known:
                continue
            value = float(known[label, metric](once)[0])
            if math.isnan(value):
                continue
            error = float(np.nanstd(known[label, metric](drawn)))
            if METRICS[metric].better == "higher":
                found[own, label, metric] = max(math.floor((value - ERRORS * error) * 100) / 100, 0)
            else:
                found[own, label, metric] = min(math.ceil((value + ERRORS * error) * 100) / 100, 1)
    return found
