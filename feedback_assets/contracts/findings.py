"""The shape of a model stage's finding: evidence spans and scores.

Belongs here: types that every stage's table shares. Does not belong here: how they are found.
"""

from __future__ import annotations

import pyarrow as pa

EVIDENCE_SPANS = pa.list_(
    pa.struct([("start", pa.int32()), ("end", pa.int32()), ("quote", pa.string())])
)
"""Character offsets (Unicode code points, end exclusive) into the masked text."""

SCORES = pa.list_(pa.struct([("label", pa.string()), ("probability", pa.float32())]))
"""Calibrated probability by label, labels in the order of the taxonomy."""

DECIDING_STAGES = ("sentiment", "topics", "root_cause", "recommendation")
"""Stages whose doubt is the item's doubt."""
