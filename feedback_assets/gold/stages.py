"""Gold's model stages by the table they make.

Belongs here: the registry, and what each stage reads. Does not belong here: what a stage does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from feedback_assets.gold import recommendation, root_cause, sentiment, topics, translation
from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.findings import Stamp

__all__ = ["STAGES", "Stage", "Stamp"]

Infer = Callable[[pa.RecordBatch, TriageClassifier, Stamp], pa.RecordBatch]
_ITEM = ("day", "source", "feedback_id", "text", "language", "rating")


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: the table it makes, the function that makes it, the columns it reads.

    `optional` columns are used where they are there: root cause multiplies the topics'
    `confidence` into its own.
    """

    table: str
    infer: Infer
    inputs: tuple[str, ...]
    optional: tuple[str, ...] = ()


_LABELS = ("primary_category", "sub_category", "sentiment", "severity", "evidence_spans")
STAGES: dict[str, Stage] = {
    stage.table: stage
    for stage in (
        Stage("gold_translation", translation.infer, _ITEM),
        Stage("gold_sentiment", sentiment.infer, _ITEM),
        Stage("gold_topics", topics.infer, _ITEM),
        Stage("gold_root_cause", root_cause.infer, (*_ITEM, *_LABELS), ("confidence",)),
        Stage(
            "gold_recommendation",
            recommendation.infer,
            (*_ITEM, *_LABELS, "confidence", "root_cause_summary", "root_cause_type"),
            ("topics_state",),
        ),
    )
}
