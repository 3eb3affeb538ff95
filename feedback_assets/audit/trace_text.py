"""A trace in plain words on a terminal, from source text to ticket.

Belongs here: what is shown, in which order and words. Does not belong here: what is known
(trace.py).

Feedback is untrusted: it is only ever put into `Text`, never into console markup, and control
characters, which could drive the terminal, are replaced one for one so that offsets hold.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from feedback_assets.audit.trace import (
    Check,
    ClusterTrace,
    Finding,
    Gate,
    Held,
    ItemTrace,
    Joined,
    Member,
    Said,
    TicketRow,
    TicketTrace,
    Trace,
)

SHOWN_CHARACTERS = 2000
MARK = "\ufffd"
EVIDENCE = "bold black on yellow"
_COLOUR = {
    "ticket": "green", "approved": "green", "counted": "cyan", "pending": "yellow",
    "in_progress": "yellow", "duplicate": "cyan", "redelivery": "cyan",
}  # fmt: skip
"""Of endings; all others want attention and are red."""

Row = tuple[str, object]


def render(trace: Trace, console: Console) -> None:
    """Print `trace` as a chain of numbered steps; wide text wraps at the console's width."""
    if trace.item is not None:
        _item(trace.item, trace.other_items, console)
    elif trace.cluster is not None:
        _cluster(trace.cluster, console)
    elif trace.ticket is not None:
        _ticket(trace.ticket, console)
    else:
        _title(console, "Landing file and line", trace.identifier)
        _rows(console, _held_rows(trace.quarantined))


def _item(item: ItemTrace, others: Sequence[str], console: Console) -> None:
    _title(console, "Feedback", item.feedback_id, f"{item.source}, received {item.day}")
    colour = _COLOUR.get(item.ending.kind, "red")
    kind = item.ending.kind.replace("_", " ")
    _line(console, Text.assemble((f"{kind}: ", f"bold {colour}"), shown(item.ending.reason)))
    if others:
        _rows(console, [("same line", f"also stood there: {', '.join(others)}")])
    steps: list[tuple[str, list[Row]]] = [
        ("Landed (bronze)", _delivery_rows(item)),
        ("Quarantine", _held_rows(item.quarantined)),
        ("What the customer said (silver, personal data masked)", _said_rows(item, console)),
        ("What the models found (gold)", [r for f in item.findings for r in _finding_rows(f)]),
        ("The complaint it belongs to (cluster)", _cluster_rows(item)),
        ("Where the rules sent it (triage)", _triage_rows(item)),
        ("Who let it pass (review)", _review_rows(item)),
        (f"The gate of {item.day} {item.source}, at present", _gate_rows(item.gate)),
        ("The ticket", [row for joined in item.tickets for row in _joined_rows(joined)]),
    ]
    for number, (title, rows) in enumerate(((t, r) for t, r in steps if r), start=1):
        _step(console, f"{number}. {title}")
        _rows(console, rows)
    if item.step_runs:
        _step(console, "Latest runs of the steps on this day and source")
        runs = item.step_runs
        rows = [(r.stage, f"{_time(r.recorded_at)}  run {r.run_id}") for r in runs]
        _rows(console, rows, label_width=20)


def _delivery_rows(item: ItemTrace) -> list[Row]:
    rows: list[Row] = []
    for delivery in item.deliveries:
        rows += [
            ("from", delivery.origin),
            ("received", f"{_time(delivery.received_at)}, ingested {_time(delivery.ingested_at)}"),
            ("payload", f"sha256 {delivery.payload_sha256}"),
        ]
    if len(item.deliveries) > 1:
        rows.insert(0, ("delivered", f"{len(item.deliveries)} times, byte for byte the same"))
    return rows


def _held_rows(quarantined: Iterable[Held]) -> list[Row]:
    rows: list[Row] = []
    for held in quarantined:
        rows += [("kept out of", held.table), ("at", held.origin), ("because", held.reason)]
    return rows


def _said_rows(item: ItemTrace, console: Console) -> list[Row]:
    said = item.said
    if said is None:
        return []
    return [
        ("text", _highlighted(said, item.findings, console.color_system is None)),
        ("language", said.language),
        ("written", _time(said.created_at) if said.created_at else "the source does not say"),
        ("rating", _rating(said)),
        ("product", _joined_words(said.product, said.product_version, said.platform)),
        ("customer", _joined_words(said.customer_token, said.customer_tier, said.segment)),
        ("country", said.country),
        ("order or case", said.correlation_id),
        ("masked", ", ".join(said.pii_types) or "nothing found to mask"),
        ("source says", "; ".join(f"{k}: {v}" for k, v in said.source_metadata.items())),
        ("revision", _revision(item, said)),
        ("duplicate of", said.duplicate_of),
    ]


def _highlighted(said: Said, findings: Iterable[Finding], colourless: bool) -> Text:
    """The text with its evidence in colour, or between marks where there is no colour."""
    plain = printable(said.text)
    text = Text()
    end = 0
    for start, stop in [*_evidence(findings), (len(plain), len(plain))]:
        text.append(plain[end:start])
        if stop > start:
            quote = plain[start:stop]
            text.append(f"»{quote}«" if colourless else quote, EVIDENCE)
        end = stop
    if len(text) <= SHOWN_CHARACTERS:
        return text
    return text[:SHOWN_CHARACTERS] + Text(
        f" … ({len(plain):,} characters; --json shows all)", style="dim"
    )


def _evidence(findings: Iterable[Finding]) -> list[tuple[int, int]]:
    """Spans of all findings in order, those that overlap made one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted((q.start, q.end) for f in findings for q in f.evidence):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _rating(said: Said) -> str | None:
    if said.rating is None:
        return said.rating_original
    original = f" (as written: {said.rating_original})" if said.rating_original else ""
    return f"{said.rating:.2f} of 0 worst to 1 best{original}"


def _revision(item: ItemTrace, said: Said) -> str:
    words = [str(said.revision)]
    if said.supersedes:
        words.append(f"supersedes {said.supersedes}")
    if item.superseded_by:
        words.append(f"superseded by {', '.join(item.superseded_by)}")
    return ", ".join(words)


def _finding_rows(finding: Finding) -> list[Row]:
    value = "; ".join(
        f"{name.replace('_', ' ')}: {_value(value)}" for name, value in finding.value.items()
    )
    made = finding.provenance
    rows: list[Row] = [
        (finding.stage.removeprefix("gold_").replace("_", " "), Text(printable(value), "bold")),
        ("confidence", f"{finding.confidence:.2f}"),
        ("because", finding.rationale),
    ]
    for span in finding.evidence:
        place = Text(f"  characters {span.start} to {span.end}", style="dim")
        rows.append(("evidence", Text(f"“{printable(span.quote)}”", EVIDENCE) + place))
    by = [
        f"{made.tier}, model {made.model_version}",
        f"prompt {made.prompt_version}" if made.prompt_version else "no prompt",
        _time(made.produced_at),
        f"run {made.run_id}",
    ]
    if made.validation_state != "valid":
        by.append(f"validity {made.validation_state}")
    return [*rows, ("found by", ", ".join(by)), ("", "")]


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    if not isinstance(value, list | tuple):
        return str(value)
    return ", ".join(
        f"{one['label']} {one['probability']:.2f}" if isinstance(one, dict) else str(one)
        for one in value
        if not isinstance(one, dict) or one["probability"] >= 0.01
    )


def _cluster_rows(item: ItemTrace) -> list[Row]:
    place = item.cluster
    if place is None:
        return []
    if place.cluster_id is None:
        return [("cluster", "none: there is nothing to act on")]
    alike = None if place.similarity is None else f"{place.similarity:.2f} (1 founded it)"
    return [
        ("cluster", f"{place.cluster_id}  {place.cluster_label or ''}"),
        ("similarity", alike),
        ("size", f"{place.size} items at present"),
    ]


def _triage_rows(item: ItemTrace) -> list[Row]:
    routed = item.triage
    if routed is None:
        return []
    passes = "without a person" if routed.auto_approve else "only by a person's decision"
    return [
        ("lane", f"{routed.lane}, passes {passes}"),
        ("priority", f"{routed.priority_score:g} of 100"),
        ("owner", f"{routed.owner_team}, queue {routed.queue}"),
        ("ticket", "yes, once approved" if routed.open_ticket else "no, it is only counted"),
        ("rules", f"{', '.join(routed.rule_ids)} (rules {routed.rule_version})"),
    ]


def _review_rows(item: ItemTrace) -> list[Row]:
    rows: list[Row] = []
    state = item.validation
    if state is not None:
        rows = [
            ("state", Text(state.validation_state.replace("_", " "), "bold")),
            ("by", state.reviewer),
            ("because", state.decision_reason),
            ("when", _time(state.decided_at) if state.decided_at else None),
            ("stands as", f"{', '.join(state.categories)}; {state.sentiment}; {state.severity}; "
                          f"{state.action}"),
        ]  # fmt: skip
    for decision in item.decisions:
        edits = [
            f"{name}: {_value(value)}"
            for name in ("categories", "sentiment", "severity", "action")
            if (value := getattr(decision, name)) is not None
        ]
        words = [f"{_time(decision.decided_at)}: {decision.decision} by {decision.reviewer}"]
        words += [decision.reason] if decision.reason else []
        rows.append(("on record", "; ".join(words + edits)))
    return rows


def _gate_rows(gate: Gate) -> list[Row]:
    rows: list[Row] = [
        ("gate", Text("open", "bold green") if gate.open else Text("closed", "bold red"))
    ]
    unjudged = [check.check for check in gate.checks if check.passed is None]
    rows += [(_mark(c), _check_words(c)) for c in gate.checks if c.passed is not None]
    if unjudged:
        rows.append(("no verdict", ", ".join(unjudged)))
    return rows


def _mark(check: Check) -> str:
    return "stale" if check.stale else "passed" if check.passed else "FAILED"


def _check_words(check: Check) -> str:
    measured = ""
    if check.value is not None:
        held = "" if check.threshold is None else f" against {check.threshold:g}"
        measured = f" ({check.value:g}{held})"
    older = "; the data changed since" if check.stale else ""
    return f"{check.check}{measured}: {check.detail}; {_time(check.evaluated_at)}{older}"


def _joined_rows(joined: Joined) -> list[Row]:
    rows = _ticket_rows(joined.ticket) if joined.ticket else [("key", joined.idempotency_key)]
    return [*rows, ("joined", f"{_time(joined.added_at)}, run {joined.run_id}")]


def _ticket_rows(ticket: TicketRow) -> list[Row]:
    return [
        ("ticket", Text(printable(ticket.ticket_key or "no key yet"), "bold green")),
        ("title", ticket.title),
        ("state", f"{ticket.state}, since {_time(ticket.updated_at)} (run {ticket.run_id})"),
        ("queue", ticket.queue),
        ("opened by", f"{ticket.day} {ticket.source}"),
        ("key", ticket.idempotency_key),
    ]


def _cluster(cluster: ClusterTrace, console: Console) -> None:
    _title(console, "Complaint", cluster.cluster_id, cluster.cluster_label or "")
    facts: list[Row] = [
        (name.replace("_", " "), ", ".join(f"{value} {n}" for value, n in counts.items()))
        for name, counts in cluster.facts.items()
    ]
    top = cluster.highest_priority
    rows: list[Row] = [
        ("items", str(cluster.size)),
        ("area", cluster.primary_category),
        ("priority", None if top is None else f"up to {top:g} of 100"),
        *facts,
    ]
    _rows(console, rows)
    _step(console, "Where and when it was said")
    _rows(console, [(str(c.day), f"{c.source}: {c.items}") for c in cluster.by_partition])
    _members(console, cluster.members, cluster.size)
    for ticket in cluster.tickets:
        _step(console, "Ticket")
        _rows(console, _ticket_rows(ticket))


def _ticket(trace: TicketTrace, console: Console) -> None:
    ticket, cluster = trace.ticket, trace.cluster
    _title(console, "Ticket", ticket.ticket_key or ticket.idempotency_key)
    label = f"{cluster.cluster_id}  {cluster.cluster_label or ''}".rstrip()
    outcome = trace.outcome
    rows: list[Row] = [
        *_ticket_rows(ticket),
        ("complaint", f"{label} ({cluster.size} items at present)"),
        ("items", f"{trace.items} stand in this ticket"),
    ]
    if outcome is not None:
        fixed = f", resolved {_time(outcome.resolved_at)}" if outcome.resolved_at else ""
        rows += [
            ("tracker", f"{outcome.status}{fixed} (asked {_time(outcome.observed_at)})"),
            ("came back", f"{outcome.items_after_resolution} items after it was resolved"),
        ]
    _rows(console, rows)
    _members(console, trace.members, trace.items)


def _members(console: Console, members: Sequence[Member], total: int) -> None:
    if not members:
        return
    of = f"{len(members)} of {total}" if total > len(members) else str(total)
    _step(console, f"Items ({of}); trace one for its whole path")
    for member in members:
        found = _joined_words(
            member.primary_category, member.severity, member.sentiment,
            f"lane {member.lane}" if member.lane else None,
            None if member.priority_score is None else f"priority {member.priority_score:g}",
            member.validation_state.replace("_", " ") if member.validation_state else None,
            f"by {member.reviewer}" if member.reviewer else None,
            f"rules {' '.join(member.rule_ids)}" if member.rule_ids else None,
            f"joined {_time(member.added_at)}" if member.added_at else None,
        )  # fmt: skip
        _line(console, Text(f"{member.feedback_id}  {member.day} {member.source}", "bold"))
        if member.text_head:
            _line(console, shown(" ".join(member.text_head.split())), 4)
        _line(console, Text(printable(found or ""), "dim"), 4)


def _title(console: Console, kind: str, name: str, more: str = "") -> None:
    console.print()
    head = Text.assemble((f"{kind} ", "bold"), (printable(name), "bold cyan"))
    console.print(head + Text(printable(f"  {more}" if more else ""), "dim"))


def _step(console: Console, title: str) -> None:
    console.print()
    console.print(Rule(Text(printable(title), "bold"), align="left", style="dim"))


def _line(console: Console, text: Text, indent: int = 2) -> None:
    console.print(Padding(text, (0, 0, 0, indent)))


def _rows(console: Console, rows: Iterable[Row], label_width: int = 14) -> None:
    """A two-column block; rows without a value are left out, except for empty ones."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", width=label_width)
    grid.add_column(overflow="fold", ratio=1)
    for label, value in rows:
        if value or not label:
            grid.add_row(Text(label), value if isinstance(value, Text) else shown(str(value)))
    console.print(Padding(grid, (0, 0, 0, 2)))


def shown(text: str) -> Text:
    """Untrusted `text` as it may be shown."""
    return Text(printable(text))


def printable(text: str) -> str:
    """`text` with each control or direction-changing character replaced by one mark."""
    return "".join(" " if c == "\t" else MARK if _drives_terminal(c) else c for c in text)


def _drives_terminal(c: str) -> bool:
    return c in _BIDI or (unicodedata.category(c) in ("Cc", "Cs") and c != "\n")


_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _joined_words(*words: str | None) -> str:
    return ", ".join(word for word in words if word)


def _time(moment: dt.datetime | None) -> str:
    return "at a time not on record" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"
