"""Charts of a stage's confidence, as SVG to be put into a page.

Belongs here: drawing. Does not belong here: the numbers (`metrics`) and the page (`report`).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from feedback_assets.gold.evaluation.metrics import Flags, Floats, reliability, risk_coverage

NOW, BEFORE, QUIET = "#1d4ed8", "#d97706", "#94a3b8"
"""Colours of the configuration judged, of the one it is held against, and of guides."""
_SIZE = (5.6, 4.0)
_STYLE: Any = {
    # Text stays text, and ids are the same for the same chart.
    "svg.fonttype": "none",
    "svg.hashsalt": "feedback",
    "font.size": 10,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": "#334155",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": "#475569",
    "ytick.color": "#475569",
    "legend.frameon": False,
}
_GROUP_IDS = re.compile(r'<g id="[^"]*"')

Series = tuple[str, Floats, Flags]
"""A name, confidences and whether the findings were right."""


def reliability_diagram(series: Iterable[Series]) -> str:
    """Share right over stated confidence, a dot a bin, as large as the bin holds items."""
    with _chart() as (figure, axes):
        axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=":")
        for (name, confidence, right), colour, line in _styled(series):
            stated, true, count = reliability(confidence, right)
            axes.plot(stated, true, color=colour, linewidth=1.6, linestyle=line, label=name)
            axes.scatter(stated, true, s=12 + 160 * count / count.sum(), color=colour, alpha=0.75)
        axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="Stated confidence", ylabel="Share right")
        axes.legend(loc="upper left")
        return _svg(figure)


def risk_coverage_curve(series: Iterable[Series]) -> str:
    """Share of errors among the most confident findings, over how many of all they are."""
    with _chart() as (figure, axes):
        for (name, confidence, right), colour, line in _styled(series):
            coverage, risk = risk_coverage(confidence, right)
            axes.plot(coverage, risk, color=colour, linewidth=1.6, linestyle=line, label=name)
        axes.set(xlim=(0, 1.02), xlabel="Share of items kept, the most confident first")
        axes.set_ylabel("Share of errors among them")
        axes.set_ylim(bottom=0)
        axes.legend(loc="upper left")
        return _svg(figure)


@contextmanager
def _chart() -> Iterator[tuple[Figure, Axes]]:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=_SIZE, layout="constrained")
        axes = figure.add_subplot()
        axes.grid(color="#e2e8f0", linewidth=0.8)
        axes.set_axisbelow(True)
        yield figure, axes


def _styled(series: Iterable[Series]) -> Iterator[tuple[Series, str, str]]:
    yield from zip(series, (NOW, BEFORE), ("-", "--"), strict=False)


def _svg(figure: Figure) -> str:
    drawn = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(drawn, format="svg", metadata=nothing, transparent=True)
    svg = drawn.getvalue()
    # Within a page the prologue is no good, and names of groups would be there twice.
    return _GROUP_IDS.sub("<g", svg[svg.index("<svg") :])
