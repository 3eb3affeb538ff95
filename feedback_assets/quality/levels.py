"""Has a number that each day has one of changed? Today's against those of the days before.

Belongs here: the ratio and what chance explains of it. Does not belong here: which days are
compared and how it is told.

The measure is the ratio to what is usual, the geometric mean of the reference's days. What chance
explains is a prediction interval for one more day on the log scale: Student's t with T - 1 degrees
of freedom on the days' standard deviation (Hahn and Meeker, Statistical Intervals, 1991, ch. 4),
which is never taken for less than what counting alone varies by (Poisson: 1 / mean).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

Floats = NDArray[np.float64]
LEAST_SPREAD = 0.05
"""Days' standard deviation on the log scale, at least: measurements alike to the last digit would
make any change remarkable."""


class LevelTest(NamedTuple):
    """`ratio` to what is usual; chance explains ratios from `low` to `high`. An entry a case."""

    ratio: Floats
    low: Floats
    high: Floats


def compare_levels(
    today: ArrayLike, days: ArrayLike, false_alarms: float, counted: bool
) -> LevelTest:
    """Compare each of B numbers with its T days before.

    `today` has shape (B,), `days` (B, T), not a number where a day had none. `counted` says that
    the numbers are counts. A share `false_alarms` of unchanged days falls outside of `low` to
    `high`, in equal parts. Raises `ValueError` with fewer than two days.
    """
    now, past = np.asarray(today, float), np.asarray(days, float)
    some = np.isfinite(past)
    number = some.sum(-1)
    if (number < 2).any():
        raise ValueError("a level needs two days before it")
    # Half an item, so that a count of none has a logarithm.
    shift = 0.5 if counted else 0.0
    logs = np.log(np.maximum(past + shift, 1e-12), where=some, out=np.zeros_like(past))
    mean = np.where(some, logs, 0).sum(-1) / number
    squares = np.where(some, (logs - mean[:, None]) ** 2, 0).sum(-1)
    variance = np.maximum(squares / (number - 1), LEAST_SPREAD**2)
    if counted:
        variance = np.maximum(variance, 1 / np.exp(mean))
    reach = student.ppf(1 - false_alarms / 2, number - 1) * np.sqrt(variance * (1 + 1 / number))
    ratio = np.exp(np.log(np.maximum(now + shift, 1e-12)) - mean)
    return LevelTest(ratio, np.exp(-reach), np.exp(reach))
