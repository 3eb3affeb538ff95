"""What is late, on a terminal.

Belongs here: words and colours. Does not belong here: what is counted (lateness.py).
"""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from feedback_assets.audit.lateness import AgeBand, Lateness
from feedback_assets.audit.terminal import counted, line, printable
from feedback_assets.pipeline.turnaround.hours import RUNGS
from feedback_assets.pipeline.turnaround.ladder import aged

COLOURS = {"late": "bold red", "soon": "yellow"}


def render_lateness(found: Lateness, console: Console) -> None:
    """Print what is late and soon late with what to do, the ages of what waits, and the hours."""
    late, soon = found.items("late"), found.items("soon")
    console.print()
    title = Text("Deadlines: ", "bold")
    title.append(f"{counted(late, 'item')} late" if late else "nothing late",
                 COLOURS["late"] if late else "green")  # fmt: skip
    if soon:
        title.append(f", {soon:,} soon", COLOURS["soon"])
    console.print(title)
    for one in found.overdue:
        told = Text.assemble((f"{one.level}  ", COLOURS[one.level]), printable(one.told))
        line(console, told)
        line(console, Text(one.to_do, "dim"), indent=8)
    if found.days_left_out:
        line(console, Text(f"{found.days_left_out} older days with waiting items were left out"))
    line(console, _undecided(found))
    console.print(_hours(found))
    share = found.figures["within_72h_share"]
    if share is not None:
        promise = found.deadlines["ticket"]["late"]
        known = (found.figures["ended_in_time"] or 0) + (found.figures["past_72h"] or 0)
        line(console, Text(f"within {promise:g} h: {share:.1%} of {counted(int(known), 'item')}"))


def _undecided(found: Lateness) -> Text:
    items = int(found.figures["undecided"] or 0)
    if not items:
        return Text("Nothing is undecided.", "dim")
    bands = ", ".join(f"{band.items:,} {_band(band)}" for band in found.undecided if band.items)
    oldest = found.figures["oldest_undecided_hours"] or 0
    return Text(f"undecided: {counted(items, 'item')}, the oldest {aged(oldest)} old: {bands}")


def _band(band: AgeBand) -> str:
    if band.to_hours is None:
        return f"over {band.from_hours:g} h"
    return f"of {band.from_hours:g}-{band.to_hours:g} h"


def _hours(found: Lateness) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("  hours from receipt to")
    for name in ("half", "9 of 10", "longest", "late after", "late", "soon"):
        table.add_column(name, justify="right", no_wrap=True)
    for rung in RUNGS:
        took = [found.figures[f"{rung}_hours_{name}"] for name in ("p50", "p90", "max")]
        counts = [int(found.figures[f"{level}_{rung}"] or 0) for level in ("late", "soon")]
        table.add_row(
            f"  {rung}",
            *(
                Text("·", "dim")
                if hours is None
                else Text(f"{hours:,.1f}" if hours >= 1 else f"{hours:.2f}")
                for hours in took
            ),
            f"{found.deadlines[rung]['late']:g}",
            *(Text(f"{n:,}") if n else Text("·", "dim") for n in counts),
        )
    return table
