"""Exact spans of a text that speak for a finding, and its strongest words.

Belongs here: from the weight of each feature occurrence to clauses, spans and words.
Does not belong here: the weights (`classifier`).

Offsets count Unicode code points, so ``text[start:end]`` is the quote.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from feedback_assets.gold.features import MASK, Index, Layout
from feedback_assets.gold.findings import Span
from feedback_assets.gold.letters import GAP, belongs_to_previous, letters
from feedback_assets.gold.vocabulary import Floats, Occurrences

LONGEST = 160
"""Characters of a span at most."""
_SECOND = 0.6
"""A second span must weigh this share of the first."""
_EARLY = 0.6
"""What the first clause gains on its weight; the second gains half of it, the third a third."""
_WORDS, _WORD_LENGTH = 3, 24


def _set_of(characters: str) -> NDArray[np.bool_]:
    """Membership by code point: a look-up is several times faster than `numpy.isin`."""
    table = np.zeros(len(letters().kind), dtype=np.bool_)
    table[[ord(character) for character in characters]] = True
    return table


_STOPS = _set_of(".!?;…")
_WIDE_STOPS = _set_of("。！？；")
_BREAKS = _set_of("\n\r\x85\u2028\u2029")
_THAI = (0x0E00, 0x0E7F)
_FIRST_MARK = "\u0300"
"""Below it no character belongs to the one before."""

Weights = NDArray[np.float64]


class Explained(NamedTuple):
    """Spans, heaviest first, and strongest words of each text of a chunk."""

    spans: list[list[Span]]
    words: list[list[str]]


def explain(
    texts: Sequence[str],
    layout: Layout,
    occurrences: Occurrences,
    added: Floats,
    telling: NDArray[np.bool_],
    naming: Floats | None = None,
) -> Explained:
    """Spans and words of a chunk's texts.

    `added` is what each of `occurrences` adds to the score of its text's finding (see
    `TriageClassifier.contributions`). It is spread evenly over the occurrence's characters;
    the clause that gathers most is the first span. A text where nothing speaks for the finding
    gets itself, trimmed; an empty text gets nothing. `telling` says which words may be named, and
    `naming` is what they are ranked by, where that is not `added`. Of clauses that weigh alike the
    earlier counts more: people say first what the matter is.
    """
    weight = _running_weight(layout, occurrences, added)
    starts, ends, rows = clauses(layout)
    nth = np.arange(len(rows)) - np.searchsorted(rows, rows)
    scores = _settled((weight[ends] - weight[starts]) * (1 + _EARLY / (1 + nth)))
    order = np.lexsort((starts, -scores, rows))
    bounds = np.searchsorted(rows[order], np.arange(len(texts) + 1)).tolist()
    ranked = zip(*(part[order].tolist() for part in (starts, ends, scores)), strict=True)
    clauses_of = list(ranked)
    spans = []
    for row, (text, offset) in enumerate(zip(texts, layout.offsets.tolist(), strict=True)):
        best = clauses_of[bounds[row] : bounds[row + 1]][:2]
        own: list[Span] = []
        for first, last, score in best:
            if score <= 0 or score < _SECOND * best[0][2]:
                break
            if last - first > LONGEST:
                first, last = _window(layout, weight, first, last)
            span = _tidied(text, first - offset, last - offset)
            if span[0] < span[1] and all(span[0] >= b or span[1] <= a for a, b in own):
                own.append(span)
        spans.append(own or whole(text))
    if naming is not None:
        weight = _running_weight(layout, occurrences, naming)
    return Explained(spans, _strongest(texts, layout, weight, telling))


def whole(text: str) -> list[Span]:
    """The text itself as its only span, cut to 160 characters; nothing of an empty text."""
    start = len(text) - len(text.lstrip())
    end = len(text)
    if len(text.rstrip()) - start > LONGEST:
        gap = text.rfind(" ", start + LONGEST // 2, start + LONGEST + 1)
        end = gap if gap > 0 else start + LONGEST
    start, end = _tidied(text, start, end)
    return [(start, end)] if start < end else []


def clauses(layout: Layout) -> tuple[Index, Index, Index]:
    """Start, end and text of each clause that holds a word; places are the layout's.

    A clause ends at a line break; after ``. ! ? ; …`` before a gap; after ``。！？；``; and at a
    space between Thai letters, where Thai sentences end.
    """
    points = layout.points
    following = np.append(points[1:], 10)
    table = letters()
    gap_next = (table.kind[following] == GAP) & ~_STOPS[following]
    breaks = _BREAKS[points]
    ends_here = _STOPS[points] & gap_next & (following <= 32)
    ends_here |= _WIDE_STOPS[points] & ~_WIDE_STOPS[following]
    thai = (points >= _THAI[0]) & (points <= _THAI[1])
    ends_here[1:-1] |= (points[1:-1] == 32) & thai[:-2] & thai[2:]
    ends_here &= ~table.extends[following]
    ends_here |= breaks | _BREAKS[following]

    starts = np.concatenate(([0], np.flatnonzero(ends_here) + 1))
    starts = starts[starts < len(points)]
    ends = np.append(starts[1:], len(points))
    worded = np.searchsorted(layout.word_starts, ends) > np.searchsorted(layout.word_starts, starts)
    starts, ends = starts[worded], ends[worded]
    rows = np.searchsorted(layout.offsets, starts, side="right") - 1
    return starts, ends, rows


def _running_weight(layout: Layout, occurrences: Occurrences, added: Floats) -> Weights:
    """Weight gathered before each character of the layout, one more than characters."""
    size = len(layout.points)
    density = added / (occurrences.ends - occurrences.starts)
    steps = np.bincount(occurrences.starts, density, size + 1)
    steps -= np.bincount(occurrences.ends, density, size + 1)
    return np.concatenate(([0.0], np.cumsum(np.cumsum(steps)[:-1])))


def _window(layout: Layout, weight: Weights, start: int, end: int) -> Span:
    """The heaviest run of whole words of at most 160 characters inside a long clause."""
    first = np.searchsorted(layout.word_starts, start)
    last = np.searchsorted(layout.word_starts, end)
    starts, ends = layout.word_starts[first:last], layout.word_ends[first:last]
    fits = np.searchsorted(ends, starts + LONGEST, side="right") - 1
    reach = np.maximum(fits, np.arange(len(starts)))
    best = int(np.argmax(_settled(weight[ends[reach]] - weight[starts])))
    return int(starts[best]), int(ends[reach[best]])


def _tidied(text: str, start: int, end: int) -> Span:
    """The span without blanks at its ends, short enough, cutting no character or mask in two."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    end = min(end, start + LONGEST)
    if "[" in text:
        for mask in MASK.finditer(text):
            if mask.start() < end < mask.end():
                # Without the token if that leaves anything, else with all of it.
                end = mask.start() if mask.start() > start else mask.end()
            if mask.start() < start < mask.end():
                start = mask.start()
    while 0 < start < end and _breaks_inside(text, start):
        start -= 1
    limit = end
    while start < end < len(text) and _breaks_inside(text, end):
        end -= 1
    return start, end if end > start else limit


def _breaks_inside(text: str, at: int) -> bool:
    if text[at] < _FIRST_MARK and text[at - 1] < _FIRST_MARK:
        return False
    return belongs_to_previous(text[at]) or text[at - 1] == "\u200d"


def _settled(scores: Weights) -> Weights:
    """Scores whose last digits, which differ with the texts around, no longer order equals."""
    settled: Weights = np.round(scores, 9)
    return settled


def _strongest(
    texts: Sequence[str], layout: Layout, weight: Weights, telling: NDArray[np.bool_]
) -> list[list[str]]:
    """Up to three different words a text that add most to its finding, heaviest first."""
    scores = _settled(weight[layout.word_ends] - weight[layout.word_starts])
    named = np.flatnonzero(telling & (scores > 0))
    order = (layout.word_starts[named], -scores[named], layout.word_rows[named])
    named = named[np.lexsort(order)]
    rows = layout.word_rows[named]
    bounds = np.searchsorted(rows, np.arange(len(texts) + 1)).tolist()
    starts = (layout.word_starts[named] - layout.offsets[rows]).tolist()
    ends = (layout.word_ends[named] - layout.offsets[rows]).tolist()
    words = []
    for row, text in enumerate(texts):
        own: dict[str, str] = {}
        for i in range(bounds[row], min(bounds[row + 1], bounds[row] + 2 * _WORDS)):
            word = text[starts[i] : ends[i]]
            if len(word) > _WORD_LENGTH:
                word = _clipped(word)
            own.setdefault(word.casefold(), word)
            if len(own) == _WORDS:
                break
        words.append(list(own.values()))
    return words


def _clipped(word: str) -> str:
    end = _WORD_LENGTH
    while end > 1 and unicodedata.category(word[end])[0] == "M":
        end -= 1
    return word[:end] + "…"
