"""Texts as tier 1 sees them: scored once, with all that a finding and its evidence need.

Belongs here: scores, form and concepts of a chunk of texts, and keeping the last chunks at hand.
Does not belong here: features (`features`, `vocabulary`) and what scores mean (`calibration`).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from feedback_assets.gold.concepts import concepts
from feedback_assets.gold.features import BUCKETS, Layout, Passage
from feedback_assets.gold.heads import CAUSE_HEADS
from feedback_assets.gold.vocabulary import Occurrences

FORM = ("letters", "asks", "ends asking", "question marks", "exclaims")
"""What a text's looks say of it, beside its words."""
_QUESTION, _EXCLAMATION = (0x3F, 0xFF1F), (0x21, 0xFF01)

Flags = NDArray[np.bool_]
Probabilities = NDArray[np.float64]


class Reading(NamedTuple):
    """A chunk of texts, read: `scores` (texts, heads), `form` (texts, 5), `held` (texts,
    concepts); `known` says of each text whether the model knows any of it, `telling` of each
    word whether it is not among the commonest of the training texts."""

    layout: Layout
    occurrences: Occurrences
    scores: Probabilities
    form: Probabilities
    held: Flags
    known: Flags
    telling: Flags


class RecentReadings:
    """The last chunks read, so that a stage finds what another has read in the same process.

    Bounded by characters, at about 130 bytes each: stages that follow each other batch by batch,
    or over a small partition, share their readings; what is larger is read again. Scores alone
    are small and kept of more texts, whatever batch they came in.
    """

    CHARACTERS, TEXTS = 500_000, 50_000

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, ...], Reading] = OrderedDict()
        self._scores: dict[str, Probabilities] = {}
        self._size = 0
        self._lock = threading.Lock()

    def get(self, texts: Sequence[str], read: Callable[[Sequence[str]], Reading]) -> Reading:
        """The reading of `texts`, made by `read` unless it is at hand."""
        key = tuple(texts)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        # Outside the lock: two threads may read the same chunk, none waits for another.
        reading = read(texts)
        with self._lock:
            if key not in self._kept:
                self._size += len(reading.layout.points)
            self._kept[key] = reading
            while self._size > self.CHARACTERS:
                self._size -= len(self._kept.popitem(last=False)[1].layout.points)
            if len(self._scores) > self.TEXTS:
                self._scores.clear()
            self._scores.update(zip(key, reading.scores[:, CAUSE_HEADS].copy(), strict=True))
        return reading

    def scores(self, texts: Sequence[str]) -> list[Probabilities | None]:
        """Each text's scores of `CAUSE_HEADS`, None where they are no more at hand."""
        with self._lock:
            return [self._scores.get(text) for text in texts]


def form_of(layout: Layout) -> Probabilities:
    """`FORM` of each text of a chunk, (texts, 5)."""
    count = len(layout.lengths)
    letters = np.bincount(layout.word_rows, layout.word_ends - layout.word_starts, count)
    signs = layout.points[layout.word_starts]
    asks = np.bincount(layout.word_rows[np.isin(signs, _QUESTION)], minlength=count)
    exclaims = np.bincount(layout.word_rows[np.isin(signs, _EXCLAMATION)], minlength=count)
    last = np.searchsorted(layout.word_rows, np.arange(count), side="right") - 1
    ends_asking = np.zeros(count)
    if len(signs):
        worded = (last >= 0) & (layout.word_rows[last] == np.arange(count))
        ends_asking = worded & np.isin(signs[last], _QUESTION)
    return np.column_stack(
        [np.log1p(letters), asks > 0, ends_asking, np.log1p(asks), exclaims > 0]
    ).astype(np.float64)


def concepts_of(passage: Passage) -> Flags:
    """Which concepts each text of a chunk holds, (texts, concepts)."""
    hit = passage.buckets >= 2 * BUCKETS
    held = np.zeros((len(passage.layout.lengths), len(concepts().names)), dtype=np.bool_)
    held[passage.rows[hit], passage.buckets[hit] - 2 * BUCKETS] = True
    return held
