"""An evaluation on the terminal: headline figures, differences, gates.

Belongs here: what `feedback evaluate` prints. Does not belong here: the full report (`report`).
"""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from feedback_assets.gold.evaluation.comparison import Difference
from feedback_assets.gold.evaluation.evaluate import Evaluation
from feedback_assets.gold.evaluation.measures import ALL, METRICS
from feedback_assets.gold.evaluation.report import number, signed

SHOWN_CLASSES = ("f1",)


def show(evaluation: Evaluation, console: Console, classes: bool) -> None:
    """Print a table a stage; with `classes`, F1 of each class too."""
    for stage in evaluation.outcomes.frames:
        console.print(_table(evaluation, stage, classes))
    if evaluation.breaches:
        console.print(f"[red]{len(evaluation.breaches)} gates broken[/red]")
        for breach in evaluation.breaches:
            console.print(
                f"  {breach.stage} {breach.metric} of {breach.label}: {breach.why}", markup=False
            )
    else:
        console.print("[green]No gate broken[/green]")


def _table(evaluation: Evaluation, stage: str, classes: bool) -> Table:
    table = Table(title=stage, title_justify="left", box=None, header_style="bold")
    compared = evaluation.comparison
    columns = ["now"] if compared is None else ["now", "against", "difference", "95% interval"]
    table.add_column("measure")
    for name in columns:
        table.add_column(name, justify="right")
    for (at, label, metric), value in _values(evaluation):
        if at != stage or not (label == ALL or (classes and metric in SHOWN_CLASSES)):
            continue
        title = METRICS[metric].title if label == ALL else f"{label} {METRICS[metric].title}"
        kind = METRICS[metric].kind
        cells = [title, number(value, kind)]
        if compared is not None:
            cells += _differing(compared.differences.get((at, label, metric)), kind)
        table.add_row(*cells)
    return table


def _differing(difference: Difference | None, kind: str) -> list[str]:
    if difference is None:
        return ["–", "", ""]
    colour = "red" if difference.worse else "green" if difference.improved else ""
    told = f"{signed(difference.low, kind)} to {signed(difference.high, kind)}"
    return [
        number(difference.before, kind),
        signed(difference.difference, kind),
        f"[{colour}]{told}[/{colour}]" if colour else told,
    ]


def _values(evaluation: Evaluation) -> list[tuple[tuple[str, str, str], float]]:
    rows = evaluation.scores.table.iter_rows()
    return [((stage, label, metric), value) for stage, label, metric, value in rows
            if metric in METRICS]  # fmt: skip
