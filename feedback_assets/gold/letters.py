"""What each Unicode code point is to tier 1: letter, sign of its own, or gap; and its fold.

Belongs here: lookup tables by code point, length-preserving, so offsets stay true.
Does not belong here: n-grams (`features`) and clauses (`evidence`).
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

GAP, WORD, SIGN = 0, 1, 2
"""Kinds: between words; part of a word; a word of one character (emoji, ``!``, ``?``)."""

_SIZE = 0x32400
"""Past the last letter of the supplementary planes; all beyond is treated as a gap."""

_SPACE = 32
_SIGNS = frozenset("!?！？")
_DENSE = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x2E80, 0x303F),
    (0x3040, 0x30FF),
    (0x3400, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x323AF),
)
"""Thai, Lao, Burmese, Khmer, Han and kana: scripts that put no space between words."""


class Letters(NamedTuple):
    """Tables indexed by code point (clip to the last index first)."""

    fold: NDArray[np.uint64]
    lower: NDArray[np.uint64]
    kind: NDArray[np.uint8]
    dense: NDArray[np.bool_]
    extends: NDArray[np.bool_]


@cache
def letters() -> Letters:
    """The tables, built once a process (about 0.3 s) from Python's own Unicode data.

    `fold` lower-cases, drops the accents of Latin, Greek and Cyrillic, makes each digit ``0`` and
    each gap a space; `lower` does so but keeps accents. `extends` marks what belongs to the
    character before it.
    """
    fold = np.full(_SIZE, _SPACE, dtype=np.uint64)
    lower = np.full(_SIZE, _SPACE, dtype=np.uint64)
    kind = np.full(_SIZE, GAP, dtype=np.uint8)
    extends = np.zeros(_SIZE, dtype=np.bool_)
    for point in range(_SIZE):
        character = chr(point)
        category = unicodedata.category(character)
        extends[point] = _extends(point, category)
        if category[0] in "LN" or (category[0] == "M" and not 0xFE00 <= point <= 0xFE0F):
            kind[point] = WORD
            lower[point] = _lower(character, category)
            fold[point] = _bare(chr(int(lower[point])))
        elif category == "So" or character in _SIGNS:
            kind[point], fold[point] = SIGN, point
    dense = np.zeros(_SIZE, dtype=np.bool_)
    for first, last in _DENSE:
        dense[first : last + 1] = kind[first : last + 1] == WORD
    return Letters(fold, lower, kind, dense, extends)


def code_points(text: str) -> NDArray[np.int64]:
    """The code points of `text`, one an element, clipped to the tables' size."""
    raw = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    clipped: NDArray[np.int64] = np.minimum(raw, _SIZE - 1).astype(np.int64)
    return clipped


def belongs_to_previous(character: str) -> bool:
    """Whether a cut before `character` would break what a reader sees as one character."""
    return _extends(ord(character), unicodedata.category(character))


def _extends(point: int, category: str) -> bool:
    return category[0] == "M" or point in (0x200D, 0x0E33) or 0x1F3FB <= point <= 0x1F3FF


def _lower(character: str, category: str) -> int:
    if category == "Nd":
        return ord("0")
    forms = (character.casefold(), character.lower())
    return ord(next((form for form in forms if len(form) == 1), character))


def _bare(character: str) -> int:
    if ord(character) < 0x0530 or 0x1E00 <= ord(character) < 0x2000:
        base, *marks = list(unicodedata.normalize("NFD", character))
        if marks and all(unicodedata.combining(mark) for mark in marks):
            return ord(base)
    return ord(character)
