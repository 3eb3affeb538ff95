"""What the tables say of a complaint and of a ticket: their items in short, and how many.

Belongs here: counts over items, and the first of them. Does not belong here: one item's whole
path (trace.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from feedback_assets.audit.chain import (
    ClusterTrace,
    Member,
    Outcome,
    PartitionCount,
    TicketTrace,
)
from feedback_assets.audit.gate_links import Override
from feedback_assets.audit.gates import let_through
from feedback_assets.audit.links import ClusterPlace, TicketRow
from feedback_assets.audit.reading import first
from feedback_assets.audit.scanning import (
    PartitionOfItem,
    among,
    equal,
    field_names,
    plain_rows,
    records,
    rows,
)
from feedback_assets.contracts.partitions import Partition, predicate
from feedback_assets.contracts.tables import (
    FEEDBACK_CLUSTERS,
    TABLES,
    TICKET_ITEMS,
    TICKET_OUTCOMES,
    TICKETS,
    TRIAGE,
    VALIDATED_FEEDBACK,
)
from resources.lakehouse.base import Lakehouse

SHOWN_MEMBERS = 20
HEAD_CHARACTERS = 160
FACTS = (
    "primary_category", "severity", "sentiment", "lane", "validation_state", "owner_team",
)  # fmt: skip
"""Columns of validated_feedback whose values are counted; `rule_ids` is counted from triage."""
_MEMBER_COLUMNS = {
    "silver_feedback": ("text", "language"),
    "feedback_clusters": ("similarity",),
    "triage": ("rule_ids",),
    "validated_feedback": (
        "sentiment", "primary_category", "severity", "lane", "priority_score",
        "validation_state", "reviewer",
    ),
}  # fmt: skip


def cluster_trace(lakehouse: Lakehouse, cluster_id: str) -> ClusterTrace | None:
    """The complaint, or None where no table knows it."""
    named = equal("cluster_id", cluster_id)
    names = ["day", "source", "feedback_id", "cluster_label", "primary_category"]
    found = rows(lakehouse, FEEDBACK_CLUSTERS, named, names)
    tickets = records(lakehouse, TICKETS, TicketRow, named)
    if not found and not tickets:
        return None
    found.sort(key=lambda row: (row["day"], row["source"], row["feedback_id"]))
    counts = Counter(Partition(row["day"], row["source"]) for row in found)
    facts, highest = _tallied(lakehouse, counts, named)
    return ClusterTrace(
        cluster_id=cluster_id,
        cluster_label=found[0]["cluster_label"] if found else None,
        size=len(found),
        primary_category=found[0]["primary_category"] if found else None,
        highest_priority=highest,
        facts=facts,
        by_partition=tuple(PartitionCount(p.day, p.source, n) for p, n in sorted(counts.items())),
        members=_members(lakehouse, found[:SHOWN_MEMBERS]),
        tickets=tuple(sorted(tickets, key=lambda ticket: ticket.updated_at)),
    )


def ticket_trace(lakehouse: Lakehouse, key: str) -> TicketTrace | None:
    """The ticket of a tracker's key, in either case, or of an idempotency key."""
    asked = f"{among('ticket_key', {key, key.upper()})} OR {equal('idempotency_key', key)}"
    row = first(records(lakehouse, TICKETS, TicketRow, asked))
    if row is None:
        return None
    named = equal("idempotency_key", row.idempotency_key)
    outcomes = records(lakehouse, TICKET_OUTCOMES, Outcome, named)
    names = [*field_names(PartitionOfItem), "added_at", "run_id"]
    items = rows(lakehouse, TICKET_ITEMS, named, names)
    items.sort(key=lambda item: (item["added_at"], item["day"], item["feedback_id"]))
    places = {Partition(item["day"], item["source"]) for item in items}
    ids = among("feedback_id", [item["feedback_id"] for item in items])
    facts, highest = _tallied(lakehouse, places, ids)
    same = equal("cluster_id", row.cluster_id)
    labels = rows(lakehouse, FEEDBACK_CLUSTERS, same, ["cluster_label"])
    return TicketTrace(
        ticket=row,
        outcome=max(outcomes, key=lambda outcome: outcome.observed_at, default=None),
        cluster=ClusterPlace(
            row.cluster_id, labels[0]["cluster_label"] if labels else None, None, len(labels)
        ),
        items=len(items),
        highest_priority=highest,
        facts=facts,
        let_through=_let_through(lakehouse, items),
        members=_members(lakehouse, items[:SHOWN_MEMBERS]),
    )


def _let_through(lakehouse: Lakehouse, items: Iterable[Mapping[str, Any]]) -> tuple[Override, ...]:
    admissions = {(Partition(item["day"], item["source"]), item["added_at"]) for item in items}
    found = let_through(lakehouse, admissions).values()
    by_id = {override.override_id: override for overrides in found for override in overrides}
    return tuple(sorted(by_id.values(), key=lambda override: override.given_at))


def _tallied(
    lakehouse: Lakehouse, places: Collection[Partition], named: str
) -> tuple[dict[str, dict[str, int]], float | None]:
    """How often each value of each fact occurs, the most frequent first; the highest priority."""
    if not places:
        return {name: {} for name in (*FACTS, "rule_ids")}, None
    where = f"{predicate(places)} AND {named}"
    judged = rows(lakehouse, VALIDATED_FEEDBACK, where, [*FACTS, "priority_score"])
    fired = rows(lakehouse, TRIAGE, where, ["rule_ids"])
    facts = {name: _counts(row[name] for row in judged) for name in FACTS}
    facts["rule_ids"] = _counts(rule for row in fired for rule in row["rule_ids"])
    return facts, max((row["priority_score"] for row in judged), default=None)


def _counts(values: Iterable[str]) -> dict[str, int]:
    # Rows come in no stated order, so equal counts need one of their own.
    counts = Counter(values)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _members(lakehouse: Lakehouse, items: Sequence[Mapping[str, Any]]) -> tuple[Member, ...]:
    """Short chains of `items`, in their order, one scan a table."""
    if not items:
        return ()
    places = {Partition(item["day"], item["source"]) for item in items}
    ids = among("feedback_id", [item["feedback_id"] for item in items])
    where = f"{predicate(places)} AND {ids}"
    known: dict[str, dict[str, Any]] = {item["feedback_id"]: {} for item in items}
    for table, columns in _MEMBER_COLUMNS.items():
        for row in plain_rows(lakehouse, TABLES[table], ["feedback_id", *columns], where):
            known[row["feedback_id"]].update(row)
    members = []
    for item in items:
        facts = {**known[item["feedback_id"]], **item}
        text = facts.get("text")
        facts["text_head"] = None if text is None else text[:HEAD_CHARACTERS]
        members.append(Member(**{n: facts[n] for n in field_names(Member) if n in facts}))
    return tuple(members)
