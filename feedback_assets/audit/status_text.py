"""The status as a table on a terminal.

Belongs here: columns, words and colours. Does not belong here: what is counted (status.py).
"""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from feedback_assets.audit.blocked import Blocked, BlockedPartition
from feedback_assets.audit.lateness_text import render_lateness
from feedback_assets.audit.model_status_text import render_model
from feedback_assets.audit.status import Counts, Status
from feedback_assets.audit.terminal import counted, head, line, moment, printable, shown

HEADINGS = {
    "bronze": "landed",
    "silver": "clean",
    "quarantined": "held",
    "auto_approved": "auto",
    "approved": "appr.",
    "pending": "wait",
    "rejected": "rej.",
    "tickets": "tickets",
}
LEGEND = (
    "landed: deliveries in bronze; clean: items in silver; held: in quarantine; auto: passed by "
    "rules; appr.: approved or edited by a person; wait: for a person; rej.: rejected; tickets: "
    "opened; open*: an operator let a failed check pass"
)
SHOWN_REASONS = 10
SHOWN_PARTITIONS = 3
SHOWN_OVERRIDES = 10
MOST_CHARACTERS = 240
"""Of a check's own words; the whole is in --json and in the Dagster UI."""


def render(status: Status, console: Console) -> None:
    """Print the table, what the language model was asked, and last what calls for somebody.

    That is why gates are closed (alike reasons once), overrides in force, and what is late: a
    terminal shows the end of a long page.
    """
    if not status.partitions:
        console.print("Nothing has landed yet: feedback demo, or feedback run --landing DIR")
    else:
        console.print(_table(status))
        console.print(Text(LEGEND, "dim"))
    _left_to_batch(status, console)
    if status.language_model is not None:
        render_model(status.language_model, console)
    _blocked(status, console)
    _overrides(status, console)
    if status.lateness is not None:
        render_lateness(status.lateness, console)


def _table(status: Status) -> Table:
    table = Table(show_footer=True, box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("day", "total", no_wrap=True)
    # The one column that may wrap, so that a narrow terminal cuts no number.
    table.add_column("source", overflow="fold")
    for name, heading in HEADINGS.items():
        total = f"{getattr(status.totals, name)}"
        table.add_column(heading, total, justify="right", no_wrap=True)
    closed = sum(not partition.gate_open for partition in status.partitions)
    table.add_column("gate", f"{closed} closed" if closed else "all open", no_wrap=True)
    for row in status.partitions:
        passing = Text("open*", "yellow") if row.overridden else Text("open", "green")
        gate = passing if row.gate_open else Text("closed", "red")
        table.add_row(str(row.day), shown(row.source), *_cells(row.counts), gate)
    return table


def _cells(counts: Counts) -> list[Text]:
    numbers = [getattr(counts, name) for name in HEADINGS]
    return [Text(str(n)) if n else Text("·", "dim") for n in numbers]


def _left_to_batch(status: Status, console: Console) -> None:
    if not status.left_to_batch:
        return
    console.print()
    console.print(Text("Done in part by the fast lane; the rest waits for the batch", "bold"))
    for one in status.left_to_batch[:SHOWN_REASONS]:
        told = f"{counted(one.items, 'item')} wait, {one.urgent} went ahead"
        line(console, Text(f"{one.day} {printable(one.source)}: {told}"))
    if len(status.left_to_batch) > SHOWN_REASONS:
        line(console, Text(f"and {len(status.left_to_batch) - SHOWN_REASONS} more", "dim"))


def _blocked(status: Status, console: Console) -> None:
    if not status.blocked:
        return
    closed = sum(not partition.gate_open for partition in status.partitions)
    console.print()
    title = f"Blocked: {counted(closed, 'partition')} may open no tickets"
    console.print(Text(title, "bold red"))
    for reason in status.blocked[:SHOWN_REASONS]:
        line(console, Text.assemble((_why(reason), "red"), ": ", printable(_where(reason))))
        line(console, shown(head(reason.detail, MOST_CHARACTERS)), indent=4)
    if len(status.blocked) > SHOWN_REASONS:
        line(console, Text(f"and {len(status.blocked) - SHOWN_REASONS} other reasons", "dim"))


def _why(reason: Blocked) -> str:
    if not reason.checks:
        return "not processed"
    more = f" and {len(reason.checks) - 1} more" if len(reason.checks) > 1 else ""
    return f"{reason.checks[0]}{more} {reason.why}"


def _where(reason: Blocked) -> str:
    told = ", ".join(_measured(place) for place in reason.partitions[:SHOWN_PARTITIONS])
    more = len(reason.partitions) - SHOWN_PARTITIONS
    return told + (f" and {more} more" if more > 0 else "")


def _measured(place: BlockedPartition) -> str:
    where = f"{place.day} {place.source}"
    if place.value is None:
        return where
    against = "" if place.threshold is None else f", allowed {place.threshold:.3g}"
    return f"{where} ({place.value:.3g}{against})"


def _overrides(status: Status, console: Console) -> None:
    if not status.overrides:
        return
    console.print()
    console.print(Text("Overrides in force", "bold yellow"))
    for one in status.overrides[:SHOWN_OVERRIDES]:
        told = f"on {one.day} {one.source} until {moment(one.ended_at)}: {one.reason}"
        who = f"{printable(one.operator)} lets {one.check} pass "
        line(console, Text.assemble((who, "yellow"), printable(head(told, MOST_CHARACTERS))))
    if len(status.overrides) > SHOWN_OVERRIDES:
        line(console, Text(f"and {len(status.overrides) - SHOWN_OVERRIDES} more", "dim"))
