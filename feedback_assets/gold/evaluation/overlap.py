"""How far words and spans agree with the golden ones.

Belongs here: overlap of two texts, and of evidence with golden quotes. Does not belong here:
labels, which agree or don't (`measures`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

Span = tuple[int, int]
_WORDS = re.compile(r"\w+")


def token_f1(said: str, golden: str) -> float:
    """F1 of the words two texts share, counted with repetition, case aside.

    As for answers in SQuAD (Rajpurkar et al. 2016, section 6.1). 0 when either has no word.
    """
    one, other = (Counter(_WORDS.findall(text.casefold())) for text in (said, golden))
    shared = (one & other).total()
    return 2 * shared / (one.total() + other.total()) if shared else 0.0


def places(text: str, quotes: Iterable[str]) -> list[Span]:
    """Every place of every quote in `text`, end exclusive."""
    return [
        (match.start(), match.start() + len(quote))
        for quote in quotes
        if quote
        # A look-ahead finds places that overlap each other too.
        for match in re.finditer(f"(?={re.escape(quote)})", text)
    ]


def overlapping(spans: Sequence[Span], golden: Sequence[Span]) -> float:
    """The share of `spans` that have a character in common with a golden one; 0 of none."""
    hits = sum(any(start < end_g and start_g < end for start_g, end_g in golden)
               for start, end in spans)  # fmt: skip
    return hits / len(spans) if spans else 0.0
