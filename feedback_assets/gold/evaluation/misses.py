"""The golden items that a stage got wrong, for people to read.

Belongs here: which findings count as misses, and what is shown of them. Does not belong here:
the page they are shown on (`report`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from feedback_assets.gold.evaluation.evaluate import Evaluation
from feedback_assets.gold.evaluation.measures import MAIN, SEVERITY_LEVEL, agreement

SHOWN: dict[str, tuple[str, ...]] = {
    "sentiment": ("sentiment",),
    "topics": ("primary_category", "sub_category", "severity"),
    "root_cause": ("root_cause_type", "root_cause_summary"),
    "recommendation": ("action",),
}


def misses(stage: str, evaluation: Evaluation) -> list[dict[str, Any]]:
    """Findings that are wrong: their `MAIN` label is, a severity is off by two steps or more, or
    the item steered them.

    Those that stand first, the most confident first: nobody would have looked at them.
    """
    frame = evaluation.outcomes.frames[stage]
    wrong = frame.filter(pl.Series(_missed(stage, frame)))
    texts = {item.id: item.text for item in evaluation.items}
    before = evaluation.against
    earlier: dict[str, str] = {}
    if before is not None and stage in before.frames:
        said = before.frames[stage].select("item", f"said_{MAIN[stage]}").iter_rows()
        earlier = dict(said)
    return [
        {
            **row,
            "text": texts[row["item"]],
            "said": [(row[f"said_{label}"], _differs(label, row)) for label in SHOWN[stage]],
            "truth": [row[f"truth_{label}"] for label in SHOWN[stage]],
            "earlier": earlier.get(row["item"]),
            "was_right": earlier.get(row["item"]) == row[f"truth_{MAIN[stage]}"],
        }
        for row in wrong.sort(
            "stands", "confidence", "item", descending=[True, True, False]
        ).iter_rows(named=True)
    ]


def _missed(stage: str, frame: pl.DataFrame) -> Any:
    missed = ~agreement(frame, MAIN[stage]) | frame["steered"].fill_null(False).to_numpy()
    if stage == "topics":
        said, truth = (
            frame[f"{side}_severity"].replace_strict(SEVERITY_LEVEL, return_dtype=pl.Int64)
            for side in ("said", "truth")
        )
        missed |= np.abs((said - truth).to_numpy()) > 1
    return missed


def _differs(label: str, row: dict[str, Any]) -> bool:
    # A summary in other words is none the worse for it.
    return label != "root_cause_summary" and row[f"said_{label}"] != row[f"truth_{label}"]
