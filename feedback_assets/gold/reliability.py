"""How far the action that the rules give can be relied on.

Belongs here: the map from rule, labels and the topics' confidence to a probability. Does not
belong here: the rules (`recommendation`), how the map is fitted (`training_actions`), and from
where an action stands (`guarantee`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedback_assets.contracts.taxonomy import SENTIMENTS, SEVERITIES, SUB_CATEGORIES

Probabilities = NDArray[np.float64]
Flags = NDArray[np.bool_]

_LABELS = (SUB_CATEGORIES, SENTIMENTS, SEVERITIES)
_PLACES = tuple({label: number for number, label in enumerate(labels)} for labels in _LABELS)
_STARTS = np.cumsum([0, *map(len, _LABELS)])
EVIDENCE = int(_STARTS[-1])
"""Columns of `evidence`."""


@dataclass(frozen=True)
class Reliability:
    """A logistic model of whether a person would name the same action.

    `rules` holds, for each rule that was seen at work out of fold, by how many logits it is right
    more often than the average one; `weights` (55) are those of `evidence`, that of the logit of
    the confidence in the area, and the offset.
    """

    rules_version: str
    rules: Mapping[str, float]
    weights: Probabilities

    def knows(self, rules_version: str, rules: Sequence[str]) -> Flags:
        """Whether each rule (by id) was seen at work, in rules of this version."""
        if rules_version != self.rules_version:
            return np.zeros(len(rules), dtype=np.bool_)
        return np.fromiter((rule in self.rules for rule in rules), np.bool_, len(rules))

    def offsets(
        self, rules_version: str, rules: Sequence[str], labels: Probabilities
    ) -> Probabilities:
        """Logits (n) by the rules that fire (ids) and the `evidence` of the labels they rest on.

        A rule it does not know counts as the average one.
        """
        known = self.rules if rules_version == self.rules_version else {}
        own = np.fromiter((known.get(rule, 0.0) for rule in rules), np.float64, len(rules))
        summed: Probabilities = own + labels @ self.weights[:-2] + self.weights[-1]
        return summed

    def confidence(self, offsets: Probabilities, areas: Probabilities) -> Probabilities:
        """Probability (n) that each action is right, from `offsets` and the areas' confidence."""
        scores = offsets + self.weights[-2] * area_evidence(areas)
        probabilities: Probabilities = 1 / (1 + np.exp(-scores))
        return probabilities


def evidence(
    sub_categories: Sequence[str], sentiments: Sequence[str], severities: Sequence[str]
) -> Probabilities:
    """The labels an action's confidence is read from, as ones and zeros, (n, 53).

    Raises `KeyError` for a label that is none.
    """
    count = len(severities)
    found = np.zeros((count, EVIDENCE))
    columns = (sub_categories, sentiments, severities)
    for start, places, labels in zip(_STARTS.tolist(), _PLACES, columns, strict=False):
        numbers = np.fromiter((places[label] for label in labels), np.int64, count)
        found[np.arange(count), start + numbers] = 1.0
    return found


def area_evidence(areas: Probabilities) -> Probabilities:
    """The logit of the confidence in the area, held to one in a million at both ends, (n)."""
    held = np.clip(areas, 1e-6, 1 - 1e-6)
    scores: Probabilities = np.log(held / (1 - held))
    return scores


_trusting = np.zeros(EVIDENCE + 2)
_trusting[-2] = 1.0
UNTESTED = Reliability("", {}, _trusting)
"""Of rules that nobody has seen at work: as reliable as the area they stand on."""
