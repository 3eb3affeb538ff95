"""The trace: everything on record about one item, complaint or ticket, from source to ticket.

Belongs here: the tree of what is known, and reading it from the tables. Does not belong here:
how it is shown (trace_text.py), and any decision: a trace repeats what the tables say.

An identifier is first resolved to a day and a source; every later scan of a per-item table is
restricted to that partition. Payloads are never part of a trace, only their hashes: they hold
what Silver masks.

The keys of `Trace.to_json` are the field names of the classes below; times are ISO 8601, UTC.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import orjson

from feedback_assets.contracts.columns import Table
from feedback_assets.contracts.decisions import PASSING_STATES
from feedback_assets.contracts.partitions import SOURCES, Partition, predicate
from feedback_assets.contracts.tables import (
    BRONZE_FEEDBACK,
    FEEDBACK_CLUSTERS,
    GOLD_FEEDBACK,
    GOLD_RECOMMENDATION,
    GOLD_ROOT_CAUSE,
    GOLD_SENTIMENT,
    GOLD_TOPICS,
    QUARANTINE,
    REVIEW_DECISIONS,
    SILVER_FEEDBACK,
    STAGE_METRICS,
    TABLES,
    TICKET_ITEMS,
    TICKET_OUTCOMES,
    TICKETS,
    TRIAGE,
    VALIDATED_FEEDBACK,
)
from feedback_assets.pipeline.gate import REQUIRED_CHECKS, closed, data_versions, verdicts
from resources.lakehouse.base import Lakehouse

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Record = TypeVar("Record", bound=DataclassInstance)
    T = TypeVar("T")

SHOWN_MEMBERS = 20
HEAD_CHARACTERS = 160
STAGES = (GOLD_TOPICS, GOLD_SENTIMENT, GOLD_ROOT_CAUSE, GOLD_RECOMMENDATION)
FINDING_COLUMNS = ("confidence", "rationale", "evidence_spans", "provenance")
AFTER_SILVER = (*STAGES, GOLD_FEEDBACK, FEEDBACK_CLUSTERS, TRIAGE, VALIDATED_FEEDBACK)

EndingKind = Literal[
    "ticket", "quarantined", "redelivery", "duplicate", "in_progress", "unaccounted",
    "pending", "rejected", "counted", "gate_closed", "approved",
]  # fmt: skip
"""How far an item came. ``in_progress``: a step has yet to run. ``unaccounted``: a step ran and
no table says what became of the item. ``counted``: let pass, and no ticket is called for.
``approved``: may become a ticket with the next run of `tickets`."""


class UnknownIdentifier(LookupError):
    """Nothing is on record under the identifier; the message says what could be asked for."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One arrival of the item: landing file and line, and the hash of the exact payload."""

    day: dt.date
    source: str
    origin: str
    payload_sha256: str
    received_at: dt.datetime
    ingested_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Held:
    """One stay in quarantine: the table it did not get into, and why."""

    day: dt.date
    source: str
    table: str
    origin: str
    reason: str


@dataclass(frozen=True, slots=True)
class Said:
    """What the customer said, cleaned and masked, with the facts that came along."""

    day: dt.date
    source: str
    origin: str
    text: str
    language: str
    received_at: dt.datetime
    created_at: dt.datetime | None
    rating: float | None
    rating_original: str | None
    product: str | None
    product_version: str | None
    platform: str | None
    country: str | None
    customer_token: str | None
    customer_tier: str | None
    segment: str | None
    correlation_id: str | None
    content_hash: str
    revision: int
    supersedes: str | None
    duplicate_of: str | None
    pii_types: tuple[str, ...]
    source_metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class Quote:
    """Evidence: ``text[start:end] == quote`` in the masked text."""

    start: int
    end: int
    quote: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which tier and model found it, from what, when, in which run."""

    tier: str | None
    model_version: str | None
    prompt_version: str | None
    input_hash: str | None
    validation_state: str | None
    produced_at: dt.datetime | None
    run_id: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One model stage's finding; `value` holds the columns that are the stage's own."""

    stage: str
    value: dict[str, Any]
    confidence: float
    rationale: str
    evidence: tuple[Quote, ...]
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class ClusterPlace:
    """The complaint an item belongs to; without `cluster_id` there is nothing to act on.

    `size` counts the items that the complaint has at present.
    """

    cluster_id: str | None
    cluster_label: str | None
    similarity: float | None
    size: int


@dataclass(frozen=True, slots=True)
class Routed:
    """What triage decided, and the rules that did."""

    lane: str
    priority_score: float
    owner_team: str
    queue: str
    rule_ids: tuple[str, ...]
    rule_version: str
    auto_approve: bool
    open_ticket: bool


@dataclass(frozen=True, slots=True)
class Validation:
    """Whether the item was let pass, by whom and why, and the findings as they then stood."""

    validation_state: str
    reviewer: str | None
    decision_reason: str | None
    decided_at: dt.datetime | None
    sentiment: str
    categories: tuple[str, ...]
    primary_category: str
    severity: str
    action: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of a person; corrections are null where nothing was edited."""

    decision: str
    reviewer: str
    reason: str | None
    decided_at: dt.datetime
    categories: tuple[str, ...] | None
    sentiment: str | None
    severity: str | None
    action: str | None


@dataclass(frozen=True, slots=True)
class Check:
    """The latest verdict of a check on the partition; `passed` is null where there is none.

    `stale` says that the data it judged have changed since.
    """

    check: str
    table: str
    required: bool
    passed: bool | None
    value: float | None
    threshold: float | None
    detail: str
    evaluated_at: dt.datetime | None
    stale: bool


@dataclass(frozen=True, slots=True)
class Gate:
    """The gate of the item's partition as it stands now, not as it stood for a past ticket."""

    open: bool
    reason: str | None
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class TicketRow:
    """A ticket's row; `day` and `source` are of the partition that opened it."""

    idempotency_key: str
    ticket_key: str | None
    state: str
    title: str
    queue: str
    cluster_id: str
    day: dt.date
    source: str
    updated_at: dt.datetime
    run_id: str
    payload: str


@dataclass(frozen=True, slots=True)
class Joined:
    """When and in which run the item joined a ticket."""

    idempotency_key: str
    added_at: dt.datetime
    run_id: str
    ticket: TicketRow | None


@dataclass(frozen=True, slots=True)
class StepRun:
    """The latest run of a step on the item's partition; steps in the order of the path."""

    stage: str
    run_id: str
    recorded_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Ending:
    """Where the path ended, or stands, and why."""

    kind: EndingKind
    reason: str


@dataclass(frozen=True, slots=True)
class ItemTrace:
    """One item's path; what it has not reached is null or empty."""

    feedback_id: str
    day: dt.date
    source: str
    ending: Ending
    deliveries: tuple[Delivery, ...]
    quarantined: tuple[Held, ...]
    said: Said | None
    superseded_by: tuple[str, ...]
    findings: tuple[Finding, ...]
    cluster: ClusterPlace | None
    triage: Routed | None
    validation: Validation | None
    decisions: tuple[Decision, ...]
    gate: Gate
    tickets: tuple[Joined, ...]
    step_runs: tuple[StepRun, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """An item in short; `added_at` and `run_id` say when it joined the ticket, if one is asked."""

    feedback_id: str
    day: dt.date
    source: str
    text_head: str | None = None
    language: str | None = None
    sentiment: str | None = None
    primary_category: str | None = None
    severity: str | None = None
    similarity: float | None = None
    lane: str | None = None
    priority_score: float | None = None
    rule_ids: tuple[str, ...] = ()
    validation_state: str | None = None
    reviewer: str | None = None
    added_at: dt.datetime | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class PartitionCount:
    """How many items of a complaint came on a day from a source."""

    day: dt.date
    source: str
    items: int


@dataclass(frozen=True, slots=True)
class ClusterTrace:
    """A complaint: how many said it, when and where, the first of them, and its tickets.

    `facts` counts validated items by value of each of `FACTS`, the most frequent first.
    """

    cluster_id: str
    cluster_label: str | None
    size: int
    primary_category: str | None
    highest_priority: float | None
    facts: dict[str, dict[str, int]]
    by_partition: tuple[PartitionCount, ...]
    members: tuple[Member, ...]
    tickets: tuple[TicketRow, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the ticket stood when the tracker was last asked."""

    status: str
    items: int
    items_after_resolution: int
    resolved_at: dt.datetime | None
    observed_at: dt.datetime


@dataclass(frozen=True, slots=True)
class TicketTrace:
    """A ticket: its row, its complaint, how many items stand in it, and the first of them."""

    ticket: TicketRow
    outcome: Outcome | None
    cluster: ClusterPlace
    items: int
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """What is on record under `identifier`; of the last five, those of its `kind` are filled.

    `other_items` are further items that once stood at the same landing file and line.
    """

    identifier: str
    kind: Literal["item", "cluster", "ticket", "quarantined"]
    item: ItemTrace | None = None
    cluster: ClusterTrace | None = None
    ticket: TicketTrace | None = None
    quarantined: tuple[Held, ...] = ()
    other_items: tuple[str, ...] = ()

    def to_json(self) -> str:
        """The whole tree as one indented JSON document."""
        return orjson.dumps(self, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode()


FACTS = ("severity", "sentiment", "lane", "validation_state", "owner_team")
_ITEM = re.compile(r"fb[0-9a-f]{20}")
_CLUSTER = re.compile(r"c[0-9a-f]{12}")
_FORMS = (
    "Known are a feedback id (fb and 20 hex digits), a cluster id (c and 12 hex digits), a ticket "
    "key (such as PAY-3), an idempotency key (fbk-...) and a landing file and line (path#line). "
    "`feedback status` shows which days hold items; feedback and cluster ids stand in the "
    "workbench and in the tables gold_feedback and feedback_clusters, ticket keys in the tracker "
    "and in tickets, file and line in quarantine.origin."
)


def trace(lakehouse: Lakehouse, identifier: str) -> Trace:
    """Everything on record under `identifier`.

    `identifier` is a feedback id, a cluster id, a ticket key, an idempotency key, or a landing
    file and line (``path#line``, as quarantine names its origins). Raises `UnknownIdentifier`
    when nothing is on record under it.
    """
    asked = identifier.strip()
    if _ITEM.fullmatch(asked):
        found = _trace_item(lakehouse, asked)
    elif _CLUSTER.fullmatch(asked):
        found = _trace_cluster(lakehouse, asked)
    elif "#" in asked:
        found = _trace_origin(lakehouse, asked)
    else:
        found = _trace_ticket(lakehouse, asked)
    if found is None:
        raise UnknownIdentifier(f"nothing is on record under {identifier!r}. {_FORMS}")
    return found


def _trace_item(
    lakehouse: Lakehouse, feedback_id: str, others: tuple[str, ...] = ()
) -> Trace | None:
    named = _equal("feedback_id", feedback_id)
    arrived = _partitions(lakehouse, BRONZE_FEEDBACK, named)
    arrived = arrived or _partitions(lakehouse, SILVER_FEEDBACK, named)
    if not arrived:
        return None
    where = f"{predicate(arrived)} AND {named}"
    deliveries = sorted(
        _records(lakehouse, BRONZE_FEEDBACK, Delivery, where), key=lambda d: (d.day, d.origin)
    )
    said = _said(lakehouse, where)
    home = Partition(said.day, said.source) if said else min(arrived)
    here = predicate([home], feedback_id=feedback_id)
    decisions = _records(lakehouse, REVIEW_DECISIONS, Decision, here)
    item = ItemTrace(
        feedback_id=feedback_id,
        day=home.day,
        source=home.source,
        ending=Ending("in_progress", "not yet told"),
        deliveries=tuple(deliveries),
        quarantined=_held(lakehouse, arrived, [feedback_id, *(d.origin for d in deliveries)]),
        said=said,
        superseded_by=_superseded_by(lakehouse, home.source, feedback_id) if said else (),
        findings=tuple(f for stage in STAGES for f in _findings(lakehouse, stage, here)),
        cluster=_cluster_place(lakehouse, here),
        triage=_first(_records(lakehouse, TRIAGE, Routed, here)),
        validation=_first(_records(lakehouse, VALIDATED_FEEDBACK, Validation, here)),
        decisions=tuple(sorted(decisions, key=lambda d: d.decided_at)),
        gate=_gate(lakehouse, home),
        tickets=_joined(lakehouse, here),
        step_runs=_step_runs(lakehouse, home),
    )
    item = replace(item, ending=_ending(lakehouse, item))
    return Trace(feedback_id, "item", item=item, other_items=others)


def _ending(lakehouse: Lakehouse, item: ItemTrace) -> Ending:
    if item.tickets:
        words = [_ticket_words(joined) for joined in item.tickets]
        if item.validation and item.validation.validation_state not in PASSING_STATES:
            words.append(f"the item itself is now {item.validation.validation_state}")
        return Ending("ticket", "; ".join(words))
    if item.validation is not None and item.triage is not None:
        return _ending_after_review(item, item.validation, item.triage)
    order = list(TABLES)
    # What Silver holds got past it by another delivery, wherever one of them was held.
    stopped = [
        held
        for held in item.quarantined
        if item.said is None or order.index(held.table) > order.index(SILVER_FEEDBACK.name)
    ]
    if stopped:
        first = min(stopped, key=lambda held: order.index(held.table))
        return Ending("quarantined", f"kept out of {first.table}: {first.reason}")
    if item.said is None:
        return _ending_before_silver(lakehouse, item)
    if item.said.duplicate_of:
        return Ending(
            "duplicate",
            f"the same customer said the same before, as {item.said.duplicate_of}; "
            "that one is worked on",
        )
    return _ending_midway(lakehouse, item)


def _ticket_words(joined: Joined) -> str:
    if joined.ticket is None:
        return f"joined {joined.idempotency_key}, of which tickets holds no row"
    name = joined.ticket.ticket_key or joined.idempotency_key
    meaning = {
        "planned": "written down, not yet sent to the tracker",
        "open": "open",
        "unknown": "sent, but the answer was lost; to be looked up, never sent again blindly",
        "failed": "refused by the tracker",
        "closed": "closed",
    }.get(joined.ticket.state, joined.ticket.state)
    return f"in ticket {name} ({meaning})"


def _ending_before_silver(lakehouse: Lakehouse, item: ItemTrace) -> Ending:
    ran = _last_run(item, SILVER_FEEDBACK)
    landed = max(delivery.ingested_at for delivery in item.deliveries)
    if ran is None or ran.recorded_at < landed:
        return Ending("in_progress", _yet_to_run(item, SILVER_FEEDBACK, ran))
    told = _same_native_id(lakehouse, item)
    if told:
        return Ending(
            "redelivery",
            f"says what Silver holds already under the same id of the source: {', '.join(told)}",
        )
    return Ending(
        "unaccounted",
        f"silver_feedback ran after the item landed (run {ran.run_id}), yet neither it nor "
        "quarantine holds the item, nor Silver an earlier delivery; run the partition again and "
        "see the contract check of silver_feedback",
    )


def _ending_midway(lakehouse: Lakehouse, item: ItemTrace) -> Ending:
    here = predicate([Partition(item.day, item.source)], feedback_id=item.feedback_id)
    missing = next(t for t in AFTER_SILVER if not _rows(lakehouse, t, here, ["feedback_id"]))
    ran = _last_run(item, missing)
    before = _last_run(item, SILVER_FEEDBACK)
    if ran is None or (before is not None and ran.recorded_at < before.recorded_at):
        return Ending("in_progress", _yet_to_run(item, missing, ran))
    return Ending(
        "unaccounted",
        f"{missing.name} ran (run {ran.run_id}), yet neither it nor quarantine holds the item; "
        f"run the partition again and see the contract check of {missing.name}",
    )


def _ending_after_review(item: ItemTrace, validation: Validation, routed: Routed) -> Ending:
    by = f" by {validation.reviewer}" if validation.reviewer else ""
    why = f": {validation.decision_reason}" if validation.decision_reason else ""
    if validation.validation_state == "rejected":
        return Ending("rejected", f"rejected{by}{why}")
    if validation.validation_state not in PASSING_STATES:
        then = "" if routed.open_ticket else "; once approved it is counted, without a ticket"
        return Ending("pending", f"waits in the {routed.lane} lane for a person's decision{then}")
    if not routed.open_ticket:
        rules = ", ".join(routed.rule_ids)
        return Ending(
            "counted",
            f"{routed.lane} lane: counted in trends; the rules ask for no ticket ({rules})",
        )
    if item.cluster is None or item.cluster.cluster_id is None:
        return Ending("counted", "belongs to no complaint, so there is nothing to open a ticket on")
    if not item.gate.open:
        return Ending("gate_closed", f"approved, but the gate is closed: {item.gate.reason}")
    return Ending(
        "approved", f"approved and the gate is open; the next run takes it up: {_command(item)}"
    )


def _yet_to_run(item: ItemTrace, table: Table, ran: StepRun | None) -> str:
    since = f"since {ran.recorded_at:%Y-%m-%d %H:%M} UTC" if ran else "on this day and source"
    return f"{table.name} has not run {since}; run {_command(item)}"


def _command(item: ItemTrace) -> str:
    return f"`feedback run --day {item.day} --source {item.source}`"


def _last_run(item: ItemTrace, table: Table) -> StepRun | None:
    return next((run for run in item.step_runs if run.stage == table.name), None)


def _same_native_id(lakehouse: Lakehouse, item: ItemTrace) -> list[str]:
    """Items in Silver that the source knows under the same id as this one."""
    here = predicate([Partition(item.day, item.source)], feedback_id=item.feedback_id)
    own = _rows(lakehouse, BRONZE_FEEDBACK, here, ["native_id"])
    alike = f"{_equal('source', item.source)} AND {_equal('native_id', own[0]['native_id'])}"
    rows = _rows(lakehouse, BRONZE_FEEDBACK, alike, ["day", "source", "feedback_id"])
    if not rows:
        return []
    places = {Partition(row["day"], row["source"]) for row in rows}
    where = f"{predicate(places)} AND {_among('feedback_id', {r['feedback_id'] for r in rows})}"
    held = _rows(lakehouse, SILVER_FEEDBACK, where, ["feedback_id", "revision"])
    return [row["feedback_id"] for row in sorted(held, key=lambda row: row["revision"])]


def _said(lakehouse: Lakehouse, where: str) -> Said | None:
    said = [
        Said(**{**row, "source_metadata": dict(row["source_metadata"] or ())})
        for row in _plain_rows(lakehouse, SILVER_FEEDBACK, _names(Said), where)
    ]
    return min(said, key=lambda one: one.day, default=None)


def _superseded_by(lakehouse: Lakehouse, source: str, feedback_id: str) -> tuple[str, ...]:
    where = f"{_equal('source', source)} AND {_equal('supersedes', feedback_id)}"
    rows = _rows(lakehouse, SILVER_FEEDBACK, where, ["feedback_id"])
    return tuple(sorted(row["feedback_id"] for row in rows))


def _held(
    lakehouse: Lakehouse, partitions: Iterable[Partition], origins: Iterable[str]
) -> tuple[Held, ...]:
    where = f"{predicate(partitions)} AND {_among('origin', origins)}"
    held = _records(lakehouse, QUARANTINE, Held, where)
    return tuple(sorted(held, key=lambda one: (one.day, one.table, one.origin)))


def _findings(lakehouse: Lakehouse, stage: Table, here: str) -> list[Finding]:
    own = [n for n in stage.column_names if n not in (*FINDING_COLUMNS, *_names(PartitionOfItem))]
    return [
        Finding(
            stage=stage.name,
            value={name: row[name] for name in own},
            confidence=row["confidence"],
            rationale=row["rationale"],
            evidence=tuple(Quote(**span) for span in row["evidence_spans"]),
            provenance=Provenance(**row["provenance"]),
        )
        for row in _rows(lakehouse, stage, here)
    ]


def _cluster_place(lakehouse: Lakehouse, here: str) -> ClusterPlace | None:
    names = ["cluster_id", "cluster_label", "similarity"]
    row = _first(_rows(lakehouse, FEEDBACK_CLUSTERS, here, names))
    if row is None:
        return None
    size = _cluster_size(lakehouse, row["cluster_id"]) if row["cluster_id"] else 0
    return ClusterPlace(**row, size=size)


def _cluster_size(lakehouse: Lakehouse, cluster_id: str) -> int:
    return len(_rows(lakehouse, FEEDBACK_CLUSTERS, _equal("cluster_id", cluster_id), ["day"]))


def _gate(lakehouse: Lakehouse, partition: Partition) -> Gate:
    given = verdicts(lakehouse, [partition])[partition]
    judged = REQUIRED_CHECKS | {check: verdict.table for check, verdict in given.items()}
    present = {
        name: data_versions(lakehouse, TABLES[name], [partition])[partition]
        for name in set(judged.values())
        if name in TABLES
    }
    checks = []
    for check, table in judged.items():
        verdict = given.get(check)
        checks.append(
            Check(
                check=check,
                table=table,
                required=check in REQUIRED_CHECKS,
                passed=verdict.passed if verdict else None,
                value=verdict.value if verdict else None,
                threshold=verdict.threshold if verdict else None,
                detail=verdict.detail if verdict else "no verdict on record",
                evaluated_at=verdict.evaluated_at if verdict else None,
                stale=verdict is not None and verdict.data_version != present.get(table),
            )
        )
    reason = closed(lakehouse, [partition]).get(partition)
    return Gate(reason is None, reason, tuple(checks))


def _joined(lakehouse: Lakehouse, here: str) -> tuple[Joined, ...]:
    names = ["idempotency_key", "added_at", "run_id"]
    rows = _rows(lakehouse, TICKET_ITEMS, here, names)
    if not rows:
        return ()
    where = _among("idempotency_key", [row["idempotency_key"] for row in rows])
    tickets = {t.idempotency_key: t for t in _records(lakehouse, TICKETS, TicketRow, where)}
    joined = [Joined(**row, ticket=tickets.get(row["idempotency_key"])) for row in rows]
    return tuple(sorted(joined, key=lambda one: one.added_at))


def _step_runs(lakehouse: Lakehouse, partition: Partition) -> tuple[StepRun, ...]:
    latest: dict[str, StepRun] = {}
    for run in _records(lakehouse, STAGE_METRICS, StepRun, predicate([partition])):
        if run.stage not in latest or latest[run.stage].recorded_at < run.recorded_at:
            latest[run.stage] = run
    return tuple(latest[name] for name in TABLES if name in latest)


def _trace_origin(lakehouse: Lakehouse, origin: str) -> Trace | None:
    named = _equal("origin", origin)
    # A landing path begins with its source and day; one that doesn't is looked for everywhere.
    source, _, rest = origin.partition("/")
    place = _partition_of(source, rest.partition("/")[0])
    where = f"{predicate([place])} AND {named}" if place else named
    landed = _rows(lakehouse, BRONZE_FEEDBACK, where, ["feedback_id", "ingested_at"])
    if landed:
        landed.sort(key=lambda row: row["ingested_at"], reverse=True)
        latest, *others = dict.fromkeys(row["feedback_id"] for row in landed)
        return _trace_item(lakehouse, latest, tuple(others))
    held = _records(lakehouse, QUARANTINE, Held, where)
    return Trace(origin, "quarantined", quarantined=tuple(held)) if held else None


def _partition_of(source: str, day: str) -> Partition | None:
    try:
        return Partition(dt.date.fromisoformat(day), source) if source in SOURCES else None
    except ValueError:
        return None


def _trace_cluster(lakehouse: Lakehouse, cluster_id: str) -> Trace | None:
    named = _equal("cluster_id", cluster_id)
    names = ["day", "source", "feedback_id", "cluster_label", "primary_category"]
    rows = _rows(lakehouse, FEEDBACK_CLUSTERS, named, names)
    tickets = _records(lakehouse, TICKETS, TicketRow, named)
    if not rows and not tickets:
        return None
    rows.sort(key=lambda row: (row["day"], row["source"], row["feedback_id"]))
    counts = Counter(Partition(row["day"], row["source"]) for row in rows)
    judged: list[dict[str, Any]] = []
    if counts:
        where = f"{predicate(counts)} AND {named}"
        judged = _rows(lakehouse, VALIDATED_FEEDBACK, where, [*FACTS, "priority_score"])
    cluster = ClusterTrace(
        cluster_id=cluster_id,
        cluster_label=rows[0]["cluster_label"] if rows else None,
        size=len(rows),
        primary_category=rows[0]["primary_category"] if rows else None,
        highest_priority=max((row["priority_score"] for row in judged), default=None),
        facts={f: dict(Counter(row[f] for row in judged).most_common()) for f in FACTS},
        by_partition=tuple(PartitionCount(p.day, p.source, n) for p, n in sorted(counts.items())),
        members=_members(lakehouse, rows[:SHOWN_MEMBERS]),
        tickets=tuple(sorted(tickets, key=lambda ticket: ticket.updated_at)),
    )
    return Trace(cluster_id, "cluster", cluster=cluster)


def _trace_ticket(lakehouse: Lakehouse, key: str) -> Trace | None:
    column = "idempotency_key" if key.startswith("fbk-") else "ticket_key"
    names = {key} if column == "idempotency_key" else {key, key.upper()}
    row = _first(_records(lakehouse, TICKETS, TicketRow, _among(column, names)))
    if row is None:
        return None
    named = _equal("idempotency_key", row.idempotency_key)
    outcomes = _records(lakehouse, TICKET_OUTCOMES, Outcome, named)
    items = _rows(lakehouse, TICKET_ITEMS, named, [*_names(PartitionOfItem), "added_at", "run_id"])
    items.sort(key=lambda item: (item["added_at"], item["day"], item["feedback_id"]))
    same = _equal("cluster_id", row.cluster_id)
    labels = _rows(lakehouse, FEEDBACK_CLUSTERS, same, ["cluster_label"])
    ticket = TicketTrace(
        ticket=row,
        outcome=max(outcomes, key=lambda outcome: outcome.observed_at, default=None),
        cluster=ClusterPlace(
            row.cluster_id, labels[0]["cluster_label"] if labels else None, None, len(labels)
        ),
        items=len(items),
        members=_members(lakehouse, items[:SHOWN_MEMBERS]),
    )
    return Trace(key, "ticket", ticket=ticket)


@dataclass(frozen=True, slots=True)
class PartitionOfItem:
    """An item and where it lives."""

    day: dt.date
    source: str
    feedback_id: str


def _members(lakehouse: Lakehouse, items: Sequence[Mapping[str, Any]]) -> tuple[Member, ...]:
    """Short chains of `items`, in their order, one scan a table."""
    if not items:
        return ()
    places = {Partition(item["day"], item["source"]) for item in items}
    ids = _among("feedback_id", [item["feedback_id"] for item in items])
    where = f"{predicate(places)} AND {ids}"
    known: dict[str, dict[str, Any]] = {item["feedback_id"]: {} for item in items}
    for table, columns in _MEMBER_COLUMNS.items():
        for row in _plain_rows(lakehouse, TABLES[table], ["feedback_id", *columns], where):
            known[row["feedback_id"]].update(row)
    members = []
    for item in items:
        facts = {**known[item["feedback_id"]], **item}
        text = facts.get("text")
        facts["text_head"] = None if text is None else text[:HEAD_CHARACTERS]
        members.append(Member(**{n: facts[n] for n in _names(Member) if n in facts}))
    return tuple(members)


_MEMBER_COLUMNS = {
    "silver_feedback": ("text", "language"),
    "feedback_clusters": ("similarity",),
    "triage": ("rule_ids",),
    "validated_feedback": (
        "sentiment", "primary_category", "severity", "lane", "priority_score",
        "validation_state", "reviewer",
    ),
}  # fmt: skip


def _records(lakehouse: Lakehouse, table: Table, record: type[Record], where: str) -> list[Record]:
    """Rows as `record`s, reading only its fields."""
    return [record(**row) for row in _plain_rows(lakehouse, table, _names(record), where)]


def _plain_rows(
    lakehouse: Lakehouse, table: Table, columns: Sequence[str], where: str
) -> list[dict[str, Any]]:
    """Rows with tuples in place of lists."""
    return [
        {name: tuple(v) if isinstance(v, list) else v for name, v in row.items()}
        for row in _rows(lakehouse, table, where, columns)
    ]


def _rows(
    lakehouse: Lakehouse, table: Table, where: str, columns: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    # A table whose step never ran does not exist yet; that is no error of the one who asks.
    if not lakehouse.exists(table.name):
        return []
    return lakehouse.scan(table.name, columns, where).read_all().to_pylist()


def _partitions(lakehouse: Lakehouse, table: Table, where: str) -> set[Partition]:
    rows = _rows(lakehouse, table, where, ["day", "source"])
    return {Partition(row["day"], row["source"]) for row in rows}


def _names(record: type[DataclassInstance]) -> list[str]:
    return [field.name for field in fields(record)]


def _first(found: Sequence[T]) -> T | None:
    return found[0] if found else None


def _equal(column: str, value: str) -> str:
    return _among(column, [value])


def _among(column: str, values: Iterable[str]) -> str:
    quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in sorted(set(values)))
    return f"`{column}` IN ({quoted})"
