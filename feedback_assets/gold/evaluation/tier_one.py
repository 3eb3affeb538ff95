"""Tier 1 as something that decides: the trained classifier and the rules, no language model.

Belongs here: running Gold's stages on one model. Does not belong here: what a stage does, and
who else may be asked.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa

from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.evaluation.outcomes import Decide
from feedback_assets.gold.reading import read_safely, watched
from feedback_assets.gold.stages import STAGES, Stamp
from feedback_assets.gold.suspicion import Suspicion


def tier_one(model: TriageClassifier, suspicion: Suspicion, run_id: str = "evaluation") -> Decide:
    """A `Decide` that asks `model` and the rules alone."""
    stamp = Stamp(run_id, datetime.now(UTC))

    def decide(stage: str, batch: pa.RecordBatch) -> pa.RecordBatch:
        wanted = STAGES[f"gold_{stage}"]
        known = [*wanted.inputs, *(c for c in wanted.optional if c in batch.schema.names)]
        shown = watched(batch.select(known), suspicion)
        found, _ = read_safely(shown, lambda read: wanted.infer(read, model, stamp))
        return found

    return decide
