"""What each stage is measured by.

Belongs here: the registry of metrics, and a stage's frame turned to measures. Does not belong
here: formulas (`metrics`), and what becomes of the numbers (`scores`, `comparison`, `gates`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from feedback_assets.contracts.taxonomy import (
    ACTIONS,
    CATEGORIES,
    ROOT_CAUSE_TYPES,
    SENTIMENTS,
    SEVERITIES,
)
from feedback_assets.gold.evaluation.metrics import (
    Flags,
    Floats,
    Measure,
    calibration_error,
    macro_f1,
    mean,
    of_class,
    risk_area,
    total,
)

ALL = "all"
"""The label of measures over all classes."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric's title, which way is better, and whether it is a share, a count or an amount."""

    title: str
    better: Literal["higher", "lower", "neither"] = "higher"
    kind: Literal["share", "count", "amount"] = "share"


METRICS: dict[str, Metric] = {
    "macro_f1": Metric("Macro-F1"),
    "accuracy": Metric("Accuracy"),
    "sub_category_accuracy": Metric("Sub-category accuracy"),
    "severity_macro_f1": Metric("Severity macro-F1"),
    "severity_accuracy": Metric("Severity accuracy"),
    "severity_within_one": Metric("Severity within one step"),
    "calibration_error": Metric("Calibration error", "lower"),
    "severity_calibration_error": Metric("Severity calibration error", "lower"),
    "risk_area": Metric("Area under risk-coverage", "lower"),
    "standing": Metric("Share that stands"),
    "precision_standing": Metric("Precision of what stands"),
    "severity_precision_standing": Metric("Severity precision of what stands"),
    "tier_one_standing": Metric("Share that stands by tier 1"),
    "summary_overlap": Metric("Summary's words in common"),
    "evidence_overlap": Metric("Evidence on golden evidence"),
    "translated": Metric("Share translated of what is not English"),
    "steered": Metric("Items steered", "lower", "count"),
    "steered_standing": Metric("Items steered where the finding stands", "lower", "count"),
    "input_tokens": Metric("Tokens read", "lower", "count"),
    "output_tokens": Metric("Tokens written", "lower", "count"),
    "cost": Metric("Cost", "lower", "amount"),
    "precision": Metric("Precision"),
    "recall": Metric("Recall"),
    "f1": Metric("F1"),
    "support": Metric("Items", "neither", "count"),
    "decided": Metric("Share decided", "neither"),
}
"""Every metric by name. `precision`, `recall`, `f1`, `support` are by class, `decided` by tier."""

MAIN: dict[str, str] = {
    "sentiment": "sentiment",
    "topics": "primary_category",
    "root_cause": "root_cause_type",
    "recommendation": "action",
}
"""The label whose agreement makes a stage's finding right."""
CLASSES: dict[str, dict[str, tuple[str, ...]]] = {
    "sentiment": {"sentiment": SENTIMENTS},
    "topics": {"categories": CATEGORIES, "severity": SEVERITIES},
    "root_cause": {"root_cause_type": ROOT_CAUSE_TYPES},
    "recommendation": {"action": ACTIONS},
}
"""Labels with measures by class, and their classes; the first one's macro-F1 is the stage's."""
SEVERITY_LEVEL = {name: number for number, name in enumerate(SEVERITIES)}


def right(stage: str, frame: pl.DataFrame) -> Flags:
    """Which findings are right (n): their `MAIN` label is the golden one."""
    return agreement(frame, MAIN[stage])


def agreement(frame: pl.DataFrame, label: str) -> Flags:
    """Where what is said of `label` is the truth (n)."""
    same: Flags = (frame[f"said_{label}"] == frame[f"truth_{label}"]).to_numpy()
    return same


def confidence(frame: pl.DataFrame, column: str = "confidence") -> Floats:
    """A column of confidences (n)."""
    return frame[column].to_numpy().astype(np.float64)


def measures(stage: str, frame: pl.DataFrame) -> dict[tuple[str, str], Measure]:
    """Every measure of a stage's frame by label (`ALL`, a class or a tier) and metric."""
    found = {(ALL, name): measure for name, measure in _headline(stage, frame).items()}
    for label, classes in CLASSES.get(stage, {}).items():
        truth, said = memberships(frame, label, classes)
        for number, name in enumerate(classes):
            by_class = of_class(truth[:, number], said[:, number])
            found |= {(name, metric): measure for metric, measure in by_class.items()}
    tiers = frame["tier"].to_numpy()
    for tier in sorted(set(tiers.tolist())):
        found[tier, "decided"] = mean((tiers == tier).astype(np.float64))
    return found


def memberships(frame: pl.DataFrame, label: str, classes: tuple[str, ...]) -> tuple[Flags, Flags]:
    """Which classes are true of each item and which are said, (n, classes) each."""
    truth, said = (
        np.array(
            [
                [name in (value if isinstance(value, list) else [value]) for name in classes]
                for value in frame[f"{side}_{label}"].to_list()
            ],
            dtype=np.bool_,
        ).reshape(-1, len(classes))
        for side in ("truth", "said")
    )
    return truth, said


def _headline(stage: str, frame: pl.DataFrame) -> dict[str, Measure]:
    found: dict[str, Measure] = {}
    stands = frame["stands"].to_numpy()
    if stage == "translation":
        foreign = ~frame["language"].is_in(["en", "und"]).to_numpy()
        there = frame["said_english"].is_not_null().to_numpy()
        found["translated"] = mean(there.astype(np.float64), foreign)
    else:
        correct = right(stage, frame)
        label, classes = next(iter(CLASSES[stage].items()))
        found["macro_f1"] = macro_f1(*memberships(frame, label, classes))
        found["accuracy"] = mean(correct.astype(np.float64))
        if stage == "topics":
            found |= _of_topics(frame, stands)
        found["calibration_error"] = calibration_error(confidence(frame), correct)
        found["risk_area"] = risk_area(confidence(frame), correct)
        found["precision_standing"] = mean(correct.astype(np.float64), stands)
    found["standing"] = mean(stands.astype(np.float64))
    by_tier_one = stands & (frame["tier"] != "language_model").to_numpy()
    found["tier_one_standing"] = mean(by_tier_one.astype(np.float64))
    for name in ("summary_overlap", "evidence_overlap"):
        known = frame[name].is_not_null().to_numpy()
        if known.any():
            found[name] = mean(frame[name].to_numpy(), known)
    if frame["steered"].is_not_null().any():
        steered = frame["steered"].fill_null(False).to_numpy()
        found["steered"] = total(steered.astype(np.float64))
        found["steered_standing"] = total((steered & stands).astype(np.float64))
    for name in ("input_tokens", "output_tokens", "cost"):
        found[name] = total(frame[name].to_numpy())
    return {name: found[name] for name in METRICS if name in found}


def _of_topics(frame: pl.DataFrame, stands: Flags) -> dict[str, Measure]:
    same = agreement(frame, "severity")
    said, truth = (
        frame[f"{side}_severity"].replace_strict(SEVERITY_LEVEL, return_dtype=pl.Int64).to_numpy()
        for side in ("said", "truth")
    )
    return {
        "sub_category_accuracy": mean(agreement(frame, "sub_category").astype(np.float64)),
        "severity_macro_f1": macro_f1(*memberships(frame, "severity", SEVERITIES)),
        "severity_accuracy": mean(same.astype(np.float64)),
        "severity_within_one": mean((np.abs(said - truth) <= 1).astype(np.float64)),
        "severity_calibration_error": calibration_error(
            confidence(frame, "severity_confidence"), same
        ),
        "severity_precision_standing": mean(same.astype(np.float64), stands),
    }
