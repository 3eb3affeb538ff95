"""Outcomes: where each ticket stands in the tracker, and whether its complaint came back.

Belongs here: asking the tracker and counting what came after. Does not belong here: opening
tickets.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

from feedback_assets.contracts.partitions import predicate
from feedback_assets.contracts.tables import TICKET_OUTCOMES, TICKETS
from feedback_assets.pipeline.arrow_map import frame_of
from feedback_assets.pipeline.step import Step, StepContext

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

KNOWN = pa.schema(
    [
        TICKET_OUTCOMES.schema.field(name).with_nullable(True)
        for name in ("idempotency_key", "status", "resolved_at", "observed_at")
    ]
)


def observe(context: StepContext) -> DataFrame:
    """A row for each ticket the partitions opened; closes in `tickets` what the tracker closed."""
    session = context.runtime.engine.session()
    observed = frame_of(session, _ask(context))
    tickets = context.table("tickets").where("ticket_key IS NOT NULL")
    linked = context.table("ticket_items", everything=True)
    counted = linked.groupBy("idempotency_key").agg(F.count(F.lit(1)).alias("items"))
    # What comes after a ticket was resolved stands in the complaint's next ticket.
    came_back = (
        linked.select("cluster_id", "added_at")
        .join(tickets.select("cluster_id", "idempotency_key"), "cluster_id")
        .join(observed.select("idempotency_key", "resolved_at"), "idempotency_key")
        .where("added_at > resolved_at")
        .groupBy("idempotency_key")
        .agg(F.count(F.lit(1)).alias("items_after_resolution"))
    )
    return (
        tickets.join(observed, "idempotency_key")
        .join(counted, "idempotency_key", "left")
        .join(came_back, "idempotency_key", "left")
        .fillna(0, ["items", "items_after_resolution"])
        .select(*TICKET_OUTCOMES.column_names)
    )


def _ask(context: StepContext) -> pa.Table:
    runtime = context.runtime
    where = f"{predicate(context.partitions)} AND ticket_key IS NOT NULL"
    rows = runtime.lakehouse.scan(TICKETS.name, predicate=where).read_all().to_pylist()
    statuses = runtime.tracker.statuses([row["ticket_key"] for row in rows])
    now = datetime.now(UTC)
    closed = [
        {**row, "state": "closed", "updated_at": now, "run_id": runtime.run_id}
        for row in rows
        if row["state"] == "open"
        and (status := statuses.get(row["ticket_key"])) is not None
        and not status.is_open
    ]
    if closed:
        runtime.lakehouse.merge(
            TICKETS, ["idempotency_key"], pa.Table.from_pylist(closed, schema=TICKETS.schema)
        )
    known = [
        {
            "idempotency_key": row["idempotency_key"],
            "status": statuses[row["ticket_key"]].status,
            "resolved_at": statuses[row["ticket_key"]].resolved_at,
            "observed_at": now,
        }
        for row in rows
        if row["ticket_key"] in statuses
    ]
    return pa.Table.from_pylist(known, schema=KNOWN)


OUTCOMES = Step("ticket_outcomes", ("tickets", "ticket_items"), observe, row_for_row=False)
