"""What stands on the report's page about one stage: tables, charts and confusion.

Belongs here: the numbers of each table, in the order of its rows. Does not belong here: how they
look (report.html.jinja), and the page around them (`report`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl
from markupsafe import Markup

from feedback_assets.gold.evaluation.charts import (
    Series,
    reliability_diagram,
    risk_coverage_curve,
)
from feedback_assets.gold.evaluation.comparison import Difference
from feedback_assets.gold.evaluation.evaluate import Evaluation
from feedback_assets.gold.evaluation.measures import (
    ALL,
    CLASSES,
    MAIN,
    METRICS,
    confidence,
    right,
)
from feedback_assets.gold.evaluation.misses import misses
from feedback_assets.gold.evaluation.outcomes import Outcomes
from feedback_assets.gold.evaluation.scores import SLICED

BY_CLASS = ("precision", "recall", "f1")
CONFUSED = {stage: [label] for stage, label in MAIN.items()} | {
    "topics": ["primary_category", "severity"]
}
"""Labels shown as confusion tables."""
_VOCABULARY = {label: classes for held in CLASSES.values() for label, classes in held.items()} | {
    "primary_category": CLASSES["topics"]["categories"]
}
Row = dict[str, Any]


def section(evaluation: Evaluation, stage: str) -> Row:
    """Everything the page shows of `stage`, by the names its template knows."""
    frame = evaluation.outcomes.frames[stage]
    held: Row = {
        "name": stage,
        "items": frame.height,
        "headline": [
            _measured(evaluation, stage, ALL, metric)
            for metric in METRICS
            if evaluation.scores.value(stage, metric) is not None
        ],
        "tiers": list(_tiers(evaluation, stage)),
        "classes": [],
        "charts": [],
        "confusion": [],
        "slices": _slices(evaluation, stage),
        "misses": [],
    }
    if stage not in MAIN:
        return held
    series = list(_series(stage, evaluation.outcomes, evaluation.against))
    return held | {
        "classes": [
            {"label": label, "rows": [_class(evaluation, stage, name) for name in classes]}
            for label, classes in CLASSES[stage].items()
        ],
        "charts": [
            ("Reliability", Markup(reliability_diagram(series))),
            ("Risk and coverage", Markup(risk_coverage_curve(series))),
        ],
        "confusion": [_confusion(frame, label) for label in CONFUSED[stage]],
        "misses": misses(stage, evaluation),
    }


def _measured(evaluation: Evaluation, stage: str, label: str, metric: str) -> Row:
    """One measure with its gate, and its difference where there is one."""
    value = evaluation.scores.value(stage, metric, label)
    bound = evaluation.gates.bounds.get((stage, label, metric))
    known = METRICS[metric]
    missed = (
        bound is not None
        and value is not None
        and (value < bound if known.better == "higher" else value > bound)
    )
    difference: Difference | None = (
        evaluation.comparison.differences.get((stage, label, metric))
        if evaluation.comparison
        else None
    )
    return {
        "metric": metric, "kind": known.kind, "better": known.better, "value": value,
        "bound": bound, "missed": missed, "difference": difference,
    }  # fmt: skip


def _class(evaluation: Evaluation, stage: str, name: str) -> Row:
    support = evaluation.scores.value(stage, "support", name)
    cells = [_measured(evaluation, stage, name, metric) for metric in BY_CLASS]
    return {"name": name, "support": support, "cells": cells}


def _tiers(evaluation: Evaluation, stage: str) -> Iterator[Row]:
    frames = [evaluation.outcomes.frames[stage]]
    if evaluation.against and stage in evaluation.against.frames:
        frames.append(evaluation.against.frames[stage])
    for tier in sorted({tier for frame in frames for tier in frame["tier"].to_list()}):
        own = [frame.filter(pl.col("tier") == tier) for frame in frames]
        yield {
            "tier": tier,
            "decided": [part.height / frame.height
                        for part, frame in zip(own, frames, strict=True)],
            "standing": [float(part["stands"].sum()) / frame.height
                         for part, frame in zip(own, frames, strict=True)],
        }  # fmt: skip


def _series(stage: str, now: Outcomes, before: Outcomes | None) -> Iterator[Series]:
    frame = now.frames[stage]
    yield "now", confidence(frame), right(stage, frame)
    if before is not None and stage in before.frames:
        frame = before.frames[stage]
        yield "before", confidence(frame), right(stage, frame)


def _confusion(frame: pl.DataFrame, label: str) -> Row:
    """Counts of truth (rows) by what was said (columns), of the classes that occur."""
    counted = {
        (truth, said): count
        for truth, said, count in frame.group_by(f"truth_{label}", f"said_{label}")
        .len()
        .iter_rows()
    }
    vocabulary = _VOCABULARY[label]
    there = [name for name in vocabulary if any(name in pair for pair in counted)]
    rows = [(truth, [counted.get((truth, said), 0) for said in there]) for truth in there]
    return {
        "label": label,
        "names": there,
        "rows": [(truth, counts, max(sum(counts), 1)) for truth, counts in rows],
    }


def _slices(evaluation: Evaluation, stage: str) -> list[Row]:
    own = evaluation.scores.slices.filter(pl.col("stage") == stage)
    found = []
    for dimension in own["dimension"].unique(maintain_order=True):
        rows: dict[str, Row] = {}
        for row in own.filter(pl.col("dimension") == dimension).iter_rows(named=True):
            held = rows.setdefault(row["slice"], {"items": row["items"]})
            held[row["metric"]] = row["value"]
        shown = [metric for metric in SLICED if any(metric in row for row in rows.values())]
        found.append({"dimension": dimension, "metrics": shown, "rows": rows})
    return found
