"""The language model's account on a terminal, a line a stage.

Belongs here: columns, words and colours. Does not belong here: what is counted
(model_status.py).
"""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from feedback_assets.audit.model_status import CallCounts, ModelStatus, OpenBatch
from feedback_assets.audit.terminal import counted, line, money, printable, words_of

HEADINGS = {
    "calls": "calls",
    "answered": "answered",
    "unusable": "unusable",
    "in_trouble": "trouble",
    "waiting": "batch",
}
LEGEND = (
    "calls: one an attempt and item; unusable: answers no finding could be made of; trouble: the "
    "service failed or refused; batch: waiting for the batch service; days are UTC"
)
SHOWN_BATCHES = 3


def render_model(status: ModelStatus, console: Console) -> None:
    """Print the account by stage, open batches with their age, and items in doubt by state."""
    console.print()
    console.print(Text("Language model", "bold"))
    console.print(_table(status))
    console.print(Text(LEGEND, "dim"))
    if status.open_batches:
        line(console, _batches(status.open_batches))
    if status.in_doubt.by_state:
        line(console, _doubts(status))


def _table(status: ModelStatus) -> Table:
    table = Table(show_footer=True, box=None, pad_edge=False, padding=(0, 1, 0, 0))
    # The one column that may wrap, so that a narrow terminal cuts no number.
    table.add_column("stage", "total", overflow="fold")
    footer = [*_cells(status.in_all), _cost(status.today, status), _cost(status.in_all, status)]
    headings = [*HEADINGS.values(), "tokens", "cost today", "in all"]
    for heading, total in zip(headings, footer, strict=True):
        table.add_column(heading, total, justify="right", no_wrap=True)
    for stage in status.stages:
        costs = _cost(stage.today, status), _cost(stage.in_all, status)
        table.add_row(printable(words_of(stage.stage)), *_cells(stage.in_all), *costs)
    return table


def _cells(counts: CallCounts) -> list[Text]:
    numbers = [getattr(counts, name) for name in HEADINGS]
    tokens = counts.input_tokens + counts.output_tokens
    return [
        *(Text(f"{n:,}") if n else Text("·", "dim") for n in numbers),
        Text(_short(tokens)) if tokens else Text("·", "dim"),
    ]


def _cost(counts: CallCounts, status: ModelStatus) -> Text:
    if not status.in_all.cost and status.in_all.input_tokens:
        return Text("no price", "dim")
    return Text(money(counts.cost)) if counts.cost else Text("·", "dim")


def _short(number: float) -> str:
    for unit, size in (("M", 1_000_000), ("k", 1_000)):
        if number >= size:
            return f"{number / size:.1f}{unit}"
    return f"{number:.0f}"


def _batches(batches: tuple[OpenBatch, ...]) -> Text:
    shown = "; ".join(
        f"{one.batch_id} ({words_of(one.stage)}, {counted(one.requests, 'request')}, "
        f"{_age(one.age_hours)} old)"
        for one in batches[:SHOWN_BATCHES]
    )
    more = len(batches) - SHOWN_BATCHES
    rest = f" and {more} younger" if more > 0 else ""
    label = f"{len(batches)} open {'batch' if len(batches) == 1 else 'batches'}: "
    return Text.assemble((label, "yellow"), printable(shown + rest))


def _age(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 1 else f"{hours * 60:.0f} min"


def _doubts(status: ModelStatus) -> Text:
    told = "; ".join(
        f"{words_of(state)} in " + ", ".join(f"{words_of(s)} {n:,}" for s, n in stages.items())
        for state, stages in status.in_doubt.by_state.items()
    )
    items = counted(status.in_doubt.items, "item")
    return Text.assemble((f"{items} in doubt: ", "yellow"), printable(told))
