"""What the tables say of one item, link by link.

Belongs here: which table holds a link, and how its rows become one. Does not belong here: the
gate (gates.py), the predicates' form (scanning.py), and judging what is missing (endings.py).

`here` names an item by its partition and id, `where` may span partitions; both are SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from feedback_assets.audit.gates import let_through
from feedback_assets.audit.links import (
    ClusterPlace,
    Decision,
    Delivery,
    Finding,
    Held,
    Joined,
    Provenance,
    Quote,
    Routed,
    Said,
    StepRun,
    TicketRow,
    Validation,
)
from feedback_assets.audit.model_links import standing
from feedback_assets.audit.scanning import (
    PartitionOfItem,
    among,
    equal,
    field_names,
    plain_rows,
    records,
    rows,
)
from feedback_assets.contracts.columns import Table
from feedback_assets.contracts.ledgers import QUARANTINE, STAGE_METRICS
from feedback_assets.contracts.partitions import Partition, predicate
from feedback_assets.contracts.tables import (
    BRONZE_FEEDBACK,
    FEEDBACK_CLUSTERS,
    GOLD_RECOMMENDATION,
    GOLD_ROOT_CAUSE,
    GOLD_SENTIMENT,
    GOLD_TOPICS,
    REVIEW_DECISIONS,
    SILVER_FEEDBACK,
    TABLES,
    TICKET_ITEMS,
    TICKETS,
    TRIAGE,
    VALIDATED_FEEDBACK,
)
from resources.lakehouse.base import Lakehouse

STAGES = (GOLD_TOPICS, GOLD_SENTIMENT, GOLD_ROOT_CAUSE, GOLD_RECOMMENDATION)
FINDING_COLUMNS = ("confidence", "rationale", "evidence_spans", "provenance")

T = TypeVar("T")


def deliveries(lakehouse: Lakehouse, where: str) -> tuple[Delivery, ...]:
    """Every arrival, by day and origin."""
    found = records(lakehouse, BRONZE_FEEDBACK, Delivery, where)
    return tuple(sorted(found, key=lambda one: (one.day, one.origin)))


def held(
    lakehouse: Lakehouse, partitions: Iterable[Partition], origins: Iterable[str]
) -> tuple[Held, ...]:
    """Every stay in quarantine of what stands there under one of `origins`."""
    where = f"{predicate(partitions)} AND {among('origin', origins)}"
    found = records(lakehouse, QUARANTINE, Held, where)
    return tuple(sorted(found, key=lambda one: (one.day, one.table, one.origin)))


def said(lakehouse: Lakehouse, where: str) -> Said | None:
    """The item as Silver holds it; of several days, as the first does."""
    found = [
        Said(**{**row, "source_metadata": dict(row["source_metadata"] or ())})
        for row in plain_rows(lakehouse, SILVER_FEEDBACK, field_names(Said), where)
    ]
    return min(found, key=lambda one: one.day, default=None)


def superseded_by(lakehouse: Lakehouse, source: str, feedback_id: str) -> tuple[str, ...]:
    """Later revisions that name this one."""
    where = f"{equal('source', source)} AND {equal('supersedes', feedback_id)}"
    found = rows(lakehouse, SILVER_FEEDBACK, where, ["feedback_id"])
    return tuple(sorted(row["feedback_id"] for row in found))


def same_native_id(lakehouse: Lakehouse, partition: Partition, feedback_id: str) -> list[str]:
    """Items in Silver that the source knows under the same id as this one, by revision."""
    here = predicate([partition], feedback_id=feedback_id)
    own = rows(lakehouse, BRONZE_FEEDBACK, here, ["native_id"])
    alike = f"{equal('source', partition.source)} AND {equal('native_id', own[0]['native_id'])}"
    known = rows(lakehouse, BRONZE_FEEDBACK, alike, ["day", "source", "feedback_id"])
    if not known:
        return []
    places = {Partition(row["day"], row["source"]) for row in known}
    where = f"{predicate(places)} AND {among('feedback_id', {r['feedback_id'] for r in known})}"
    found = rows(lakehouse, SILVER_FEEDBACK, where, ["feedback_id", "revision"])
    return [row["feedback_id"] for row in sorted(found, key=lambda row: row["revision"])]


def findings(lakehouse: Lakehouse, here: str) -> tuple[Finding, ...]:
    """The finding of each model stage, in the order of the stages."""
    return tuple(found for stage in STAGES for found in _findings_of(lakehouse, stage, here))


def _findings_of(lakehouse: Lakehouse, stage: Table, here: str) -> list[Finding]:
    foreign = (*FINDING_COLUMNS, *field_names(PartitionOfItem))
    own = [name for name in stage.column_names if name not in foreign]
    return [
        Finding(
            stage=stage.name,
            value={name: row[name] for name in own},
            confidence=row["confidence"],
            rationale=row["rationale"],
            evidence=tuple(Quote(**span) for span in row["evidence_spans"]),
            provenance=Provenance(**row["provenance"]),
            standing=standing(row["provenance"]["validation_state"]),
        )
        for row in rows(lakehouse, stage, here)
    ]


def cluster_place(lakehouse: Lakehouse, here: str) -> ClusterPlace | None:
    """The complaint the item belongs to, and its size at present."""
    names = ["cluster_id", "cluster_label", "similarity"]
    row = first(rows(lakehouse, FEEDBACK_CLUSTERS, here, names))
    if row is None:
        return None
    alike = equal("cluster_id", row["cluster_id"] or "")
    size = len(rows(lakehouse, FEEDBACK_CLUSTERS, alike, ["day"])) if row["cluster_id"] else 0
    return ClusterPlace(**row, size=size)


def routed(lakehouse: Lakehouse, here: str) -> Routed | None:
    """What triage decided."""
    return first(records(lakehouse, TRIAGE, Routed, here))


def validation(lakehouse: Lakehouse, here: str) -> Validation | None:
    """Whether the item was let pass."""
    return first(records(lakehouse, VALIDATED_FEEDBACK, Validation, here))


def decisions(lakehouse: Lakehouse, here: str) -> tuple[Decision, ...]:
    """What people decided, in order of time."""
    found = records(lakehouse, REVIEW_DECISIONS, Decision, here)
    return tuple(sorted(found, key=lambda one: one.decided_at))


def joined(lakehouse: Lakehouse, home: Partition, here: str) -> tuple[Joined, ...]:
    """The tickets the item of partition `home` stands in, the first joined first."""
    found = rows(lakehouse, TICKET_ITEMS, here, ["idempotency_key", "added_at", "run_id"])
    if not found:
        return ()
    where = among("idempotency_key", [row["idempotency_key"] for row in found])
    tickets = {t.idempotency_key: t for t in records(lakehouse, TICKETS, TicketRow, where)}
    admitted = let_through(lakehouse, [(home, row["added_at"]) for row in found])
    joins = [
        Joined(
            **row,
            ticket=tickets.get(row["idempotency_key"]),
            let_through=admitted.get((home, row["added_at"]), ()),
        )
        for row in found
    ]
    return tuple(sorted(joins, key=lambda one: one.added_at))


def step_runs(lakehouse: Lakehouse, partition: Partition) -> tuple[StepRun, ...]:
    """The latest run of each step on the partition, in the order of the path."""
    latest: dict[str, StepRun] = {}
    for run in records(lakehouse, STAGE_METRICS, StepRun, predicate([partition])):
        if run.stage not in latest or latest[run.stage].recorded_at < run.recorded_at:
            latest[run.stage] = run
    return tuple(latest[name] for name in TABLES if name in latest)


def first(found: Sequence[T]) -> T | None:
    """The first, if there is any."""
    return found[0] if found else None
