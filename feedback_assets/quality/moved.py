"""What moved, in words and as Markdown, for whoever finds a partition blocked.

Belongs here: wording. Does not belong here: whether it moved too far (mixes.py, levels.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from feedback_assets.contracts.partitions import Partition
from feedback_assets.quality.reference import Counts

SHOWN_CLASSES = 3
SHOWN_ROWS = 12
SHOWN_WORDS = 8
LEAST_WORD_ITEMS = 5
STRIKING = 3.0
"""Standard errors a word's log-odds must lie above none to be named."""
PRIOR_WORDS = 50.0
"""Items by which a word's usual share is believed, whatever the partition says."""


@dataclass(frozen=True, slots=True)
class Move:
    """One class: its share of the items before and now."""

    name: str
    before: float
    now: float

    @property
    def points(self) -> float:
        """Change in percentage points."""
        return 100 * (self.now - self.before)

    @property
    def told(self) -> str:
        """As in ``payment 12% → 34% (+22 points)``."""
        name = self.name or "none"
        return f"{name} {self.before:.0%} → {self.now:.0%} ({self.points:+.0f} points)"


def moves(now: Counts, before: Counts) -> list[Move]:
    """Every class of either, the largest change first."""
    n, m = max(sum(now.values()), 1), max(sum(before.values()), 1)
    found = [Move(name, before.get(name, 0) / m, now.get(name, 0) / n) for name in {*now, *before}]
    return sorted(found, key=lambda move: (-abs(move.points), move.name))


def in_words(found: Sequence[Move]) -> str:
    """The classes that moved most, in a line."""
    return ", ".join(move.told for move in found[:SHOWN_CLASSES] if abs(move.points) >= 0.5)


def as_table(found: Sequence[Move], heading: str) -> str:
    """A Markdown table of the classes, the largest change first."""
    rows = [
        f"| {_cell(move.name) or 'none'} | {move.before:.1%} | {move.now:.1%} "
        f"| {move.points:+.1f} |"
        for move in found[:SHOWN_ROWS]
    ]
    head = f"| {heading} | before | now | points |\n|---|---:|---:|---:|"
    rest = len(found) - SHOWN_ROWS
    more = [f"\nand {rest} more, which moved less"] if rest > 0 else []
    return "\n".join([head, *rows, *more])


def rising_words(now: Counts, items: int, before: Counts, items_before: int) -> list[str]:
    """Words that more of the items bear than the days before would have it, the clearest first.

    By log-odds with an informative Dirichlet prior, the days' own shares (Monroe, Colaresi and
    Quinn, Fightin' Words, Political Analysis 16, 2008, equations 15 to 22).
    """
    words = [word for word, count in now.items() if count >= LEAST_WORD_ITEMS]
    if not words or not items or not items_before:
        return []
    y = np.array([now[word] for word in words], float)
    x = np.array([before.get(word, 0) for word in words], float)
    # A word never said before is believed to be said half a time, or it could not be judged.
    prior = np.maximum(PRIOR_WORDS * x / items_before, 0.5)
    # Odds among words said, not among items: longer texts alone make no word rise.
    said, said_before = sum(now.values()), max(sum(before.values()), 1)
    here = np.log((y + prior) / np.maximum(said + PRIOR_WORDS - y - prior, 0.5))
    there = np.log((x + prior) / np.maximum(said_before + PRIOR_WORDS - x - prior, 0.5))
    score = (here - there) / np.sqrt(1 / (y + prior) + 1 / (x + prior))
    order = np.argsort(-score, kind="stable")[:SHOWN_WORDS]
    return [
        f"{words[i]} ({x[i] / items_before:.1%} → {y[i] / items:.1%})"
        for i in order
        if score[i] >= STRIKING
    ]


def what_to_do(partition: Partition, check: str) -> str:
    """The ways on, as Markdown."""
    place = f"{partition.day} {partition.source}"
    return "\n".join(
        (
            "**What to do**",
            f"1. Look at the items of {place}: `feedback trace ID` of some.",
            "2. If the source or its connector is wrong: mend it, land the data again, and run the "
            f"partition again: `feedback run --day {partition.day} --source {partition.source}`. "
            "The gate opens when the check passes.",
            "3. If the data are right, let them pass by name: "
            f'`feedback gate override {place} {check} --by NAME --reason "…" --hours 24`; with '
            "`--new-normal` if it will stay like this.",
        )
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
