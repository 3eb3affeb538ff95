"""Above which confidence a finding stands by itself, with a guarantee that needs no belief.

Belongs here: thresholds with a finite-sample bound on precision, and telling whether a finding
reaches its class's. Does not belong here: how confidences come about (`calibration`).

A class's threshold is learned from labelled items that the model has not seen, each with its
confidence and whether the finding was right. The chance that the precision above the threshold
falls short of the target is at most `RISK`, whatever the model, for each class on its own:

- for one threshold, by the exact lower bound of Clopper and Pearson ("The use of confidence or
  fiducial limits illustrated in the case of the binomial", Biometrika 1934); it holds for items
  whose chances of being right differ, too (Hoeffding, Annals of Mathematical Statistics 1956);
- for the choice among thresholds, by testing them in an order fixed before any label is looked at,
  from a strict one down, and stopping at the first that fails: fixed-sequence testing, as in
  Angelopoulos, Bates, Candès, Jordan and Lei, "Learn then Test" (2021). So no multiplicity hides;
- to let a finding stand only above a threshold, and count on the risk there, is the selective
  classification of Geifman and El-Yaniv (2017).

It holds for items like the labelled ones, and says nothing of a class where it never stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, binom, poisson

from feedback_assets.contracts.taxonomy import (
    ACTIONS,
    CATEGORIES,
    ROOT_CAUSE_TYPES,
    SENTIMENTS,
    SEVERITIES,
)

Field = Literal["category", "sentiment", "severity", "root_cause", "action"]
FIELDS: tuple[Field, ...] = get_args(Field)
CLASSES: dict[Field, tuple[str, ...]] = {
    "category": CATEGORIES,
    "sentiment": SENTIMENTS,
    "severity": SEVERITIES,
    "root_cause": ROOT_CAUSE_TYPES,
    "action": ACTIONS,
}
PRECISION: dict[Field, float] = {
    "category": 0.85,
    "sentiment": 0.85,
    "severity": 0.70,
    "root_cause": 0.75,
    "action": 0.75,
}
"""The precision above each class's threshold; lower where people agree less on the label. Of
actions, 0.80 would let about half as many stand out of fold, and 0.70 hardly more."""
RISK = 0.10
"""The chance, in a class, that the precision is lower after all."""
NEVER = float("inf")
Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Guarantee:
    """A threshold for each class of each field; infinity where a finding never stands."""

    thresholds: Mapping[Field, Floats]

    def stands(self, field: Field, classes: Index, confidence: Floats) -> Flags:
        """Whether each finding stands: class number of `CLASSES[field]`, and confidence.

        A confidence of 1 is not the model's but a rule's that leaves nothing to ask.
        """
        reached: Flags = (confidence >= self.thresholds[field][classes]) | (confidence == 1.0)
        return reached

    def stand(self, field: Field, labels: list[str], confidence: Floats) -> Flags:
        """As `stands`, for labels by name. Raises `KeyError` for a label that is no class."""
        number = {name: index for index, name in enumerate(CLASSES[field])}
        classes = np.fromiter((number[label] for label in labels), np.int64, len(labels))
        return self.stands(field, classes, confidence)


def learned(
    field: Field, classes: Index, confidence: Floats, right: Flags, risk: float = RISK
) -> Floats:
    """The threshold of each class of `field`, from unseen labelled items: the class each was
    given, the confidence in it, and whether the labels agree."""
    return np.array(
        [
            threshold(
                confidence[classes == number], right[classes == number], PRECISION[field], risk
            )
            for number in range(len(CLASSES[field]))
        ]
    )


def threshold(confidence: Floats, right: Flags, target: float, risk: float = RISK) -> float:
    """The smallest confidence above which the precision is at least `target`, or infinity.

    The thresholds tested are those that keep just as many items as bear 0, 1, 2 … errors. The
    first is not the very strictest, which one unlucky label would fail, but the one that by the
    confidences themselves is likeliest to pass. So which are tested, and in what order, depends
    on the confidences alone, not on the labels. Equal confidences are kept or left together.
    """
    order = np.argsort(-confidence, kind="stable")
    falling, errors = confidence[order], np.cumsum(~right[order])
    borne = _borne(target, risk, len(order))
    lowest = NEVER
    for count in borne[_likeliest(falling, borne) :].tolist():
        at = float(falling[count - 1])
        kept = int(np.searchsorted(-falling, -at, side="right"))
        if lower_bound(kept - int(errors[kept - 1]), kept, risk) < target:
            break
        lowest = at
    return lowest


def lower_bound(right: int, total: int, risk: float = RISK) -> float:
    """The precision that `right` of `total` prove, wrongly in at most `risk` of draws."""
    return 0.0 if right == 0 else float(beta.ppf(risk, right, total - right + 1))


def interval(right: int, total: int, risk: float = RISK) -> tuple[float, float]:
    """Both ends of Clopper and Pearson's interval, each end wrong in `risk` / 2 of draws."""
    upper = 1.0 if right == total else float(beta.ppf(1 - risk / 2, right + 1, total - right))
    return lower_bound(right, total, risk / 2), upper


def as_markdown(classes: Mapping[str, Mapping[str, Mapping[str, float | None]]]) -> str:
    """The figures by class (`TriageClassifier.classes`) as a table; a class that never stands has
    no threshold."""
    heads = ("threshold", "found", "share decided", "precision target", "precision held", "proven")
    lines = [f"| field | class | {' | '.join(heads)} |", "|---|---|" + "---:|" * len(heads)]
    for field, by_name in classes.items():
        for name, figures in by_name.items():
            cells = ("" if figures[head] is None else f"{figures[head]:.3g}" for head in heads)
            lines.append(f"| {field} | {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _borne(target: float, risk: float, most: int) -> Index:
    """The least number of items that bears 0, 1, 2 … errors, up to `most` items."""
    counts = np.arange(1, most + 1)
    # The most errors that are improbable at the target: the lower bound reaches it with these.
    errors = binom.ppf(risk, counts, 1 - target)
    errors = np.where(binom.cdf(errors, counts, 1 - target) > risk, errors - 1, errors)
    return np.searchsorted(errors, np.arange(errors.max(initial=-1) + 1)) + 1


def _likeliest(falling: Floats, borne: Index) -> int:
    """Which of `borne` is likeliest to pass if the confidences are true (Poisson, 1837)."""
    if not len(borne):
        return 0
    expected = np.cumsum(1 - falling)[borne - 1]
    return int(poisson.cdf(np.arange(len(borne)), expected).argmax())
