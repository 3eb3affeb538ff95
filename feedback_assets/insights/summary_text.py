"""The summary on a terminal.

Belongs here: layout and words. Does not belong here: the figures (summary.py).
"""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from feedback_assets.insights.summary import Summary

SHOWN_TICKETS = 15


def show(summary: Summary, console: Console) -> None:
    """Print `summary`."""
    held = sum(summary.quarantined.values())
    console.print()
    console.rule("[bold]What happened", align="left")
    _line(console, "landed", summary.landed, f"{held} in quarantine{_listed(summary.quarantined)}")
    _line(console, "bronze", summary.rows["bronze_feedback"], "items kept byte for byte")
    _line(
        console,
        "silver",
        summary.rows["silver_feedback"],
        f"clean and masked; {summary.redeliveries} redeliveries dropped, "
        f"{summary.duplicates} resubmissions marked",
    )
    _line(console, "gold", summary.rows["gold_feedback"], _listed(summary.categories)[2:])
    _line(console, "lanes", sum(summary.lanes.values()), _listed(summary.lanes)[2:])
    _line(console, "decided", sum(summary.states.values()), _listed(summary.states)[2:])
    _clusters(summary, console)
    _tickets(summary, console)


def _line(console: Console, name: str, count: int, text: str) -> None:
    console.print(Text.assemble((f"  {name:<8}", "cyan"), (f"{count:>9,}", "bold"), f"  {text}"))


def _listed(counts: dict[str, int]) -> str:
    return ": " + ", ".join(f"{count:,} {name}" for name, count in counts.items()) if counts else ""


def _clusters(summary: Summary, console: Console) -> None:
    table = Table(title="Largest clusters", title_justify="left", box=None, pad_edge=False)
    for name in ("items", "sources", "days", "area", "complaint", "cluster"):
        counted, whole = name in ("items", "sources", "days"), name in ("area", "cluster")
        table.add_column(name, justify="right" if counted else "left", no_wrap=whole)
    for line in summary.clusters:
        table.add_row(
            str(line.items), str(line.sources), str(line.days), line.category,
            Text(line.label), line.cluster_id,
        )  # fmt: skip
    console.print()
    console.print(table)


def _tickets(summary: Summary, console: Console) -> None:
    title = f"Tickets: {len(summary.tickets)}"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in ("key", "items", "title"):
        table.add_column(name, justify="right" if name == "items" else "left")
    for line in summary.tickets[:SHOWN_TICKETS]:
        table.add_row(line.key, str(line.items), Text(line.title))
    console.print()
    console.print(table)
    more = len(summary.tickets) - SHOWN_TICKETS
    if more > 0:
        console.print(f"  and {more} more", style="dim")
