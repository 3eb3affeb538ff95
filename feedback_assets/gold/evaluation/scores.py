"""How good a configuration is: every measure of its outcomes, over all items and by slice.

Belongs here: the numbers as tables. Does not belong here: what is measured (`measures`), and
whether it is enough (`gates`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from feedback_assets.gold.evaluation.measures import ALL, measures
from feedback_assets.gold.evaluation.metrics import Flags
from feedback_assets.gold.evaluation.outcomes import Outcomes

SLICED = ("macro_f1", "accuracy", "severity_within_one", "standing", "precision_standing")
"""Metrics that are worth a look on few items."""


@dataclass(frozen=True)
class Scores:
    """Measures as tables; a measure that is undefined (a mean of nothing) has no row.

    `table`: stage, label (`ALL`, a class or a tier), metric, value. `slices`: stage, dimension
    (language, source, trait), slice, items, metric (of `SLICED`), value.
    """

    table: pl.DataFrame
    slices: pl.DataFrame

    def value(self, stage: str, metric: str, label: str = ALL) -> float | None:
        """One value; None where it is undefined."""
        found = self.table.filter(
            (pl.col("stage") == stage) & (pl.col("label") == label) & (pl.col("metric") == metric)
        )
        return None if found.is_empty() else float(found["value"][0])


def score(outcomes: Outcomes) -> Scores:
    """All measures of `outcomes`."""
    rows, slices = [], []
    for stage, frame in outcomes.frames.items():
        found = measures(stage, frame)
        everything = np.ones((1, frame.height))
        for (label, metric), measure in found.items():
            rows.append((stage, label, metric, float(measure(everything)[0])))
        parts = list(_parts(frame))
        weights = np.array([part for _, _, part in parts], dtype=np.float64)
        for metric in SLICED:
            if (ALL, metric) not in found or not parts:
                continue
            values = found[ALL, metric](weights.reshape(len(parts), frame.height))
            slices += [
                (stage, dimension, name, int(part.sum()), metric, float(value))
                for (dimension, name, part), value in zip(parts, values, strict=True)
            ]
    table = pl.DataFrame(rows, ["stage", "label", "metric", "value"], orient="row")
    sliced = pl.DataFrame(
        slices,
        {
            "stage": pl.String, "dimension": pl.String, "slice": pl.String,
            "items": pl.Int64, "metric": pl.String, "value": pl.Float64,
        },
        orient="row",
    )  # fmt: skip
    return Scores(table.filter(pl.col("value").is_not_nan()),
                  sliced.filter(pl.col("value").is_not_nan()))  # fmt: skip


def _parts(frame: pl.DataFrame) -> Iterator[tuple[str, str, Flags]]:
    """Dimension, slice and which items (n) are in it, the largest slice of each first."""
    held = {
        "language": [[value] for value in frame["language"].to_list()],
        "source": [[value] for value in frame["source"].to_list()],
        "trait": frame["traits"].to_list(),
    }
    for dimension, values in held.items():
        names = {name for own in values for name in own}
        members = {
            name: np.array([name in own for own in values], dtype=np.bool_) for name in names
        }
        for name in sorted(names, key=lambda name: (-int(members[name].sum()), name)):
            yield dimension, name, members[name]
