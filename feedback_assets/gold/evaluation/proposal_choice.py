"""Which decided items are worth a place in the golden set, and in which order.

Belongs here: usefulness and variety. Does not belong here: what is drafted of the chosen ones
(`proposals`).

Overridden items come first, but are no more than two of three where others are to be had: a
golden set of the models' misses alone would say nothing of how they do on the rest. Among equals
those go first whose classes are thin in the golden set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from feedback_assets.gold.evaluation.golden import GoldenItem
from feedback_assets.gold.likeness import nearest
from feedback_assets.gold.reviewed import Decided

MOST = 60
"""Proposals of a month: what a person can read with care in an afternoon."""
MOST_OVERRIDDEN = 40
FACES: Mapping[str, float] = {
    "primary_category": 1.0, "severity": 0.5, "sentiment": 0.25, "language": 0.25, "source": 0.25,
}  # fmt: skip
"""What makes items different from each other, and how much a thin class of it counts."""
OVERRIDDEN, NEW_WORD = 4.0, 1.0
"""What these count: more than all thin classes together, and as much as the thinnest category."""

Counts = Mapping[str, Counter[str]]
"""Items by class of each of `FACES`."""


@dataclass(frozen=True)
class Candidate:
    """A decided item, what the person changed of it, and the new words it bears."""

    decided: Decided
    changes: Sequence[str]
    words: Sequence[str]

    @property
    def example(self) -> Mapping[str, Any]:
        """Its text and labels, as `reviewed` has them."""
        return self.decided.example


def counts_of(golden: Iterable[GoldenItem]) -> Counts:
    """How many golden items there are of each class."""
    items = list(golden)
    return {face: Counter(getattr(item, face) for item in items) for face in FACES}


def gap(counts: Counts, face: str, value: str) -> float:
    """How much a class lacks on the fullest one of its kind, from 0 to 1."""
    return 1 - counts[face][value] / max(counts[face].values(), default=1)


def chosen(candidates: Sequence[Candidate], golden: Iterable[GoldenItem]) -> list[Candidate]:
    """At most `MOST` of `candidates`, overridden ones first, none like another.

    One after the other the most useful is taken, and what it adds makes its classes less thin.
    """
    counts = counts_of(golden)
    left, put_back, taken = list(candidates), list[Candidate](), list[Candidate]()
    while (left or put_back) and len(taken) < MOST:
        if not left:
            # Only overridden ones are to be had: then more of them than their share.
            left, put_back = put_back, []
        best = max(left, key=lambda candidate: _use(candidate, counts))
        left.remove(best)
        others = any(not candidate.changes for candidate in left)
        if best.changes and others and _overridden(taken) >= MOST_OVERRIDDEN:
            put_back.append(best)
        elif nearest([best.example["text"]], [c.example["text"] for c in taken])[0] is None:
            taken.append(best)
            for face, counter in counts.items():
                counter[best.example[face]] += 1
    return sorted(taken, key=lambda candidate: not candidate.changes)


def _use(candidate: Candidate, counts: Counts) -> float:
    thin = sum(
        weight * gap(counts, face, candidate.example[face]) for face, weight in FACES.items()
    )
    return OVERRIDDEN * bool(candidate.changes) + NEW_WORD * bool(candidate.words) + thin


def _overridden(taken: Iterable[Candidate]) -> int:
    return sum(bool(candidate.changes) for candidate in taken)
