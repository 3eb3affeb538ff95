"""What the stages share when they write their findings down as Arrow.

Belongs here: provenance, evidence spans and scores as Arrow arrays, equal items once.
Does not belong here: what a stage finds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from feedback_assets.contracts.findings import EVIDENCE_SPANS, SCORES
from feedback_assets.contracts.provenance import PROVENANCE
from feedback_assets.contracts.tables import TABLES
from feedback_assets.contracts.taxonomy import taxonomy_hash

Span = tuple[int, int]
"""Start and end (exclusive) in Unicode code points of one text."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which run makes a finding, and when (an aware datetime)."""

    run_id: str
    produced_at: datetime


class Distinct(NamedTuple):
    """Items told apart by what a stage reads: `first` row of each kind, and each row's `kind`."""

    first: NDArray[np.int64]
    kind: NDArray[np.int64]


def strings(batch: pa.RecordBatch, name: str) -> list[str]:
    """A text column's values, which its contract keeps from being null."""
    values: list[Any] = batch.column(name).to_pylist()
    return values


def read_items(
    batch: pa.RecordBatch,
) -> tuple[Distinct, list[str], list[str], NDArray[np.float64]]:
    """What the stages that read texts know of an item, equal ones once: text, language, rating
    (nan where there is none). All of them tell items apart alike, so that they share readings."""
    texts, languages = strings(batch, "text"), strings(batch, "language")
    ratings = batch.column("rating").cast(pa.float64()).to_pylist()
    items = distinct(texts, languages, ratings)
    first = items.first.tolist()
    known = np.array([ratings[i] for i in first], dtype=np.float64)
    return items, [texts[i] for i in first], [languages[i] for i in first], known


def distinct(*columns: Sequence[Any]) -> Distinct:
    """Equal items once. `columns` are what a stage reads of an item, all of one length."""
    kinds: dict[Any, int] = {}
    keys = columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))
    kind = np.fromiter((kinds.setdefault(k, len(kinds)) for k in keys), np.int64, len(keys))
    return Distinct(np.unique(kind, return_index=True)[1].astype(np.int64), kind)


def spans_array(texts: Sequence[str], spans: Sequence[Sequence[Span]]) -> pa.Array[Any]:
    """Evidence spans with their quotes, a list an item."""
    counts = np.fromiter(map(len, spans), np.int32, len(spans))
    flat = list(chain.from_iterable(spans))
    quotes = [text[start:end] for text, own in zip(texts, spans, strict=True) for start, end in own]
    structs = pa.StructArray.from_arrays(
        [
            pa.array([start for start, _ in flat], pa.int32()),
            pa.array([end for _, end in flat], pa.int32()),
            pa.array(quotes, pa.string()),
        ],
        fields=list(EVIDENCE_SPANS.value_type),
    )
    return pa.ListArray.from_arrays(_list_offsets(counts), structs, type=EVIDENCE_SPANS)


def scores_array(labels: Sequence[str], scores: NDArray[np.float64]) -> pa.Array[Any]:
    """One list an item of every label with its probability; `scores` is (items, labels)."""
    names = pa.array(labels).take(pa.array(np.tile(np.arange(len(labels)), len(scores))))
    values = pa.array(scores.ravel().astype(np.float32))
    structs = pa.StructArray.from_arrays([names, values], fields=list(SCORES.value_type))
    counts = np.full(len(scores), len(labels), dtype=np.int32)
    return pa.ListArray.from_arrays(_list_offsets(counts), structs, type=SCORES)


def lists_array(values: Sequence[Sequence[str]]) -> pa.Array[Any]:
    """One list of strings an item."""
    return pa.array(values, pa.list_(pa.string()))


def states(stands: NDArray[np.bool_]) -> list[str]:
    """The ``validation_state`` of findings that stand by themselves, or don't."""
    return ["valid" if each else "doubtful" for each in stands.tolist()]


def provenance(
    texts: Sequence[str],
    tier: str,
    version: str,
    stamp: Stamp,
    states: Sequence[str] | None = None,
) -> pa.Array[Any]:
    """The provenance of each finding; `input_hash` is SHA-256 of version, NUL, text.

    `states` is each finding's ``validation_state``, ``valid`` where it is left out.
    """
    start = hashlib.sha256(version.encode() + b"\0")
    hashes = []
    for text in texts:
        digest = start.copy()
        digest.update(text.encode())
        hashes.append(digest.hexdigest())
    count = len(texts)
    constants = {
        "tier": tier, "model_version": version, "prompt_version": None,
        "produced_at": stamp.produced_at, "run_id": stamp.run_id, "taxonomy_hash": taxonomy_hash(),
    }  # fmt: skip
    by_row = {"input_hash": hashes, "validation_state": states or ["valid"] * count}
    return pa.StructArray.from_arrays(
        [
            pa.array(by_row[name], pa.string())
            if name in by_row
            else pa.repeat(pa.scalar(constants[name], PROVENANCE.field(name).type), count)
            for name in (field.name for field in PROVENANCE)
        ],
        fields=list(PROVENANCE),
    )


def written(
    table: str, batch: pa.RecordBatch, found: Mapping[str, pa.Array[Any]], items: Distinct
) -> pa.RecordBatch:
    """The contract's columns: the item's own from `batch`, the finding's from `found`.

    `found` holds a row a kind of `items`; each item gets its kind's.
    """
    schema = TABLES[table].schema
    kinds = pa.array(items.kind)
    repeated = len(items.first) < len(items.kind)
    columns = []
    for field in schema:
        if field.name in found:
            column = found[field.name]
            columns.append(column.take(kinds) if repeated else column)
        else:
            columns.append(batch.column(field.name).cast(field.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _list_offsets(counts: NDArray[np.int32]) -> pa.Array[Any]:
    return pa.array(np.concatenate(([0], np.cumsum(counts))).astype(np.int32))
