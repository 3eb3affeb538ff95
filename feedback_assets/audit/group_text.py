"""The pages of a complaint and of a ticket on a terminal.

Belongs here: counts, tickets and items in short. Does not belong here: what is counted
(groups.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.text import Text

from feedback_assets.audit.chain import ClusterTrace, Member, PartitionCount, TicketTrace
from feedback_assets.audit.decision_sections import ticket_rows
from feedback_assets.audit.gate_sections import let_through_rows
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
    run,
    title,
    words_of,
)

MEMBER_CHARACTERS = 140
FACT_LABELS = {
    "primary_category": "area", "severity": "severity", "sentiment": "sentiment", "lane": "lane",
    "rule_ids": "rules", "validation_state": "review", "owner_team": "owner",
}  # fmt: skip


def cluster_page(cluster: ClusterTrace, console: Console) -> None:
    """A complaint: counts, its tickets, when and where it was said, and its first items."""
    title(console, "Complaint", cluster.cluster_id, cluster.cluster_label or "")
    names = ", ".join(ticket.ticket_key or "one without a key yet" for ticket in cluster.tickets)
    console.print()
    block(
        console,
        [
            ("ticket", Text(printable(names), "bold green") if names else "none"),
            ("items", f"{cluster.size:,}"),
            *_fact_rows(cluster.facts, cluster.size, cluster.highest_priority),
        ],
    )
    for ticket in cluster.tickets:
        heading(console, f"Ticket {ticket.ticket_key or 'without a key yet'}")
        block(console, ticket_rows(ticket))
    heading(console, "When and where it was said")
    block(console, _day_rows(cluster.by_partition))
    _members(console, cluster.members, cluster.size)


def ticket_page(trace: TicketTrace, console: Console) -> None:
    """A ticket: its row, why its items became one, and the first of them."""
    ticket, cluster, outcome = trace.ticket, trace.cluster, trace.outcome
    title(console, "Ticket", ticket.ticket_key or ticket.idempotency_key)
    console.print()
    rows: list[Row] = [
        *ticket_rows(ticket),
        ("complaint", listed(cluster.cluster_id, cluster.cluster_label)),
    ]
    if outcome is not None:
        asked = f"asked {moment(outcome.observed_at)}"
        rows.append(("tracker", f"{outcome.status}, {asked}"))
        if outcome.resolved_at is not None:
            after = counted(outcome.items_after_resolution, "item")
            rows.append(("resolved", f"{moment(outcome.resolved_at)}; {after} came after it"))
    block(console, [*rows, *let_through_rows(trace.let_through)])
    heading(console, "Why it was opened: what its items have in common")
    at_present = f"{counted(cluster.size, 'item')} of the complaint at present"
    block(
        console,
        [
            ("items", f"{trace.items:,} in this ticket; {at_present}"),
            *_fact_rows(trace.facts, trace.items, trace.highest_priority),
        ],
    )
    _members(console, trace.members, trace.items)


def _fact_rows(
    facts: Mapping[str, Mapping[str, int]], total: int, highest: float | None
) -> Iterable[Row]:
    for name, label in FACT_LABELS.items():
        counts = facts.get(name, {})
        shared = all(n == total for n in counts.values())
        yield (
            label,
            ", ".join(words_of(v) if shared else f"{words_of(v)} {n}" for v, n in counts.items()),
        )
        if name == "lane":
            yield "priority", None if highest is None else f"up to {highest:g} of 100"


def _day_rows(counts: Iterable[PartitionCount]) -> list[Row]:
    sources_of: dict[str, list[str]] = {}
    for count in counts:
        sources_of.setdefault(str(count.day), []).append(f"{count.source} {count.items}")
    return [(day, ", ".join(sources)) for day, sources in sources_of.items()]


def _members(console: Console, members: Sequence[Member], total: int) -> None:
    if not members:
        return
    of = f"the first {len(members)} of {total:,}" if total > len(members) else f"{total}"
    heading(console, f"Items ({of}); feedback trace ID shows the whole path of one")
    for member in members:
        state = words_of(member.validation_state) if member.validation_state else None
        name = f"{member.feedback_id}  {member.day} {member.source}"
        by = f"{state} by {member.reviewer}" if state and member.reviewer else state
        line(console, Text.assemble((printable(name), "bold"), printable(f"  {by or ''}")))
        if member.text_head:
            line(console, Text(printable(head(member.text_head, MEMBER_CHARACTERS))), 4)
        found = listed(
            member.primary_category, member.severity, member.sentiment,
            f"{member.lane} lane" if member.lane else None,
            None if member.priority_score is None else f"priority {member.priority_score:g}",
        )  # fmt: skip
        if member.added_at is not None:
            # Only in a ticket is it worth the room which rules brought the item there.
            rules = f"rules {' '.join(member.rule_ids)}" if member.rule_ids else ""
            joined = f"joined {moment(member.added_at)}, {run(member.run_id)}"
            found = "; ".join(filter(None, (found, rules, joined)))
        line(console, Text(printable(found), "dim"), 4)
