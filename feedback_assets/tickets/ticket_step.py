"""Tickets: what passed the gate becomes or joins a tracker issue, exactly once.

Belongs here: which clusters get a ticket, and the outbox in which a ticket is written down
before it is sent. Does not belong here: a ticket's words (draft.py), sending (delivery.py) and
the tracker.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson
import pyarrow as pa
from pyspark.sql import functions as F

from feedback_assets.contracts.tables import TICKETS
from feedback_assets.pipeline.arrow_map import frame_of
from feedback_assets.pipeline.step import Step, StepContext
from feedback_assets.tickets.admission import admit, told_by_cluster
from feedback_assets.tickets.cluster_facts import cluster_facts
from feedback_assets.tickets.delivery import deliver
from feedback_assets.tickets.draft import draft
from feedback_assets.tickets.waiting import waiting_items

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def plan(context: StepContext) -> DataFrame:
    """Outbox rows for the clusters of the partitions that deserve a ticket and have none.

    Refuses partitions whose gate is closed. A cluster whose last ticket was closed gets a new
    one: the complaint came back.
    """
    runtime = context.runtime
    let_through = admit(context, datetime.now(UTC))
    session = runtime.engine.session()
    if not context.partitions:
        return frame_of(session, TICKETS.schema.empty_table())
    waiting = waiting_items(context)
    wanted = waiting.groupBy("cluster_id").agg(F.min(F.struct("day", "source")).alias("opened_by"))
    past = (
        context.table("tickets", everything=True)
        .groupBy("cluster_id")
        .agg(
            F.count(F.lit(1)).alias("tickets"),
            F.max((F.col("state") != "closed").cast("int")).alias("standing"),
        )
    )
    due = (
        wanted.join(past, "cluster_id", "left")
        .where("standing IS NULL OR standing = 0")
        .select("cluster_id", "opened_by", F.coalesce("tickets", F.lit(0)).alias("sequence"))
    )
    rows = {row.cluster_id: row for row in due.collect()}
    told = told_by_cluster(waiting, let_through)
    now = datetime.now(UTC)
    planned = []
    for facts in cluster_facts(context, sorted(rows)):
        row = rows[facts.cluster_id]
        overrides = told.get(facts.cluster_id, ())
        issue = draft(replace(facts, gate_overrides=overrides), row.sequence + 1)
        planned.append(
            {
                "day": row.opened_by.day,
                "source": row.opened_by.source,
                "idempotency_key": issue.idempotency_key,
                "cluster_id": facts.cluster_id,
                "ticket_key": None,
                "state": "planned",
                "queue": issue.queue,
                "title": issue.title,
                "payload": orjson.dumps(issue).decode(),
                "updated_at": now,
                "run_id": runtime.run_id,
            }
        )
    return frame_of(session, pa.Table.from_pylist(planned, schema=TICKETS.schema))


TICKETS_STEP = Step(
    "tickets",
    ("validated_feedback", "feedback_clusters", "triage", "gold_feedback"),
    plan,
    commit="append",
    after_commit=deliver,
    row_for_row=False,
    by_item=True,
)
