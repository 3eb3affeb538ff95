"""What is checked, what blocks and what warns: quality_rules.yaml, read and made sure of.

Belongs here: the rules' shape and the names of the checks they govern. Does not belong here:
measuring (the quality room) and the gate.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

BUILT_IN = Path(__file__).with_name("quality_rules.yaml")
Action = Literal["block", "warn"]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]

MIX_CHECKS = (
    "drift_category", "drift_sentiment", "drift_severity", "drift_language", "drift_rating",
    "drift_text_length", "drift_unknown_words", "drift_confidence", "drift_tiers",
    "drift_invalid_answers", "drift_content_filter", "drift_source_mix",
)  # fmt: skip
LEVEL_CHECKS = ("drift_volume", "drift_latency", "drift_cost")
PLAUSIBILITY = "plausibility"
SOURCE_FIELDS = "source_fields"
OVERRIDE_RATE = "override_rate"
PROFILE_CHECKS = (PLAUSIBILITY, SOURCE_FIELDS, OVERRIDE_RATE, *MIX_CHECKS, *LEVEL_CHECKS)
"""Checks of a partition's profile, in the order they are shown."""
ODDITIES = ("one_text", "quarantined", "future_dates", "unread_ratings", "no_words")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Reference(_Strict):
    """The days before, of the same source."""

    days: Count
    least_days: Annotated[int, Field(ge=3)]
    least_items: Count


class FalseAlarms(_Strict):
    """Chance that an unchanged partition fails or warns, over all its drift checks."""

    block: Annotated[float, Field(gt=0, lt=1)]
    warn: Annotated[float, Field(gt=0, lt=1)]


class Mix(_Strict):
    """A drift check of shares; `by_class` tests each class's own distribution."""

    feature: str
    action: Action
    least_effect: Positive
    by_class: bool = False
    across_sources: bool = False


class Level(_Strict):
    """A drift check of one number a day; without `falls`, a fall is not looked at."""

    feature: str
    rises: Annotated[float, Field(gt=1)]
    rise: Action
    falls: Annotated[float, Field(gt=1)] | None = None
    fall: Action = "warn"


class Oddity(_Strict):
    """A share of items that no source sends in earnest."""

    most: Share
    least_items: Count
    action: Action


class Fields(_Strict):
    """Fields of the payload that come, go or change their type."""

    usual_share: Share
    gone_below: Share
    removed: Action
    retyped: Action
    added: Action


class Freshness(_Strict):
    """A table that is older than the rows it is made from."""

    action: Action


class OverrideRate(_Strict):
    """The share of decisions that change what the models said."""

    most: Share
    action: Action


class NewWords(_Strict):
    """When words that no model saw flag a model review."""

    least_items: Count
    least_share: Share


class Human(_Strict):
    """What people change, and when that flags a model review."""

    days: Count
    least_decisions: Count
    override_rate: OverrideRate
    flag_override_rate: Share
    flag_confidence_decline: Share
    flag_new_words: NewWords
    close_after_days: Count
    evaluation_days: Count
    retrain_after_decisions: Count


class Deadline(_Strict):
    """Hours from receipt: `warn` before it is late, and late."""

    warn: Positive
    late: Positive

    @model_validator(mode="after")
    def _in_order(self) -> Deadline:
        if self.warn > self.late:
            raise ValueError(f"warn ({self.warn:g} h) comes after late ({self.late:g} h)")
        return self


class Deadlines(_Strict):
    """The ladder from receipt to ticket."""

    insight: Deadline
    decision: Deadline
    ticket: Deadline


class Override(_Strict):
    """Bounds of an operator's override."""

    most_hours: Positive


class QualityRules(_Strict):
    """The whole file."""

    reference: Reference
    least_items: Count
    false_alarms: FalseAlarms
    mixes: dict[str, Mix]
    levels: dict[str, Level]
    plausibility: dict[str, Oddity]
    fields: Fields
    freshness: Freshness
    human: Human
    deadlines: Deadlines
    override: Override

    @model_validator(mode="after")
    def _names_every_check(self) -> QualityRules:
        for part, named, known in (
            ("mixes", self.mixes, MIX_CHECKS),
            ("levels", self.levels, LEVEL_CHECKS),
            ("plausibility", self.plausibility, ODDITIES),
        ):
            if missing := sorted(set(known) - set(named)):
                raise ValueError(f"{part}: {', '.join(missing)} missing")
            if unknown := sorted(set(named) - set(known)):
                raise ValueError(f"{part}: {', '.join(unknown)} unknown")
        return self

    @property
    def blocking_drift_checks(self) -> int:
        """Drift checks that share the chance of a false alarm that blocks."""
        return sum(mix.action == "block" for mix in self.mixes.values()) + sum(
            "block" in (level.rise, level.falls and level.fall) for level in self.levels.values()
        )

    @property
    def warning_drift_checks(self) -> int:
        """Drift checks that share the chance of a false alarm that warns."""
        return sum(mix.action == "warn" for mix in self.mixes.values()) + sum(
            "warn" in (level.rise, level.falls and level.fall) for level in self.levels.values()
        )

    def chance(self, action: Action) -> float:
        """The false alarms one drift check of `action` may raise, as a share of partitions."""
        if action == "block":
            return self.false_alarms.block / max(self.blocking_drift_checks, 1)
        return self.false_alarms.warn / max(self.warning_drift_checks, 1)


@functools.cache
def read_quality_rules(path: Path = BUILT_IN) -> QualityRules:
    """The rules in `path`. Raises `ValueError` naming the file and what is wrong in it."""
    try:
        return QualityRules.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ValueError(f"quality rules {path}: {error}") from error
