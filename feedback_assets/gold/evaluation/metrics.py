"""Measures of how good answers are, over many weightings of the same items at once.

Belongs here: formulas, each from arrays to a function of weights. Does not belong here: which
stage is measured by what (`measures`).

A `Measure` takes weights (k, n), a row a weighting of n items, and gives k values. All ones is
the measure itself, zeros and ones are slices, multinomial counts are bootstrap draws: so a
number, its slices and its interval come out of one formula. Undefined values are nan.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Measure = Callable[[Floats], Floats]
BINS = 10
"""Bins of confidence, of equal width."""


def total(values: Floats) -> Measure:
    """The sum of `values` (n)."""
    return lambda weights: weights @ values


def mean(values: Floats, among: Flags | None = None) -> Measure:
    """The mean of `values` (n) over the items `among`, by default all; nan over none."""
    counted = np.ones(len(values)) if among is None else among.astype(np.float64)
    held = np.where(counted > 0, values, 0.0)
    return lambda weights: _over(weights @ held, weights @ counted)


def of_class(truth: Flags, said: Flags) -> dict[str, Measure]:
    """`precision`, `recall`, `f1` and `support` of one class from who has it, and who is said to.

    Precision is nan where nobody is said to, recall where nobody has it, F1 where both.
    """
    both, either = _counts(truth[:, None], said[:, None])
    has, is_said = truth.astype(np.float64), said.astype(np.float64)
    return {
        "precision": lambda weights: _over((weights @ both)[:, 0], weights @ is_said),
        "recall": lambda weights: _over((weights @ both)[:, 0], weights @ has),
        "f1": lambda weights: _over(2 * (weights @ both)[:, 0], (weights @ either)[:, 0]),
        "support": total(has),
    }


def macro_f1(truth: Flags, said: Flags) -> Measure:
    """The mean F1 of the classes that are there or said to be; `truth` and `said` (n, classes)."""
    both, either = _counts(truth, said)

    def measure(weights: Floats) -> Floats:
        there = weights @ either
        return _over(_over(2 * (weights @ both), there, 0.0).sum(axis=1), (there > 0).sum(axis=1))

    return measure


def calibration_error(confidence: Floats, right: Flags) -> Measure:
    """Expected calibration error over `BINS` bins of equal width (Guo et al. 2017, equation 3)."""
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    too_sure = np.zeros((len(bins), BINS))
    too_sure[np.arange(len(bins)), bins] = confidence - right
    return lambda weights: _over(np.abs(weights @ too_sure).sum(axis=1), weights.sum(axis=1))


def risk_area(confidence: Floats, right: Flags) -> Measure:
    """The area under the risk-coverage curve (Geifman, Uziel and El-Yaniv 2019): the mean, over
    items, of the share of errors among those with at least the item's confidence."""
    order = np.argsort(-confidence, kind="stable")
    wrong = (~right[order]).astype(np.float64)
    last = _last_equals(confidence[order])

    def measure(weights: Floats) -> Floats:
        falling = weights[:, order]
        kept = np.cumsum(falling, axis=1)[:, last]
        errors = np.cumsum(falling * wrong, axis=1)[:, last]
        risks = _over(errors, kept, 0.0)
        return _over((risks * falling).sum(axis=1), falling.sum(axis=1))

    return measure


def risk_coverage(confidence: Floats, right: Flags) -> tuple[Floats, Floats]:
    """The risk-coverage curve (El-Yaniv and Wiener 2010): for each confidence that occurs, from
    the highest down, the share of items with at least it, and the share of errors among them."""
    order = np.argsort(-confidence, kind="stable")
    last = np.unique(_last_equals(confidence[order]))
    errors = np.cumsum(~right[order])[last]
    return (last + 1) / len(confidence), errors / (last + 1)


def reliability(confidence: Floats, right: Flags) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Mean confidence, share right and number of items by bin, of the bins that hold any."""
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    held = np.unique(bins)
    stated = np.array([confidence[bins == number].mean() for number in held])
    true = np.array([right[bins == number].mean() for number in held])
    return stated, true, np.array([(bins == number).sum() for number in held], dtype=np.int64)


def _counts(truth: Flags, said: Flags) -> tuple[Floats, Floats]:
    """True positives, and members plus those said to be, by item and class."""
    return (truth & said).astype(np.float64), truth.astype(np.float64) + said


def _last_equals(falling: Floats) -> NDArray[np.int64]:
    """For each place of a falling row the last place that holds the same value."""
    return np.searchsorted(-falling, -falling, side="right") - 1


def _over(top: Floats, bottom: Floats, undefined: float = np.nan) -> Floats:
    shares = np.full(np.broadcast_shapes(np.shape(top), np.shape(bottom)), undefined)
    np.divide(top, bottom, out=shares, where=np.asarray(bottom) > 0)
    return shares
