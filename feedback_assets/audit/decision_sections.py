"""What was decided about an item, link by link, as labelled rows.

Belongs here: words for the complaint, triage, review, tickets and runs. Does not belong here: the
gate (gate_sections.py), what was said and found (trace_sections.py), and the order on the page
(trace_text.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from feedback_assets.audit.chain import ItemTrace
from feedback_assets.audit.gate_sections import let_through_rows
from feedback_assets.audit.links import (
    TICKET_STATE_WORDS,
    Decision,
    Joined,
    StepRun,
    TicketRow,
)
from feedback_assets.audit.terminal import (
    Row,
    counted,
    listed,
    moment,
    period,
    printable,
    run,
    words,
    words_of,
)


def cluster_rows(item: ItemTrace) -> list[Row]:
    """The complaint, and how alike the item is to it."""
    place = item.cluster
    if place is None:
        return []
    if place.cluster_id is None:
        return [("complaint", "none: there is nothing to act on")]
    alike = (
        None
        if place.similarity is None
        else f"{place.similarity:.2f} (1 for the item that founded it)"
    )
    return [
        ("complaint", listed(place.cluster_id, place.cluster_label)),
        ("similarity", alike),
        ("size", f"{counted(place.size, 'item')} at present"),
    ]


def triage_rows(item: ItemTrace) -> list[Row]:
    """Lane, priority and owner, and the rules that fired."""
    routed = item.triage
    if routed is None:
        return []
    passes = "without a person" if routed.auto_approve else "only by a person's decision"
    return [
        ("lane", f"{routed.lane}, passes {passes}"),
        ("priority", f"{routed.priority_score:g} of 100"),
        ("owner", f"{routed.owner_team}, queue {routed.queue}"),
        ("ticket", "yes, once approved" if routed.open_ticket else "no, it is only counted"),
        ("rules", ", ".join(routed.rule_ids)),
        ("version", routed.rule_version),
    ]


def review_rows(item: ItemTrace) -> list[Row]:
    """How the item stands after review, and every decision on record."""
    rows: list[Row] = []
    state = item.validation
    if state is not None:
        found = f"{', '.join(state.categories)}; {state.sentiment}; {state.severity}"
        rows = [
            ("state", Text(words_of(state.validation_state), "bold")),
            ("by", state.reviewer or (
                "the rules above" if state.validation_state == "auto_approved" else None)),
            ("because", state.decision_reason if state.reviewer else None),
            ("when", moment(state.decided_at) if state.decided_at else None),
            ("stands as", f"{found}; {state.action}"),
        ]  # fmt: skip
    return rows + [("on record", _decision(one)) for one in item.decisions]


def _decision(decision: Decision) -> str:
    told = [f"{moment(decision.decided_at)}: {decision.decision} by {decision.reviewer}"]
    told += [decision.reason] if decision.reason else []
    told += [
        f"{name}: {words(value)}"
        for name in ("categories", "sentiment", "severity", "action")
        if (value := getattr(decision, name)) is not None
    ]
    return "; ".join(told)


def joined_rows(joined: Joined) -> list[Row]:
    """The ticket, and when the item joined it."""
    ticket = joined.ticket
    if ticket is None:
        rows: list[Row] = [("sent as", joined.idempotency_key)]
    else:
        key = Text(printable(ticket.ticket_key or "no key yet"), "bold green")
        rows = [("ticket", key), *ticket_rows(ticket)]
    when = f"{moment(joined.added_at)}, {run(joined.run_id)}"
    return [*rows, ("joined", when), *let_through_rows(joined.let_through)]


def ticket_rows(ticket: TicketRow) -> list[Row]:
    """The ticket's own row, but for the tracker's key."""
    state = TICKET_STATE_WORDS.get(ticket.state, ticket.state)
    return [
        ("title", ticket.title),
        ("state", f"{state}, since {moment(ticket.updated_at)}, {run(ticket.run_id)}"),
        ("queue", ticket.queue),
        ("opened by", f"{ticket.day} {ticket.source}"),
        ("sent as", ticket.idempotency_key),
    ]


def step_run_rows(runs: Sequence[StepRun]) -> list[Row]:
    """Each run with its steps, in the order of the path."""
    steps_of: dict[str, list[StepRun]] = {}
    for one in runs:
        steps_of.setdefault(one.run_id, []).append(one)
    rows: list[Row] = []
    for run_id, steps in steps_of.items():
        names = ", ".join(step.stage for step in steps)
        when = period(step.recorded_at for step in steps)
        rows += [("run", run_id), ("", Text(printable(f"{when}: {names}"), "dim"))]
    return rows
