"""The tables of the coarse sieve: code points to letters and kinds, words to the letters they mean.

Belongs here: building the tables from the grammar, and looking up a word's first characters.
Does not belong here: reading texts with them (`instruction_gate`).
"""

from __future__ import annotations

import re
from functools import cache
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from feedback_assets.gold.disguises import fold, rot13
from feedback_assets.gold.instruction_grammar import dense_start, grammar

Keys = NDArray[np.uint32]

OTHER, LATIN, FOREIGN, LETTER, DIGIT, BLOB, HIDDEN, SHAPE = range(8)
"""Kinds of character; from LATIN to LETTER they spell words, HIDDEN ones leave no trace."""
POINTS = 0x20000
DENSE_FROM = 0x3040
"""The first letter, in order of Unicode, of scripts that put no space between words."""
SHORTEST_KEY, LONGEST_KEY = 3, 8
FIRST, SECOND = 4, 3
"""Characters of the two words that a phrase is known by."""
FACTOR = np.uint32(0x9E3779B1)
TURNED_WORDS = frozenset(
    """ignore disregard classify instructions rules critical positive negative severity priority
    label mark treat prompt previous praise sentiment message urgent customer reviewer happy
    the this that with your""".split()  # noqa: SIM905
)
"""Words to be found backwards and in rot13."""

_KEY_BITS = 20
_FOLDED = (range(1, 0x10000), range(0x1D400, 0x1D800), range(0x1F110, 0x1F190))
"""Where Unicode has letters that fold to others, or to themselves; beyond are few."""
_UNVOWELLED = "\u0370"
"""From here on in Unicode a stem may be as short as a key: folding drops vowel signs."""
_SHARED = np.uint32(0)


class Sieve(NamedTuple):
    """By code point the folded letter (0: none) and the kind; by slot letters, and whose key.

    `worth` holds the groups of letters that matter, a bit a letter; `turned` is the bit of
    `TURNED_WORDS`.
    """

    fold: NDArray[np.uint16]
    kind: NDArray[np.uint8]
    letters: Keys
    owner: Keys
    worth: Keys
    turned: np.uint32


def known(sieve: Sieve, keys: Keys) -> Keys:
    """The bits of each key, 0 where it only shares its slot with a known one."""
    slots = _mixed(keys)
    bits = sieve.letters[slots]
    hits = np.flatnonzero(bits)
    owners = sieve.owner[slots[hits]]
    bits[hits[(owners != keys[hits]) & (owners != _SHARED)]] = 0
    return bits


def _mixed(key: Keys) -> Keys:
    spread = (key ^ (key >> np.uint32(15))) * np.uint32(0x85EBCA6B)
    shuffled: Keys = spread >> np.uint32(32 - _KEY_BITS)
    return shuffled


@cache
def sieve() -> Sieve:
    """The tables, built once a process (about 0.3 s)."""
    words = grammar()
    folds = np.zeros(POINTS, dtype=np.uint16)
    kinds = np.full(POINTS, OTHER, dtype=np.uint8)
    for point in chain(*_FOLDED):
        folded = fold(chr(point))
        if not folded:
            kinds[point] = HIDDEN
        elif folded[0].isalnum() and ord(folded[0]) < 0x10000:
            folds[point] = ord(folded[0])
            kinds[point] = _kind(folded[0])
        elif folded in "%#&;\\+/=_-":
            kinds[point] = BLOB
        elif folded in "$@":
            kinds[point] = DIGIT
        elif folded in "{<>→⇒":
            kinds[point] = SHAPE
    used = sorted(frozenset().union(*words.worth))
    bit = {letter: np.uint32(1 << at) for at, letter in enumerate(used)}
    turned = np.uint32(1 << len(used))
    letters, owner = np.zeros((2, 1 << _KEY_BITS), dtype=np.uint32)
    for stem, letter in words.stems.items():
        if letter in bit and not (dense_start(stem) and len(stem) < 2):
            _enter(letters, owner, _stem_key(stem), bit[letter])
    for word in TURNED_WORDS:
        for other in (word[::-1], rot13(word)):
            _enter(letters, owner, _stem_key(other + "_"), turned)
    worth = [np.bitwise_or.reduce([bit[letter] for letter in group]) for group in words.worth]
    return Sieve(folds, kinds, letters, owner, np.array(worth, dtype=np.uint32), turned)


def _enter(letters: Keys, owner: Keys, key: Keys, bit: np.uint32) -> None:
    slot = _mixed(key)[0]
    owner[slot] = key[0] if not letters[slot] or owner[slot] == key[0] else _SHARED
    letters[slot] |= bit


def _stem_key(stem: str) -> Keys:
    """The key of a stem: of its first characters, or those of its longest two words in a row.

    A word that must end there is keyed with the 0 that follows it.
    """
    if dense_start(stem):
        return _key_of(stem[:3].rstrip("_"))
    words = re.findall(r"[^\W_]+", stem)
    end = "\0" * (stem[-1] == "_")
    if len(words) > 1:
        pairs = list(pairwise([word + "\0" * FIRST for word in words[:-1]] + [words[-1] + end * 2]))
        first, second = max(pairs, key=lambda pair: len("".join(pair).replace("\0", "")))
        if len(second) < SECOND:
            raise ValueError(f"instruction_patterns.yaml: {stem!r} is too short: end it with '_'")
        return _key_of(first[:FIRST]) * FACTOR + _key_of(second[:SECOND])
    word = words[0] + end
    open_end = SHORTEST_KEY + (words[0] < _UNVOWELLED)
    if len(word) < (SHORTEST_KEY if word[-1] == "\0" else open_end):
        raise ValueError(f"instruction_patterns.yaml: {stem!r} is too short: end it with '_'")
    return _key_of(word[:LONGEST_KEY])


def _key_of(letters: str) -> Keys:
    key = np.zeros(1, dtype=np.uint32)
    for letter in letters:
        key = key * FACTOR + np.uint32(ord(letter))
    return key


def _kind(letter: str) -> int:
    if letter.isdigit():
        return DIGIT
    if "a" <= letter <= "z":
        return LATIN
    return FOREIGN if "\u0370" <= letter <= "\u052f" else LETTER
