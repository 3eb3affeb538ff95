"""The trees a trace is made of, and their JSON form.

Belongs here: which links make up the chain of an item, a complaint and a ticket. Does not belong
here: the links (links.py and its like), and how they are found (trace.py).

The keys of `Trace.to_json` are the field names of the classes here, in links.py, gate_links.py
and model_links.py; times are ISO 8601, UTC.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

import orjson

from feedback_assets.audit.gate_links import Gate, Override
from feedback_assets.audit.links import (
    ClusterPlace,
    Decision,
    Delivery,
    Ending,
    Finding,
    Held,
    Joined,
    Routed,
    Said,
    StepRun,
    TicketRow,
    Validation,
)
from feedback_assets.audit.model_links import Asked, Translation


@dataclass(frozen=True, slots=True)
class ItemTrace:
    """One item's path; what it has not reached is null or empty.

    `doubts` names the stages whose finding does not stand by itself; `asked` is empty where no
    language model was asked.
    """

    feedback_id: str
    day: dt.date
    source: str
    ending: Ending
    deliveries: tuple[Delivery, ...]
    quarantined: tuple[Held, ...]
    said: Said | None
    superseded_by: tuple[str, ...]
    translation: Translation | None
    findings: tuple[Finding, ...]
    doubts: tuple[str, ...]
    asked: tuple[Asked, ...]
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

    `facts` counts items by value of each fact, the most frequent first: `primary_category`,
    `severity`, `sentiment`, `lane`, `validation_state`, `owner_team`, and in `rule_ids` the rules
    that fired.
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
    """A ticket: its row, its complaint, how many items stand in it, and the first of them.

    `highest_priority` and `facts` are of the items in the ticket, as those of `ClusterTrace`.
    `let_through` are the overrides without which some of its items had not passed the gate.
    """

    ticket: TicketRow
    outcome: Outcome | None
    cluster: ClusterPlace
    items: int
    highest_priority: float | None
    facts: dict[str, dict[str, int]]
    let_through: tuple[Override, ...]
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
