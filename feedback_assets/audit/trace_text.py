"""A trace in plain words on a terminal: the answer at a glance, then the path step by step.

Belongs here: the page of an item, and choosing the page. Does not belong here: what is known
(trace.py), the words of each step (the sections), and the pages of complaints and tickets
(group_text.py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from feedback_assets.audit import call_sections as called
from feedback_assets.audit import decision_sections as decided
from feedback_assets.audit import trace_sections as told
from feedback_assets.audit.chain import ItemTrace, Trace
from feedback_assets.audit.gate_sections import gate_rows
from feedback_assets.audit.group_text import cluster_page, ticket_page
from feedback_assets.audit.links import Joined, Validation
from feedback_assets.audit.terminal import (
    Row,
    block,
    counted,
    head,
    heading,
    line,
    listed,
    moment,
    printable,
    shown,
    title,
    words_of,
)
from feedback_assets.contracts.decisions import PASSING_STATES

__all__ = ["printable", "render"]

GLANCE_CHARACTERS = 180
_ENDINGS = {
    "ticket": ("became a ticket", "green"),
    "approved": ("approved, no ticket yet", "green"),
    "counted": ("counted, no ticket", "cyan"),
    "pending": ("pending", "yellow"),
    "in_progress": ("in progress", "yellow"),
    "duplicate": ("duplicate", "cyan"),
    "redelivery": ("redelivery", "cyan"),
    "quarantined": ("quarantined", "red"),
    "rejected": ("rejected", "red"),
    "gate_closed": ("held at the gate", "red"),
    "unaccounted": ("not accounted for", "red"),
}


def render(trace: Trace, console: Console) -> None:
    """Print `trace`; wide text wraps at the console's width."""
    if trace.item is not None:
        _item_page(trace.item, trace.other_items, console)
    elif trace.cluster is not None:
        cluster_page(trace.cluster, console)
    elif trace.ticket is not None:
        ticket_page(trace.ticket, console)
    else:
        title(console, "Landing file and line", trace.identifier)
        verdict = Text.assemble(("quarantined: ", "bold red"), "it never became an item")
        line(console, verdict)
        console.print()
        block(console, told.held_rows(trace.quarantined))


def _item_page(item: ItemTrace, others: Sequence[str], console: Console) -> None:
    title(console, "Feedback", item.feedback_id, f"{item.source} {item.day}")
    words, colour = _ENDINGS[item.ending.kind]
    line(console, Text.assemble((f"{words}: ", f"bold {colour}"), shown(item.ending.reason)))
    glance = [(label, value) for label, value in _glance(item, others) if value]
    if glance:
        console.print()
        block(console, glance)
    now = dt.datetime.now(dt.UTC)
    steps: list[tuple[str, list[Row]]] = [
        ("Landed (bronze)", told.delivery_rows(item.deliveries)),
        ("Quarantine", told.held_rows(item.quarantined)),
        (
            "What the customer said (silver, personal data masked)",
            told.said_rows(item, console.color_system is None),
        ),
        ("What the models found (gold)", told.finding_rows(item.findings)),
        ("What the language model was asked (model_calls)", called.call_rows(item)),
        ("The complaint it belongs to (cluster)", decided.cluster_rows(item)),
        ("Where the rules sent it (triage)", decided.triage_rows(item)),
        ("Who let it pass (review)", decided.review_rows(item)),
        (f"The gate of {item.day} {item.source}, at present", gate_rows(item.gate, now)),
        ("The ticket", [row for joined in item.tickets for row in decided.joined_rows(joined)]),
        ("Latest runs of the steps on this day and source", decided.step_run_rows(item.step_runs)),
    ]
    for number, (name, rows) in enumerate(((n, r) for n, r in steps if r), start=1):
        heading(console, f"{number}. {name}")
        block(console, rows)


def _glance(item: ItemTrace, others: Sequence[str]) -> list[Row]:
    """The whole chain in a few lines, each of which a step below tells in full."""
    said, place, routed, stands = item.said, item.cluster, item.triage, item.validation
    topics = next((f for f in item.findings if f.stage == "gold_topics"), None)
    place_words = None
    if place is not None and place.cluster_id is not None:
        place_words = listed(
            place.cluster_id, place.cluster_label, f"{counted(place.size, 'item')} at present"
        )
    passed = [check for check in item.gate.checks if check.passed and not check.stale]
    gate = f"{'open' if item.gate.open else 'closed'}: {len(passed)} of " + counted(
        len(item.gate.checks), "check"
    )
    return [
        ("also there", f"{', '.join(others)} stood at the same line" if others else None),
        ("said", f"“{head(said.text, GLANCE_CHARACTERS)}”" if said else None),
        ("found", _found(item)),
        ("because", topics.rationale if topics else None),
        ("in doubt", called.doubts_in_short(item)),
        ("model asked", called.asked_in_short(item.asked)),
        ("complaint", place_words),
        ("rules", f"{routed.lane} lane, priority {routed.priority_score:g}: "
                  f"{', '.join(routed.rule_ids)}" if routed else None),
        ("review", _reviewed(stands) if stands else None),
        ("gate", f"{gate} passed" if stands else None),
        *[("ticket", _ticket(joined)) for joined in item.tickets],
        *[("let through", f"a closed gate, by {override.operator}: {override.reason}")
          for joined in item.tickets for override in joined.let_through],
    ]  # fmt: skip


def _found(item: ItemTrace) -> str | None:
    """What the item stands as, after any correction; before review, what the models found."""
    stands = item.validation
    if stands is None:
        return "; ".join(told.headline(f) for f in item.findings[:2]) or None
    sub = next((f.value["sub_category"] for f in item.findings if "sub_category" in f.value
                and f.value["primary_category"] == stands.primary_category), None)  # fmt: skip
    area = f"{stands.primary_category} ({sub})" if sub else stands.primary_category
    return listed(area, f"{stands.severity} severity", stands.sentiment, stands.action)


def _reviewed(stands: Validation) -> str:
    state = words_of(stands.validation_state)
    if stands.reviewer:
        why = f": {stands.decision_reason}" if stands.decision_reason else ""
        return f"{state} by {stands.reviewer}{why}"
    if stands.validation_state in PASSING_STATES:
        return f"{state}: the rules let it pass without a person"
    return f"{state}: no person has decided yet"


def _ticket(joined: Joined) -> str:
    ticket = joined.ticket
    if ticket is None:
        return joined.idempotency_key
    return f"{ticket.ticket_key or 'no key yet'}, joined {moment(joined.added_at)}: {ticket.title}"
