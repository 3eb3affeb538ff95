"""Which texts of a batch may hold an instruction to a machine: a coarse sieve, vectorised.

Belongs here: the first characters of known words, and signs of disguise, looked up for a whole
batch at once.
Does not belong here: the tables (`instruction_sieve`); deciding anything: what passes is read in
full by `instructions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntFlag
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from feedback_assets.gold.instruction_sieve import (
    BLOB,
    DENSE_FROM,
    DIGIT,
    FACTOR,
    FIRST,
    FOREIGN,
    HIDDEN,
    LATIN,
    LETTER,
    LONGEST_KEY,
    POINTS,
    SECOND,
    SHAPE,
    SHORTEST_KEY,
    Keys,
    Sieve,
    known,
    sieve,
)

Places = NDArray[np.int64]

_CHUNK = 1 << 16
"""Characters looked at in one go, so that the arrays stay in the processor's cache."""
_REACH, _NEIGHBOURS = 120, 16
"""Characters, and known words, within which words may belong to one instruction."""
_TAGS = 0xE0000
"""Code points from here on spell ASCII in characters that are not shown."""


class Look(IntFlag):
    """What a text is worth looking at for."""

    WORDS = 1
    DISGUISE = 2
    BLOB = 4
    TURNED = 8
    SHAPE = 16


ALL = Look.WORDS | Look.DISGUISE | Look.BLOB | Look.TURNED | Look.SHAPE


def looks(texts: Sequence[str]) -> list[int]:
    """For each text the `Look` flags it is worth, 0 for most."""
    found: list[int] = []
    first = size = 0
    for at, text in enumerate(texts):
        size += len(text)
        if size >= _CHUNK:
            found += _looks(texts[first : at + 1]).tolist()
            first, size = at + 1, 0
    return [*found, *_looks(texts[first:]).tolist()]


def _looks(texts: Sequence[str]) -> NDArray[np.uint8]:
    if not texts:
        return np.empty(0, dtype=np.uint8)
    tables = sieve()
    raw = np.frombuffer("\0".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    if raw.max(initial=0) > _TAGS:
        raw = np.where((raw > _TAGS) & (raw < _TAGS + 0x7F), raw - _TAGS, raw)
    points = np.minimum(raw, POINTS - 1)
    starts = np.fromiter(accumulate((len(t) + 1 for t in texts[:-1]), initial=0), np.int64)
    kind = tables.kind[points]
    flags = np.zeros(len(texts), dtype=np.uint8)
    for places, flag in (
        (_disguised(kind), Look.DISGUISE),
        (_runs(kind), Look.BLOB),
        (np.flatnonzero(kind == SHAPE), Look.SHAPE),
    ):
        flags[np.searchsorted(starts, places, side="right") - 1] |= np.uint8(flag)
    if (kind == HIDDEN).any():
        seen = np.flatnonzero(kind != HIDDEN)
        points, starts = points[seen], np.searchsorted(seen, starts)
    places, bits = _hits(tables, tables.fold[points])
    owner = np.searchsorted(starts, places, side="right") - 1
    flags[owner[(bits & tables.turned) != 0]] |= np.uint8(Look.TURNED)
    flags[owner[_meeting(tables, places, owner, bits)]] |= np.uint8(Look.WORDS)
    return flags


def _hits(tables: Sieve, folded: NDArray[np.uint16]) -> tuple[Places, Keys]:
    """Where known words stand, in order, and a bit for each letter they may have."""
    spaced = np.where(folded < DENSE_FROM, folded, 0)
    padded = np.concatenate([[0], spaced, np.zeros(LONGEST_KEY, np.uint16)]).astype(np.uint32)
    places = np.flatnonzero((padded[1:-LONGEST_KEY] != 0) & (padded[: -LONGEST_KEY - 1] == 0))
    bits = _bits(tables, padded, places + 1, SHORTEST_KEY, LONGEST_KEY)
    if len(places) > 1:
        first = _key(padded, places[:-1] + 1, FIRST)
        second = _key(padded, places[1:] + 1, SECOND)
        bits[:-1] |= known(tables, first * FACTOR + second)
    dense = np.flatnonzero(folded >= DENSE_FROM)
    if len(dense):
        padded = np.concatenate([folded, [0, 0]]).astype(np.uint32)
        places = np.concatenate([places, dense])
        bits = np.concatenate([bits, _bits(tables, padded, dense, 2, 3)])
        order = np.argsort(places, kind="stable")
        places, bits = places[order], bits[order]
    hits = np.flatnonzero(bits)
    return places[hits], bits[hits]


def _meeting(tables: Sieve, places: Places, owner: Places, bits: Keys) -> NDArray[np.bool_]:
    """Whether, from each hit on, those within reach in its text make up a group worth a look."""
    near = bits.copy()
    for further in range(1, min(_NEIGHBOURS, len(places))):
        reached = places[further:] - places[:-further] <= _REACH
        reached &= owner[further:] == owner[:-further]
        near[:-further] |= np.where(reached, bits[further:], np.uint32(0))
    kinds, which = np.unique(near, return_inverse=True)
    worth: NDArray[np.bool_] = (kinds[:, None] & tables.worth == tables.worth).any(axis=1)
    return worth[which]


def _bits(tables: Sieve, padded: Keys, at: Places, shortest: int, longest: int) -> Keys:
    """The bits of what begins at the places `at`, by its first so many characters."""
    key = np.zeros(len(at), dtype=np.uint32)
    bits = np.zeros(len(at), dtype=np.uint32)
    going = np.ones(len(at), dtype=np.uint32)
    for length in range(1, longest + 1):
        letter = padded[at + (length - 1)] * going
        key = key * FACTOR + letter
        if length >= shortest:
            bits |= known(tables, key) * going
        going = (letter != 0).astype(np.uint32)
    return bits


def _key(padded: Keys, at: Places, length: int) -> Keys:
    key = np.zeros(len(at), dtype=np.uint32)
    going = np.ones(len(at), dtype=np.uint32)
    for further in range(length):
        letter = padded[at + further] * going
        key = key * FACTOR + letter
        going = (letter != 0).astype(np.uint32)
    return key


def _disguised(kind: NDArray[np.uint8]) -> Places:
    """Where two scripts meet in a word, a digit stands inside one, letters stand alone in a row."""
    latin = kind == LATIN
    foreign = kind == FOREIGN
    mixed = (latin[1:] & foreign[:-1]) | (foreign[1:] & latin[:-1])
    digit = kind == DIGIT
    leet = latin[2:] & digit[1:-1] & latin[:-2]
    turns = np.flatnonzero((latin[1:] & digit[:-1]) | (digit[1:] & latin[:-1]))
    turning = turns[:-3][turns[3:] - turns[:-3] <= 16]
    letter = np.concatenate([[False], (kind >= LATIN) & (kind <= LETTER), [False]])
    lone = np.flatnonzero(letter[1:-1] & ~letter[2:] & ~letter[:-2])
    rows = lone[:-4][lone[4:] - lone[:-4] <= 20]
    hidden = np.flatnonzero((kind[1:] == HIDDEN) & latin[:-1])
    return np.concatenate([np.flatnonzero(mixed), np.flatnonzero(leet), turning, rows, hidden])


def _runs(kind: NDArray[np.uint8]) -> Places:
    """Where 14 or more characters stand in a row that an encoding may use."""
    breaks = np.flatnonzero((kind != LATIN) & (kind != DIGIT) & (kind != BLOB))
    edges = np.concatenate([[-1], breaks, [len(kind)]])
    return edges[:-1][np.diff(edges) > 14] + 1
