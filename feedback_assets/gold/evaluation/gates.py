"""What the scores must reach before a configuration may go live.

Belongs here: reading gates.yaml, and the breaches of it. Does not belong here: the numbers
(`scores`, `comparison`), and stopping a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from feedback_assets.gold.evaluation.comparison import Comparison, Key, compare
from feedback_assets.gold.evaluation.measures import ALL, CLASSES, METRICS
from feedback_assets.gold.evaluation.outcomes import STAGES, Outcomes
from feedback_assets.gold.evaluation.scores import Scores

Bounds = Mapping[str, float | Mapping[str, float]]
"""By metric: one number over all classes, or one a class."""
_OF_WHAT_STANDS = ("precision_standing", "severity_precision_standing")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class StageGates(_Strict):
    """The bounds of one stage."""

    at_least: Bounds = Field(default_factory=dict)
    at_most: Bounds = Field(default_factory=dict)


class NotWorse(_Strict):
    """Metrics by stage that must not be worse than those of the configuration before.

    Worse means that the whole paired bootstrap interval of `level` lies on the worse side.
    """

    level: float = Field(gt=0.5, lt=1)
    metrics: Mapping[str, tuple[str, ...]]


class Gates(_Strict):
    """Everything that a configuration must reach."""

    stages: Mapping[str, StageGates]
    not_worse: NotWorse

    @model_validator(mode="after")
    def _names_exist(self) -> Gates:
        problems = [f"no stage {stage}" for stage in (*self.stages, *self.not_worse.metrics)
                    if stage not in STAGES]  # fmt: skip
        for way, bounds in (("higher", self.floors), ("lower", self.ceilings)):
            problems += _problems(bounds, way)
        for stage, metrics in self.not_worse.metrics.items():
            problems += [
                f"not_worse: {stage}: {metric} is no metric with a better way"
                for metric in metrics
                if metric not in METRICS or METRICS[metric].better == "neither"
            ]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def floors(self) -> dict[Key, float]:
        """Least values by stage, label and metric."""
        return {
            key: at for stage, own in self.stages.items() for key, at in _flat(stage, own.at_least)
        }

    @property
    def ceilings(self) -> dict[Key, float]:
        """Greatest values by stage, label and metric."""
        return {
            key: at for stage, own in self.stages.items() for key, at in _flat(stage, own.at_most)
        }

    @property
    def bounds(self) -> dict[Key, float]:
        """Floors and ceilings together; no metric has both."""
        return {**self.floors, **self.ceilings}


@dataclass(frozen=True, slots=True)
class Breach:
    """One gate that was not reached; `value` is None where nothing could be measured."""

    stage: str
    label: str
    metric: str
    value: float | None
    bound: float
    why: str


def read_gates(path: Path) -> Gates:
    """The gates of a YAML file.

    Raises `FileNotFoundError`, and `ValueError` naming the file and every stage, class or metric
    in it that does not exist, and every bound on a metric's wrong side.
    """
    try:
        return Gates.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: {error}") from error


def missed(gates: Gates, scores: Scores) -> list[Breach]:
    """Bounds that the scores miss, of the stages that were judged.

    A measure that is undefined misses its bound, but for the precision of what stands: of
    nothing that stands nothing is wrong.
    """
    judged = set(scores.table["stage"].to_list())
    found = []
    for (stage, label, metric), bound in gates.bounds.items():
        if stage not in judged:
            continue
        value = scores.value(stage, metric, label)
        above = METRICS[metric].better == "higher"
        if value is None:
            if metric not in _OF_WHAT_STANDS:
                side = "at least" if above else "at most"
                why = f"could not be measured; it must be {side} {bound:g}"
                found.append(Breach(stage, label, metric, None, bound, why))
        elif value < bound if above else value > bound:
            why = (
                f"{value:.4g} is {'below the floor' if above else 'above the ceiling'} of {bound:g}"
            )
            found.append(Breach(stage, label, metric, value, bound, why))
    return found


def lost(gates: Gates, now: Outcomes, before: Outcomes) -> list[Breach]:
    """Metrics that are worse than `before` by more than their interval allows.

    Both must have judged the same items. Raises as `compare` does.
    """
    guarded = {
        (stage, ALL, metric)
        for stage, metrics in gates.not_worse.metrics.items()
        for metric in metrics
    }
    found: Comparison = compare(now, before, gates.not_worse.level, guarded)
    return [
        Breach(
            *key,
            value=difference.now,
            bound=difference.before,
            why=f"{difference.now:.3f} after {difference.before:.3f}: a difference of "
            f"{difference.low:+.3f} to {difference.high:+.3f} ({found.level:.0%} interval)",
        )
        for key, difference in found.differences.items()
        if difference.worse
    ]


def _flat(stage: str, bounds: Bounds) -> Iterator[tuple[Key, float]]:
    for metric, value in bounds.items():
        if isinstance(value, Mapping):
            yield from (((stage, label, metric), at) for label, at in value.items())
        else:
            yield (stage, ALL, metric), value


def _problems(bounds: Mapping[Key, float], better: str) -> Iterator[str]:
    side = "at_least" if better == "higher" else "at_most"
    for stage, label, metric in bounds:
        known = {name for classes in CLASSES.get(stage, {}).values() for name in classes}
        if metric not in METRICS or METRICS[metric].better != better:
            yield f"{stage}: {metric} is no metric to be {side}"
        if label != ALL and label not in known:
            yield f"{stage}: {metric}: no class {label}"
