"""The status as a table on a terminal.

Belongs here: columns, words and colours. Does not belong here: what is counted (status.py).
"""

from __future__ import annotations

from collections import defaultdict

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from feedback_assets.audit.model_status_text import render_model
from feedback_assets.audit.status import Counts, Status
from feedback_assets.audit.terminal import shown

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
    "opened"
)
SHOWN_REASONS = 10
SHOWN_PARTITIONS = 3


def render(status: Status, console: Console) -> None:
    """Print the table, its legend, and beneath it why gates are closed, alike reasons once.

    What the language model was asked comes last, if it was.
    """
    if not status.partitions:
        console.print("Nothing has landed yet: feedback demo, or feedback run --landing DIR")
    else:
        console.print(_table(status))
        console.print(Text(LEGEND, "dim"))
        _closed(status, console)
    if status.language_model is not None:
        render_model(status.language_model, console)


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
        gate = Text("open", "green") if row.gate_open else Text("closed", "red")
        table.add_row(str(row.day), shown(row.source), *_cells(row.counts), gate)
    return table


def _cells(counts: Counts) -> list[Text]:
    numbers = [getattr(counts, name) for name in HEADINGS]
    return [Text(str(n)) if n else Text("·", "dim") for n in numbers]


def _closed(status: Status, console: Console) -> None:
    partitions_of: dict[str, list[str]] = defaultdict(list)
    for row in status.partitions:
        if row.gate_reason is not None:
            partitions_of[_short(row.gate_reason)].append(f"{row.day} {row.source}")
    if not partitions_of:
        return
    console.print()
    console.print(Text("Closed gates open no tickets:", "bold"))
    reasons = sorted(partitions_of.items(), key=lambda item: -len(item[1]))
    for reason, names in reasons[:SHOWN_REASONS]:
        where = ", ".join(names[:SHOWN_PARTITIONS])
        if len(names) > SHOWN_PARTITIONS:
            where += f" and {len(names) - SHOWN_PARTITIONS} more"
        console.print(Padding(Text.assemble((where, "red"), ": ", shown(reason)), (0, 0, 0, 2)))
    if len(reasons) > SHOWN_REASONS:
        console.print(Text(f"  and {len(reasons) - SHOWN_REASONS} other reasons", "dim"))


def _short(reason: str) -> str:
    first, *others = reason.split("; ")
    return f"{first} (and {len(others)} more)" if others else first
