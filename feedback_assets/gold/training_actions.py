"""What the rules advise on labels that the model predicts, and how often they are right.

Belongs here: running the rules on predictions, and fitting `reliability`. Does not belong here:
the rules and the stage (`recommendation`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression

from feedback_assets.contracts.taxonomy import (
    ACTIONS,
    CATEGORIES,
    ROOT_CAUSE_TYPES,
    SENTIMENTS,
    SEVERITIES,
    SUB_CATEGORIES,
)
from feedback_assets.gold.calibration import Prediction, Probabilities
from feedback_assets.gold.heads import PARENT
from feedback_assets.gold.recommendation import built_in
from feedback_assets.gold.reliability import UNTESTED, Reliability, area_evidence, evidence
from feedback_assets.gold.root_cause import cause_kinds
from feedback_assets.gold.training_heads import Index, Truth

_FEWEST = 3
_STRENGTH = 0.3
"""Inverse regularisation: draws rules that seldom fire, and rare labels, to the average."""


class Advice(NamedTuple):
    """What the built-in rules say of each example: the rule's id and the action by number, with
    the `evidence` of its labels and the confidence in its area."""

    rules: list[str]
    actions: Index
    labels: Probabilities
    areas: Probabilities

    def confidence(self, reliability: Reliability) -> Probabilities:
        """The confidence in each action."""
        offsets = reliability.offsets(reliability.rules_version, self.rules, self.labels)
        return reliability.confidence(offsets, self.areas)


def advised(said: Prediction, tone: Index, severity: Index) -> Advice:
    """The advice on what is predicted, with tone and severity as the stages report them."""
    own = said.primary[:, None] == PARENT
    subs = _names(SUB_CATEGORIES, np.where(own, said.sub_categories, -1).argmax(axis=1))
    tones, levels = _names(SENTIMENTS, tone), _names(SEVERITIES, severity)
    kinds = _names(ROOT_CAUSE_TYPES, cause_kinds(said))
    areas = _names(CATEGORIES, said.primary)
    fired = [
        built_in().rule_for(*labels)
        for labels in zip(areas, subs, tones, levels, kinds, strict=True)
    ]
    actions = np.fromiter((ACTIONS.index(rule.action) for rule in fired), np.int64, len(fired))
    read = evidence(subs, tones, levels)
    return Advice([rule.id for rule in fired], actions, read, said.confidence)


def fit_reliability(advice: Advice, right: Truth) -> Reliability:
    """The map, from advice on examples that the models never saw and whether it is right."""
    if min(right.sum(), (~right).sum()) < _FEWEST:
        return UNTESTED
    names = sorted(set(advice.rules))
    places = {name: number for number, name in enumerate(names)}
    fired = np.zeros((len(right), len(names)))
    fired[np.arange(len(right)), [places[rule] for rule in advice.rules]] = 1.0
    model = LogisticRegression(C=_STRENGTH, max_iter=1000)
    model.fit(np.column_stack([fired, advice.labels, area_evidence(advice.areas)]), right)
    weights = np.append(model.coef_[0], model.intercept_)
    return Reliability(
        built_in().version,
        dict(zip(names, weights[: len(names)].tolist(), strict=True)),
        weights[len(names) :],
    )


def _names(labels: tuple[str, ...], numbers: Index) -> list[str]:
    return [labels[number] for number in numbers.tolist()]
