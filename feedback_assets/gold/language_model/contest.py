"""When a person decides between tier 1 and the language model.

Belongs here: what makes an answer implausible. Does not belong here: how implausible items are
shown (review).

The two tiers err for different reasons: a linear model can't be talked into anything, a
language model can. An answer that tier 1 holds for next to impossible is therefore not taken
over, however sure it sounds; it goes to a person with tier 1's finding.
"""

from __future__ import annotations

from typing import Any

from feedback_assets.contracts.taxonomy import SEVERITIES

Row = dict[str, Any]

LEAST_PLAUSIBLE = 0.02
"""An area tier 1 gives less probability than this is not taken over."""
MOST_LEVELS = 1
"""Levels of severity an answer may lie from tier 1's."""
OPPOSITE = {("negative", "positive"), ("positive", "negative")}


def contested(stage: str, found: Row, answer: Row) -> bool:
    """Whether `answer` contradicts tier 1's finding more than doubt allows."""
    judge = {"topics": _topics, "sentiment": _sentiment}.get(stage)
    return judge is not None and judge(found, answer)


def _topics(found: Row, answer: Row) -> bool:
    probability = {score["label"]: score["probability"] for score in found["category_scores"]}
    implausible = any(probability[label] < LEAST_PLAUSIBLE for label in answer["categories"])
    levels = abs(SEVERITIES.index(answer["severity"]) - SEVERITIES.index(found["severity"]))
    return implausible or levels > MOST_LEVELS


def _sentiment(found: Row, answer: Row) -> bool:
    return (found["sentiment"], answer["sentiment"]) in OPPOSITE
