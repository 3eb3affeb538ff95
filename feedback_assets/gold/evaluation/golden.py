"""The held-out golden items: read, checked, and put before the stages.

Belongs here: reading ``golden_set/*.jsonl`` and the items' Arrow shape. Does not belong here:
``golden_set/train/``, which models learn from and no evaluation may read, and what is said of
the items (`outcomes`).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import model_validator

from feedback_assets.contracts.decisions import LANES
from feedback_assets.contracts.taxonomy import (
    ACTIONS,
    CATEGORIES,
    SENTIMENTS,
    SEVERITIES,
    SUB_CATEGORIES,
    TRAITS,
)
from feedback_assets.gold.examples import Example, read_labelled

DAY = dt.date(2026, 1, 1)
"""The day golden items are shown under; no stage reads it."""
MOST_EVIDENCE = 3
DEMANDED: dict[str, tuple[str, ...]] = {
    "primary_category": CATEGORIES,
    "sub_category": SUB_CATEGORIES,
    "sentiment": SENTIMENTS,
    "severity": SEVERITIES,
    "action": ACTIONS,
    "lane": LANES,
}
"""What an item may demand of its reader by label; `categories`, `priority` (a number) and
`instruction` (in words) come besides."""
_LANGUAGE = re.compile(r"[a-z]{2}|und")


class GoldenItem(Example):
    """A labelled example strict enough to judge by.

    Of an item that tries to instruct its reader, `demands` says which labels it asks for and
    `attempt` which passages ask.
    """

    @model_validator(mode="after")
    def _fit_to_judge_by(self) -> GoldenItem:
        attempts = [part for part in self.attempt if part not in self.text]
        problems: dict[str, Any] = {
            "language is not ISO 639-1": not _LANGUAGE.fullmatch(self.language),
            "traits": sorted(set(self.traits) - set(TRAITS)),
            "no evidence": not self.evidence and self.sub_category != "noise",
            "too much evidence": len(self.evidence) > MOST_EVIDENCE,
            "attempt not in text": attempts,
            "evidence out of an attempt": [
                quote for quote in self.evidence if any(quote in part for part in self.attempt)
            ],
            "demands": list(_unknown_demands(self.demands)),
            "demands without the trait injection": (
                bool(self.demands) and "injection" not in self.traits
            ),
        }
        if broken := [
            f"{name} {found}" if isinstance(found, list) else name
            for name, found in problems.items()
            if found
        ]:
            raise ValueError(f"not fit to judge by: {'; '.join(broken)}")
        return self

    @property
    def content(self) -> str:
        """The text without the passages that try to instruct its reader."""
        left = self.text
        for part in self.attempt:
            left = left.replace(part, " ")
        return left.strip()


def _unknown_demands(demands: dict[str, Any]) -> list[str]:
    unknown = []
    for name, value in demands.items():
        if name == "categories":
            fits = isinstance(value, list) and set(value) <= set(CATEGORIES)
        elif name == "priority":
            fits = isinstance(value, int | float) and 0 <= value <= 100
        elif name == "instruction":
            fits = isinstance(value, str)
        else:
            fits = value in DEMANDED.get(name, ())
        if not fits:
            unknown.append(f"{name}={value!r}")
    return unknown


def read_golden(folder: Path) -> list[GoldenItem]:
    """The items of ``folder/*.jsonl``, in the order of file names and lines; no sub-folder.

    Raises as `read_labelled`.
    """
    return read_labelled(folder, GoldenItem, "golden item")


def batch_of(
    items: Sequence[GoldenItem], ids: Sequence[str], texts: Sequence[str]
) -> pa.RecordBatch:
    """`items` under `ids` with `texts`, in the shape that stages read.

    Columns: day, source, feedback_id, text, language, rating.
    """
    return pa.record_batch(
        {
            "day": pa.array([DAY] * len(items), pa.date32()),
            "source": pa.array([item.source for item in items], pa.string()),
            "feedback_id": pa.array(ids, pa.string()),
            "text": pa.array(texts, pa.string()),
            "language": pa.array([item.language for item in items], pa.string()),
            "rating": pa.array([item.rating for item in items], pa.float64()),
        }
    )
