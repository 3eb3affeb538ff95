"""The links of a chain: each what one table says of one item.

Belongs here: the facts a trace repeats, as records; those of the gate and of the language model
have modules of their own (gate_links.py, model_links.py). Does not belong here: the trees they
make (chain.py), and reading them (reading.py).

A record's fields are columns of its table, so its rows are read by name. Payloads are never
among them, only their hashes: they hold what Silver masks.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from feedback_assets.audit.gate_links import Override

EndingKind = Literal[
    "ticket", "quarantined", "redelivery", "duplicate", "in_progress", "unaccounted",
    "pending", "rejected", "counted", "gate_closed", "approved",
]  # fmt: skip
"""How far an item came. ``in_progress``: a step has yet to run. ``unaccounted``: a step ran and
no table says what became of the item. ``counted``: let pass, and no ticket is called for.
``approved``: may become a ticket with the next run of `tickets`."""

TICKET_STATE_WORDS = {
    "planned": "written down, not yet sent to the tracker",
    "open": "open",
    "unknown": "sent, but the answer was lost; to be looked up, never sent again blindly",
    "failed": "refused by the tracker",
    "closed": "closed",
}


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
    taxonomy_hash: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One model stage's finding; `value` holds the columns that are the stage's own.

    `standing` says in words whether it stands by itself, and if not, why.
    """

    stage: str
    value: dict[str, Any]
    confidence: float
    rationale: str
    evidence: tuple[Quote, ...]
    provenance: Provenance
    standing: str


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
    """When and in which run the item joined a ticket, let through by whose word if need was."""

    idempotency_key: str
    added_at: dt.datetime
    run_id: str
    ticket: TicketRow | None
    let_through: tuple[Override, ...]


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
