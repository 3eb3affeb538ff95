"""Stage gold_translation: how an item is read: in English, and without what instructs its reader.

Belongs here: which items want translating. Does not belong here: the translating, which only a
language model does (without one the text stays as it is and people read it so), and finding
passages that instruct (`reading`).
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.findings import Stamp, distinct, provenance, strings, written

UNTRANSLATED = ("en", "und")
"""Languages that are left alone: English, and what can't be told."""


def infer(batch: pa.RecordBatch, _model: TriageClassifier, stamp: Stamp) -> pa.RecordBatch:
    """No translation yet, in doubt where one is wanted; `attempts` and `suspect` of the batch."""
    states = [
        "valid" if language in UNTRANSLATED else "doubtful"
        for language in strings(batch, "language")
    ]
    texts = strings(batch, "text")
    found: dict[str, pa.Array[Any]] = {
        "english": pa.nulls(batch.num_rows, pa.string()),
        "attempts": batch.column("attempts"),
        "suspect": batch.column("suspect"),
        "provenance": provenance(texts, "rules", "language-1", stamp, states),
    }
    return written("gold_translation", batch, found, distinct(range(len(texts))))
