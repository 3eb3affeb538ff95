"""The verdict on a configuration, read back from what its evaluation kept.

Belongs here: which gates its latest evaluation broke. Does not belong here: judging.
"""

from __future__ import annotations

import operator
from typing import Any

from feedback_assets.contracts.ledgers import GOLDEN_EVALUATION
from feedback_assets.gold.evaluation.history import BREACHES
from feedback_assets.gold.evaluation.measures import METRICS
from resources.lakehouse.base import Lakehouse


def broken_gates(lakehouse: Lakehouse, configuration_hash: str) -> list[str] | None:
    """What the latest evaluation of a configuration broke, a line each; None without one."""
    if not lakehouse.exists(GOLDEN_EVALUATION.name):
        return None
    where = f"configuration = '{configuration_hash}'"
    rows = lakehouse.scan(GOLDEN_EVALUATION.name, predicate=where).read_all().to_pylist()
    counts = [row for row in rows if row["metric"] == BREACHES]
    if not counts:
        return None
    last = max(counts, key=lambda row: row["evaluated_at"])
    missed = [
        f"{row['stage']} {row['metric']} of {row['label']} is {row['value']:.3f}, the gate "
        f"{row['floor']:g}"
        for row in rows
        if row["evaluated_at"] == last["evaluated_at"] and _misses(row)
    ]
    others = int(last["value"]) - len(missed)
    if others > 0:
        missed.append(f"{others} more: worse than the configuration before, or not measurable")
    return missed


def _misses(row: dict[str, Any]) -> bool:
    if row["floor"] is None or row["metric"] == BREACHES:
        return False
    worse = operator.lt if METRICS[row["metric"]].better == "higher" else operator.gt
    return bool(worse(row["value"], row["floor"]))
