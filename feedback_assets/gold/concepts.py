"""Ideas that customers put in many words and languages, found by their stems.

Belongs here: reading concepts.yaml and finding its stems in a lower-cased batch, vectorised.
Does not belong here: what a concept counts for; that is learned in `training`.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
import yaml
from numpy.typing import NDArray

from feedback_assets.gold.letters import WORD, code_points, letters
from feedback_assets.gold.rolling import Prefixes, mix, power

Keys = NDArray[np.uint64]
Positions = NDArray[np.int64]

_FIRST_BITS = 14
_UNMISTAKABLE = 6
"""Characters from which a stem is also known without its accents, as phones are typed on."""


class Stems(NamedTuple):
    """Hashes of all stems of one length in characters, sorted, and their concepts' indices."""

    length: int
    hashes: Keys
    concepts: NDArray[np.int64]


class Concepts(NamedTuple):
    """All concepts. `starts` tells, by a stem's first two characters, which lengths to try."""

    names: tuple[str, ...]
    by_length: tuple[Stems, ...]
    starts: Keys

    def find(
        self, lowered: Keys, prefixes: Prefixes, at: Positions
    ) -> tuple[Positions, Positions, Positions]:
        """Start, end and concept of each stem that begins at one of the positions `at`."""
        tries = self.starts[_first_two(lowered, at)]
        starts, ends, concepts = [], [], []
        for index, stems in enumerate(self.by_length):
            here = at[(tries >> np.uint64(index)) & np.uint64(1) == 1]
            here = here[here + stems.length <= len(lowered)]
            hashes = prefixes.of(here, here + stems.length)
            rank = np.minimum(np.searchsorted(stems.hashes, hashes), len(stems.hashes) - 1)
            hit = stems.hashes[rank] == hashes
            starts.append(here[hit])
            ends.append(here[hit] + stems.length)
            concepts.append(stems.concepts[rank[hit]])
        return np.concatenate(starts), np.concatenate(ends), np.concatenate(concepts)


def concepts_text() -> str:
    """concepts.yaml as it stands, for the model's version."""
    return (files(__package__) / "concepts.yaml").read_text(encoding="utf-8")


@cache
def concepts() -> Concepts:
    """The concepts of concepts.yaml.

    Raises `ValueError` when a stem stands under two concepts or is a single character.
    """
    owner: dict[str, str] = {}
    without_accents: dict[str, str] = {}
    lists: dict[str, str] = yaml.safe_load(concepts_text())
    for name, stems in lists.items():
        for stem in (part.strip() for part in stems.split(",")):
            lowered = _spelled(stem, letters().lower)
            if owner.setdefault(lowered, name) != name:
                raise ValueError(
                    f"concepts.yaml: {stem!r} stands under {owner[lowered]} and {name}: drop one"
                )
            if len(lowered) < 2 and not letters().dense[ord(lowered)]:
                raise ValueError(f"concepts.yaml: {name}: {stem!r} is too short to mean anything")
            bare = _spelled(stem, letters().fold)
            if len(bare) >= _UNMISTAKABLE:
                without_accents.setdefault(bare, name)
    return _compiled(tuple(lists), {**without_accents, **owner})


def _spelled(stem: str, table: Keys) -> str:
    """`stem` as it looks in a batch read by `table`; a final ``_`` is the gap after the word."""
    points = code_points(stem)
    words = np.where(letters().kind[points] == WORD, table[points], 32)
    return "".join(chr(point) for point in words)


def _compiled(names: tuple[str, ...], owner: dict[str, str]) -> Concepts:
    lengths = sorted({len(stem) for stem in owner})
    if len(lengths) > 64:
        raise ValueError("concepts.yaml: stems of more than 64 lengths: drop the longest")
    starts = np.zeros(1 << _FIRST_BITS, dtype=np.uint64)
    by_length = []
    for index, length in enumerate(lengths):
        entries: dict[int, int] = {}
        for stem, name in owner.items():
            if len(stem) == length:
                points = code_points(stem).astype(np.uint64)
                hashed = Prefixes(points).of(np.array([0]), np.array([length]))
                entries[int(hashed[0])] = names.index(name)
                padded = np.append(points, np.uint64(32))
                # A stem of one character may go on with anything: open all its first pairs.
                second = padded[1:2] if length > 1 else np.arange(0x3100, dtype=np.uint64)
                pair = _pair(np.full(len(second), padded[0]), second)
                starts[pair] |= np.uint64(1) << np.uint64(index)
        order = sorted(entries)
        by_length.append(
            Stems(
                length,
                np.array(order, dtype=np.uint64),
                np.array([entries[key] for key in order], dtype=np.int64),
            )
        )
    return Concepts(names, tuple(by_length), starts)


def _first_two(lowered: Keys, at: Positions) -> NDArray[np.int64]:
    return _pair(lowered[at], lowered[np.minimum(at + 1, len(lowered) - 1)])


def _pair(first: Keys, second: Keys) -> NDArray[np.int64]:
    mixed = mix(first * power(1) + second)
    return (mixed >> np.uint64(64 - _FIRST_BITS)).astype(np.int64)
