"""Batch mode: bulk questions handed to the batch service, and their answers collected.

Belongs here: what is handed over, and what comes back, on record. Does not belong here: which
items may wait (`waiting`) and when batches are looked after (orchestration).
"""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import pyarrow as pa

from feedback_assets.contracts.ledgers import MODEL_BATCHES, MODEL_CALLS
from feedback_assets.contracts.partitions import Partition, predicate
from feedback_assets.gold.answers import ANSWERS
from feedback_assets.gold.language_model import ledger
from feedback_assets.gold.language_model.asking import read_reply
from feedback_assets.gold.language_model.ledger import Call, PromptOnRecord
from feedback_assets.gold.language_model.questions import Question, packs, request
from feedback_assets.gold.prompts import Prompt
from feedback_assets.pipeline.model_plan import ModelPlan
from feedback_assets.pipeline.open_batches import open_batches
from resources.lakehouse.base import Lakehouse
from resources.llm.base import BatchState, ModelReply, ModelUnavailable

REQUESTS_A_BATCH = 1_000
"""Small batches end sooner, and a crash between handing over and writing down costs one."""


def submit(
    plan: ModelPlan, prompt: Prompt, lakehouse: Lakehouse, run_id: str, waiting: Sequence[Question]
) -> int:
    """Hand `waiting` to the batch service; how many items went.

    Raises `ModelUnavailable` when the service does not take them: nothing is on record then,
    and the next run tries again.
    """
    assert plan.batch is not None or not waiting
    requests = packs(waiting, plan.items_per_request)
    while part := list(islice(requests, REQUESTS_A_BATCH)):
        assert plan.batch is not None
        named = {f"{number:05d}": pack for number, pack in enumerate(part)}
        batch_id = plan.loop.run(
            plan.batch.submit({name: request(prompt, pack) for name, pack in named.items()})
        )
        now = dt.datetime.now(dt.UTC)
        rows = [
            row
            for name, pack in named.items()
            for row in ledger.submitted_rows(
                Call(prompt, plan.model.name, "batch", pack, 1, run_id, batch_id), name, now
            )
        ]
        # In this order: a batch that is known without its items is found empty and closed.
        _record(lakehouse, batch_id, prompt.stage, "submitted", len(part), "", run_id)
        ledger.append(lakehouse, rows)
    return len(waiting)


@dataclass(frozen=True, slots=True)
class Collected:
    """What collecting came to: partitions with new answers, and batches still running."""

    partitions: frozenset[Partition]
    running: int
    answered: int
    unanswered: int


def collect(plan: ModelPlan, lakehouse: Lakehouse, run_id: str) -> Collected:
    """Ask after every open batch and write down what has come back.

    One that runs longer than the ladder lets items wait is cancelled. Items whose batch failed,
    expired, was cancelled or left them out are on record as transient trouble, so that the next
    run of their stage asks them directly. Raises `ModelUnavailable`.
    """
    partitions: set[Partition] = set()
    tally: dict[str, int] = defaultdict(int)
    for batch in open_batches(lakehouse):
        items = _items_of(lakehouse, batch["batch_id"])
        state = _state(plan, batch, items)
        if state.status == "running":
            tally["running"] += 1
            continue
        rows = list(_ended(plan, lakehouse, batch["batch_id"], items, state, run_id))
        ledger.append(lakehouse, rows)
        ended = "collected" if state.status == "completed" else state.status
        _record(
            lakehouse, batch["batch_id"], batch["stage"], ended, len(items), state.error, run_id
        )
        for row in rows:
            partitions.add(Partition(row["day"], row["source"]))
            tally["answered" if row["outcome"] == "answered" else "unanswered"] += 1
    return Collected(
        frozenset(partitions), tally["running"], tally["answered"], tally["unanswered"]
    )


def _state(plan: ModelPlan, batch: dict[str, Any], items: Mapping[str, Any]) -> BatchState:
    """Where the batch stands; one that is late is cancelled and counts as ended."""
    if plan.batch is None:
        raise ModelUnavailable(
            f"batch {batch['batch_id']} is open, and no batch service is set to ask after it"
        )
    answers = dict.fromkeys(items, ANSWERS[batch["stage"]])
    state = plan.loop.run(plan.batch.collect(batch["batch_id"], answers))
    waited = dt.datetime.now(dt.UTC) - batch["recorded_at"]
    if state.status == "running" and waited > dt.timedelta(hours=plan.ladder.direct_after):
        plan.loop.run(plan.batch.cancel(batch["batch_id"]))
        late = plan.loop.run(plan.batch.collect(batch["batch_id"], answers))
        return BatchState("cancelled", late.replies, "later than the ladder allows")
    return state


def _items_of(lakehouse: Lakehouse, batch_id: str) -> dict[str, list[dict[str, Any]]]:
    """Ledger rows of a batch by request, in the order of its items."""
    where = "batch_id = '{}' AND outcome = 'submitted'".format(batch_id.replace("'", "''"))
    requests: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in lakehouse.scan(MODEL_CALLS.name, predicate=where).read_all().to_pylist():
        requests[row["call_id"]].append(row)
    return {name: sorted(rows, key=lambda row: row["item"]) for name, rows in requests.items()}


def _ended(
    plan: ModelPlan, lakehouse: Lakehouse, batch_id: str,
    items: dict[str, list[dict[str, Any]]], state: BatchState, run_id: str,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    texts = _texts(lakehouse, [row for rows in items.values() for row in rows])
    for name, rows in items.items():
        lost = ModelReply(
            "server_error", dt.datetime.now(dt.UTC), 0.0, error=state.error or "no answer in batch"
        )
        reply = state.replies.get(name, lost)
        if reply.outcome == "rejected":
            # Of a batch that failed as a whole; a direct call may well be taken.
            reply = replace(reply, outcome="server_error")
        pack = [
            Question(
                row["day"], row["source"], row["feedback_id"], texts.get(row["feedback_id"], ""),
                "", row["input_hash"], earlier=1,
            )
            for row in rows
        ]  # fmt: skip
        first = rows[0]
        prompt = PromptOnRecord(
            first["stage"], first["prompt_version"], first["prompt_hash"],
            json.loads(first["parameters"]),
        )  # fmt: skip
        call = Call(prompt, first["model"], "batch", pack, 1, run_id, batch_id)
        ended = read_reply(first["stage"], pack, reply, "batch")
        yield from ledger.call_rows(call, reply, plan.prices, ended)


def _texts(lakehouse: Lakehouse, rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    partitions = sorted({Partition(row["day"], row["source"]) for row in rows})
    wanted = {row["feedback_id"] for row in rows}
    texts: dict[str, str] = {}
    for batch in lakehouse.scan(
        "silver_feedback", ["day", "source", "feedback_id", "text"], predicate(partitions)
    ):
        ids, values = batch.column("feedback_id").to_pylist(), batch.column("text").to_pylist()
        texts.update((i, t) for i, t in zip(ids, values, strict=True) if i in wanted)
    return texts


def _record(
    lakehouse: Lakehouse, batch_id: str, stage: str, state: str, requests: int, detail: str,
    run_id: str,
) -> None:  # fmt: skip
    row = {
        "batch_id": batch_id, "stage": stage, "state": state, "requests": requests,
        "detail": detail or None, "recorded_at": dt.datetime.now(dt.UTC), "run_id": run_id,
    }  # fmt: skip
    table = pa.Table.from_pylist([row], schema=MODEL_BATCHES.schema)
    lakehouse.append(MODEL_BATCHES, table.to_batches())
