"""The trace: everything on record about one item, complaint or ticket, from source to ticket.

Belongs here: resolving an identifier, and putting an item's chain together. Does not belong
here: how it is shown (trace_text.py), and any decision: a trace repeats what the tables say.

An identifier is first resolved to a day and a source; every later scan of a per-item table is
restricted to that partition.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

from feedback_assets.audit import calls, reading
from feedback_assets.audit.chain import ItemTrace, Trace
from feedback_assets.audit.endings import ending
from feedback_assets.audit.gates import gates
from feedback_assets.audit.groups import cluster_trace, ticket_trace
from feedback_assets.audit.links import Ending, Held
from feedback_assets.audit.scanning import equal, partitions_of, records, rows
from feedback_assets.contracts.ledgers import QUARANTINE
from feedback_assets.contracts.partitions import SOURCES, Partition, predicate
from feedback_assets.contracts.tables import BRONZE_FEEDBACK, SILVER_FEEDBACK, TABLES
from resources.lakehouse.base import Lakehouse

__all__ = ["Trace", "UnknownIdentifier", "trace"]

NOTHING_PROCESSED = (
    "nothing has been processed yet: `feedback demo`, or `feedback run --landing DIR`"
)
_ITEM = re.compile(r"fb[0-9a-f]{20}")
_CLUSTER = re.compile(r"c[0-9a-f]{12}")
_FORMS = """A trace can be asked for by
  feedback id      fb and 20 hex digits      (table gold_feedback)
  cluster id       c and 12 hex digits       (table feedback_clusters)
  ticket key       such as PAY-3             (the tracker, table tickets)
  idempotency key  feedback-, 24 hex digits  (table tickets)
  file and line    such as zendesk/2026-06-02/tickets.jsonl#5
`feedback status` shows which days hold items."""


class UnknownIdentifier(LookupError):
    """Nothing is on record under the identifier; the message says what could be asked for."""


def trace(lakehouse: Lakehouse, identifier: str) -> Trace:
    """Everything on record under `identifier`.

    `identifier` is a feedback id, a cluster id, a ticket key, an idempotency key, or a landing
    file and line (``path#line``, as quarantine names its origins). Raises `UnknownIdentifier`
    when nothing is on record under it, or nothing at all; in a lakehouse without tables, none
    is created.
    """
    asked = identifier.strip()
    found: Trace | None
    if _ITEM.fullmatch(asked):
        found = _trace_item(lakehouse, asked)
    elif _CLUSTER.fullmatch(asked):
        cluster = cluster_trace(lakehouse, asked)
        found = Trace(asked, "cluster", cluster=cluster) if cluster else None
    elif "#" in asked:
        found = _trace_origin(lakehouse, asked)
    else:
        ticket = ticket_trace(lakehouse, asked)
        found = Trace(asked, "ticket", ticket=ticket) if ticket else None
    if found is not None:
        return found
    if not any(lakehouse.exists(name) for name in TABLES):
        raise UnknownIdentifier(NOTHING_PROCESSED)
    raise UnknownIdentifier(f"nothing is on record under {identifier!r}.\n{_FORMS}")


def _trace_item(
    lakehouse: Lakehouse, feedback_id: str, others: tuple[str, ...] = ()
) -> Trace | None:
    named = equal("feedback_id", feedback_id)
    arrived = partitions_of(lakehouse, BRONZE_FEEDBACK, named)
    arrived = arrived or partitions_of(lakehouse, SILVER_FEEDBACK, named)
    if not arrived:
        return None
    where = f"{predicate(arrived)} AND {named}"
    deliveries = reading.deliveries(lakehouse, where)
    said = reading.said(lakehouse, where)
    home = Partition(said.day, said.source) if said else min(arrived)
    here = predicate([home], feedback_id=feedback_id)
    origins = [feedback_id, *(delivery.origin for delivery in deliveries)]
    findings = reading.findings(lakehouse, here)
    translation, made = calls.translated(lakehouse, here)
    made |= {finding.stage: finding.provenance for finding in findings}
    item = ItemTrace(
        feedback_id=feedback_id,
        day=home.day,
        source=home.source,
        ending=Ending("in_progress", "not yet told"),
        deliveries=deliveries,
        quarantined=reading.held(lakehouse, arrived, origins),
        said=said,
        superseded_by=reading.superseded_by(lakehouse, home.source, feedback_id) if said else (),
        translation=translation,
        findings=findings,
        doubts=calls.doubts(lakehouse, here),
        asked=calls.asked(lakehouse, arrived, feedback_id, made),
        cluster=reading.cluster_place(lakehouse, here),
        triage=reading.routed(lakehouse, here),
        validation=reading.validation(lakehouse, here),
        decisions=reading.decisions(lakehouse, here),
        gate=gates(lakehouse, [home])[home],
        tickets=reading.joined(lakehouse, home, here),
        step_runs=reading.step_runs(lakehouse, home),
    )
    item = replace(item, ending=ending(lakehouse, item))
    return Trace(feedback_id, "item", item=item, other_items=others)


def _trace_origin(lakehouse: Lakehouse, origin: str) -> Trace | None:
    named = equal("origin", origin)
    # A landing path begins with its source and day; one that doesn't is looked for everywhere.
    source, _, rest = origin.partition("/")
    place = _partition_of(source, rest.partition("/")[0])
    where = f"{predicate([place])} AND {named}" if place else named
    landed = rows(lakehouse, BRONZE_FEEDBACK, where, ["feedback_id", "ingested_at"])
    if landed:
        landed.sort(key=lambda row: row["ingested_at"], reverse=True)
        latest, *others = dict.fromkeys(row["feedback_id"] for row in landed)
        return _trace_item(lakehouse, latest, tuple(others))
    held = records(lakehouse, QUARANTINE, Held, where)
    return Trace(origin, "quarantined", quarantined=tuple(held)) if held else None


def _partition_of(source: str, day: str) -> Partition | None:
    try:
        return Partition(dt.date.fromisoformat(day), source) if source in SOURCES else None
    except ValueError:
        return None
