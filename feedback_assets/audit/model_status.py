"""The language model's account: what was asked, what came back, what it cost, what waits.

Belongs here: adding up the ledger, open batches, and items in doubt. Does not belong here: how
it is shown (model_status_text.py), and one item's calls (calls.py).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from feedback_assets.contracts.calls import UNUSABLE_OUTCOMES
from feedback_assets.contracts.findings import DECIDING_STAGES
from feedback_assets.contracts.ledgers import MODEL_CALLS
from feedback_assets.contracts.tables import GOLD_FEEDBACK
from feedback_assets.pipeline.open_batches import open_batches
from resources.lakehouse.base import Lakehouse

_Sums = dict[str, Any]
AMOUNTS = ("input_tokens", "cached_tokens", "output_tokens", "cost")


@dataclass(frozen=True, slots=True)
class CallCounts:
    """Numbers of calls, one an attempt and item, and what they took.

    `calls` is the sum of the four below it. `in_trouble`: the service failed or refused.
    `waiting`: handed over in a batch that has brought nothing yet.
    """

    calls: int = 0
    answered: int = 0
    unusable: int = 0
    in_trouble: int = 0
    waiting: int = 0
    input_tokens: float = 0.0
    cached_tokens: float = 0.0
    output_tokens: float = 0.0
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class StageCalls:
    """One stage's calls, in all and on this day (UTC)."""

    stage: str
    in_all: CallCounts
    today: CallCounts


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch that was handed over and has not ended."""

    batch_id: str
    stage: str
    requests: int
    submitted_at: dt.datetime
    age_hours: float


@dataclass(frozen=True, slots=True)
class InDoubt:
    """Items with a finding that does not stand by itself.

    `by_state` counts, for each ``validation_state``, the items by stage: an item may be in
    doubt in several stages.
    """

    items: int
    by_state: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """The account by stage and in total, batches oldest first, and items in doubt."""

    day: dt.date
    stages: tuple[StageCalls, ...]
    in_all: CallCounts
    today: CallCounts
    open_batches: tuple[OpenBatch, ...]
    in_doubt: InDoubt


@dataclass(frozen=True, slots=True)
class _Kind:
    """What calls are told apart by."""

    stage: str
    outcome: str
    batch_id: str | None
    today: bool


def model_status(lakehouse: Lakehouse, now: dt.datetime) -> ModelStatus | None:
    """The account at `now` (aware); None where no language model was ever asked."""
    today = now.astimezone(dt.UTC).date()
    tallied = _tallied(lakehouse, today)
    if not tallied:
        return None
    # A batch that has brought anything has brought an end for each of its items.
    ended = {k.batch_id for k in tallied if k.outcome != "submitted"}
    told = {k: v for k, v in tallied.items() if k.outcome != "submitted" or k.batch_id not in ended}
    stages = sorted({kind.stage for kind in told})
    return ModelStatus(
        day=today,
        stages=tuple(
            StageCalls(
                stage,
                _counts((k, v) for k, v in told.items() if k.stage == stage),
                _counts((k, v) for k, v in told.items() if k.stage == stage and k.today),
            )
            for stage in stages
        ),
        in_all=_counts(told.items()),
        today=_counts((k, v) for k, v in told.items() if k.today),
        open_batches=tuple(
            OpenBatch(
                batch_id=row["batch_id"],
                stage=row["stage"],
                requests=row["requests"],
                submitted_at=row["recorded_at"],
                age_hours=round((now - row["recorded_at"]).total_seconds() / 3600, 2),
            )
            for row in open_batches(lakehouse)
        ),
        in_doubt=_in_doubt(lakehouse),
    )


def _tallied(lakehouse: Lakehouse, today: dt.date) -> dict[_Kind, _Sums]:
    """Rows and amounts of the ledger by kind, a batch of rows at a time."""
    tallied: dict[_Kind, _Sums] = defaultdict(lambda: dict.fromkeys(("rows", *AMOUNTS), 0))
    if not lakehouse.exists(MODEL_CALLS.name):
        return tallied
    names = ["stage", "outcome", "batch_id"]
    for batch in lakehouse.scan(MODEL_CALLS.name, [*names, "started_at", *AMOUNTS]):
        days = pc.cast(batch.column("started_at"), pa.timestamp("us", tz="UTC")).cast(pa.date32())
        rows = pa.Table.from_batches([batch]).append_column("today", pc.equal(days, today))
        sums = [(name, "sum") for name in AMOUNTS]
        grouped = rows.group_by([*names, "today"]).aggregate([([], "count_all"), *sums])
        for row in grouped.to_pylist():
            kind = _Kind(row["stage"], row["outcome"], row["batch_id"], row["today"])
            tallied[kind]["rows"] += row["count_all"]
            for name in AMOUNTS:
                tallied[kind][name] += row[f"{name}_sum"]
    return tallied


def _counts(tallied: Iterable[tuple[_Kind, _Sums]]) -> CallCounts:
    totals: _Sums = {field.name: field.default for field in fields(CallCounts)}
    for kind, sums in tallied:
        for name in ("calls", _ending(kind.outcome)):
            totals[name] += sums["rows"]
        for name in AMOUNTS:
            totals[name] += sums[name]
    return CallCounts(**totals)


def _ending(outcome: str) -> str:
    if outcome in UNUSABLE_OUTCOMES:
        return "unusable"
    return {"answered": "answered", "submitted": "waiting"}.get(outcome, "in_trouble")


def _in_doubt(lakehouse: Lakehouse) -> InDoubt:
    items = 0
    if lakehouse.exists(GOLD_FEEDBACK.name):
        for batch in lakehouse.scan(GOLD_FEEDBACK.name, ["doubts"]):
            lengths = pc.list_value_length(batch.column("doubts"))
            items += pc.sum(pc.greater(lengths, 0)).as_py() or 0
    by_state: dict[str, dict[str, int]] = defaultdict(dict)
    for stage in DECIDING_STAGES:
        for state, count in _states(lakehouse, f"gold_{stage}").items():
            by_state[state][stage] = count
    return InDoubt(items, dict(sorted(by_state.items())))


def _states(lakehouse: Lakehouse, table: str) -> Counter[str]:
    states: Counter[str] = Counter()
    if lakehouse.exists(table):
        in_doubt = "provenance['validation_state'] <> 'valid'"
        for batch in lakehouse.scan(table, ["provenance"], in_doubt):
            column = pc.struct_field(batch.column("provenance"), "validation_state")
            for row in pc.value_counts(column).to_pylist():
                states[row["values"]] += row["counts"]
    return states
