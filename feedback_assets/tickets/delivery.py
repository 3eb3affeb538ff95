"""The outbox delivered: planned tickets sent once, new items added to standing ones.

Belongs here: what is sent when, and how an unknown outcome is settled. Does not belong here:
which clusters deserve a ticket (ticket_step.py) and the tracker's API.

A row is ``planned`` until it is about to be sent, and is committed as ``unknown`` before its
request. So what is planned was never sent, whatever stopped the process, and what is unknown
may have been: its key is looked up before anything is sent.

The gate is asked again when items are linked, and `added_at` is that moment: an override that
ran out since the plan lets nothing more through, and what is on record of the gate at `added_at`
says what let an item through.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
from pyspark.sql import functions as F

from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.tables import TICKET_ITEMS, TICKETS
from feedback_assets.pipeline.step import StepContext
from feedback_assets.tickets.admission import LetThrough, admit, told_by_cluster
from feedback_assets.tickets.cluster_facts import cluster_facts, quotes
from feedback_assets.tickets.draft import addition
from feedback_assets.tickets.waiting import waiting_items
from resources.tracker.base import IssueDraft, OutcomeUnknown, Refused

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

CHUNK = 25
"""Tickets sent between two commits: as many are looked up after a crash."""
SENDABLE = "state IN ('planned', 'unknown')"


def deliver(context: StepContext) -> Mapping[Partition, Mapping[str, float]]:
    """Send what is planned, link the partitions' items, and count both by partition."""
    counts: dict[Partition, Counter[str]] = defaultdict(Counter)
    _send_planned(context, counts)
    _link_items(context, counts)
    return {p: counts[p] for p in context.partitions if p in counts}


def _send_planned(context: StepContext, counts: dict[Partition, Counter[str]]) -> None:
    rows = context.runtime.lakehouse.scan(TICKETS.name, predicate=SENDABLE).read_all().to_pylist()
    # Trackers number tickets as they come: the same tickets get the same numbers on any engine.
    rows.sort(key=lambda row: (row["day"], row["source"], row["idempotency_key"]))
    for first in range(0, len(rows), CHUNK):
        chunk = rows[first : first + CHUNK]
        never_sent = [row for row in chunk if row["state"] == "planned"]
        keys = {row["idempotency_key"] for row in never_sent}
        for row in never_sent:
            row["state"] = "unknown"
        _record(context, never_sent)
        for row in chunk:
            row["ticket_key"], row["state"] = _send(context, row, row["idempotency_key"] in keys)
            counts[Partition(row["day"], row["source"])][f"tickets_{row['state']}"] += 1
        _record(context, chunk)


def _record(context: StepContext, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    for row in rows:
        row["updated_at"], row["run_id"] = datetime.now(UTC), context.runtime.run_id
    changed = pa.Table.from_pylist(rows, schema=TICKETS.schema)
    context.runtime.lakehouse.merge(TICKETS, ["idempotency_key"], changed)


def _send(context: StepContext, row: Mapping[str, Any], never_sent: bool) -> tuple[str | None, str]:
    """The ticket's key and state after trying once.

    A row that may have been sent is looked up, and sent only where the tracker's look-up sees
    every write at once.
    """
    tracker = context.runtime.tracker
    if not never_sent:
        key = tracker.find(row["idempotency_key"])
        if key is not None:
            return key, "open"
        if not tracker.finds_at_once:
            return None, "unknown"
    try:
        return tracker.create(_draft(row["payload"])), "open"
    except OutcomeUnknown:
        return None, "unknown"
    except Refused:
        return None, "failed"


def _draft(payload: str) -> IssueDraft:
    fields = orjson.loads(payload)
    return IssueDraft(**{**fields, "labels": tuple(fields["labels"])})


def _link_items(context: StepContext, counts: dict[Partition, Counter[str]]) -> None:
    now = datetime.now(UTC)
    let_through = admit(context, now)
    if not context.partitions:
        return
    standing = context.table("tickets", everything=True).where("state = 'open'")
    items = waiting_items(context).join(
        standing.select(
            "cluster_id", "idempotency_key", "ticket_key", F.col("run_id").alias("_run")
        ),
        "cluster_id",
    )
    linked = items.select(
        "day", "source", "feedback_id", "cluster_id", "idempotency_key",
        F.lit(now).alias("added_at"),
        F.lit(context.runtime.run_id).alias("run_id"),
    )  # fmt: skip
    _note_additions(context, items.where(F.col("_run") != context.runtime.run_id), let_through)
    rows = list(context.runtime.engine.stream(linked))
    if any(batch.num_rows for batch in rows):
        context.runtime.lakehouse.append(TICKET_ITEMS, rows, transaction=TICKET_ITEMS.name)
    for batch in rows:
        for day, source in zip(batch.column("day"), batch.column("source"), strict=True):
            counts[Partition(day.as_py(), source.as_py())]["items_linked"] += 1


def _note_additions(context: StepContext, joining: DataFrame, let_through: LetThrough) -> None:
    """Tell standing tickets of earlier runs which items join them."""
    keys = {
        r.cluster_id: r.ticket_key
        for r in joining.select("cluster_id", "ticket_key").distinct().collect()
    }
    if not keys:
        return
    said = quotes(context, joining)
    told = told_by_cluster(joining, let_through)
    for facts in cluster_facts(context, sorted(keys)):
        facts = replace(facts, gate_overrides=told.get(facts.cluster_id, ()))
        note_key, note = addition(facts, said[facts.cluster_id])
        context.runtime.tracker.add(keys[facts.cluster_id], note_key, note)
