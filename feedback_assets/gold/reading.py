"""What a stage reads of an item: its text without passages that try to instruct the reader.

Belongs here: blanking such passages before any model sees the text, keeping evidence out of
them, and what follows for the finding. Does not belong here: finding them (`instructions`,
`suspicion`).

Passages are blanked by spaces, so offsets hold. Neither tier reads them: a linear model would
count their words, a language model might obey.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from feedback_assets.contracts.findings import EVIDENCE_SPANS
from feedback_assets.gold.instructions import attempts_in, without
from feedback_assets.gold.suspicion import Suspicion

Span = tuple[int, int]
ENVELOPE = re.compile(
    r"</?(?:feedback|items?|texts?|labels?|reviews?|messages?|tickets?|user|system|assistant|output|"
    r"results?|answers?)\b[^<>]{0,200}>",
    re.IGNORECASE,
)
"""Tags that feign the end of the text, or another beginning: what follows may be no feedback."""
ENOUGH_LEFT = 20
"""Letters that must be left for a merely suspect passage to be blanked; else it is all there is."""


def watched(batch: pa.RecordBatch, suspicion: Suspicion) -> pa.RecordBatch:
    """`batch` with its columns `attempts` (spans with quotes) and `suspect`.

    What grammar finds is an attempt. What only the learned model finds makes the item suspect,
    and is blanked where enough is left to read; so do tags of an envelope that is not its own.
    """
    texts: list[str] = batch.column("text").to_pylist()
    attempts, suspected = attempts_in(texts), suspicion.spans(texts)
    spans, suspect = [], []
    for text, sure, unsure in zip(texts, attempts, suspected, strict=True):
        new = [span for span in unsure if not any(a < span[1] and span[0] < b for a, b in sure)]
        both = sorted([*sure, *new])
        left = sum(map(str.isalpha, without(text, both))) if new else 0
        spans.append(both if new and left >= ENOUGH_LEFT else sure)
        suspect.append(bool(new) or ENVELOPE.search(text) is not None)
    quoted = [
        [{"start": a, "end": b, "quote": text[a:b]} for a, b in own]
        for text, own in zip(texts, spans, strict=True)
    ]
    return batch.append_column("attempts", pa.array(quoted, EVIDENCE_SPANS)).append_column(
        "suspect", pa.array(suspect, pa.bool_())
    )


def read_safely(
    batch: pa.RecordBatch, infer: Callable[[pa.RecordBatch], pa.RecordBatch]
) -> tuple[pa.RecordBatch, list[bool]]:
    """`infer`'s findings of a `watched` batch, and which rows no language model may see.

    Evidence spans of the findings hold quotes of the batch's own text, none out of an attempt.
    A suspect item's finding does not stand.
    """
    suspect: list[bool] = batch.column("suspect").to_pylist()
    lists = batch.column("attempts")
    if not any(suspect) and not pc.any(pc.greater(pc.list_value_length(lists), 0)).as_py():
        return infer(batch), suspect
    rows = np.flatnonzero(pc.greater(pc.list_value_length(lists), 0).to_numpy(False))
    spans = [[(a["start"], a["end"]) for a in own] for own in lists.take(rows).to_pylist()]
    texts: list[str] = batch.column("text").take(rows).to_pylist()
    blanked = [without(text, own) for text, own in zip(texts, spans, strict=True)]
    found = infer(_replaced(batch, "text", rows, blanked))
    if "evidence_spans" in found.schema.names:
        quoted = found.column("evidence_spans").take(rows).to_pylist()
        own_words = [
            [piece for span in evidence for piece in outside(text, span, attempts)]
            for text, evidence, attempts in zip(texts, quoted, spans, strict=True)
        ]
        found = _replaced(found, "evidence_spans", rows, own_words)
    withheld = np.array(suspect)
    if withheld.any():
        found = _in_doubt(found, withheld)
    withheld[rows] = True
    return found, withheld.tolist()


def _replaced(
    batch: pa.RecordBatch, name: str, rows: NDArray[np.int64], values: Sequence[Any]
) -> pa.RecordBatch:
    """`batch` with other values of a column in a few rows; the rest is not looked at."""
    place = batch.schema.get_field_index(name)
    field = batch.schema.field(place)
    order = np.arange(batch.num_rows)
    order[rows] = batch.num_rows + np.arange(len(rows))
    both = pa.concat_arrays([batch.column(place), pa.array(values, field.type)])
    return batch.set_column(place, field, both.take(order))


def _in_doubt(found: pa.RecordBatch, suspect: NDArray[np.bool_]) -> pa.RecordBatch:
    place = found.schema.get_field_index("provenance")
    field = found.schema.field(place)
    made = found.column(place)
    parts = {part.name: made.field(part.name) for part in field.type}
    state = parts["validation_state"]
    parts["validation_state"] = pc.if_else(pa.array(suspect), "suspect", state)
    return found.set_column(
        place, field, pa.StructArray.from_arrays(list(parts.values()), fields=list(field.type))
    )


def outside(text: str, span: dict[str, Any], attempts: Sequence[Span]) -> list[dict[str, Any]]:
    """The pieces of an evidence span that lie outside of `attempts`, blanks trimmed off."""
    pieces, start = [], span["start"]
    for first, last in [*attempts, (span["end"], span["end"])]:
        piece = text[start : min(first, span["end"])] if first > start else ""
        if piece.strip():
            begin = start + len(piece) - len(piece.lstrip())
            quote = piece.strip()
            pieces.append({"start": begin, "end": begin + len(quote), "quote": quote})
        start = max(start, min(last, span["end"]))
    return pieces
