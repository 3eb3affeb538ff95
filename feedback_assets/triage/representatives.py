"""Representatives of clusters, found by the terms they share with an item.

Belongs here: the inverted index, its bounds. Does not belong here: what likeness is enough.

Each representative is listed under its telling terms and under pairs of its heaviest ones. A
list holds `MOST_LISTED` at most; in a full one the newest takes the place of the oldest. So an
item costs at most a fixed number of looks, and a representative that a busy term has let go is
still found under its pairs, which are rarer.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

MOST_LISTED = 32
MOST_LISTS, PAIRED = 8, 4
MOST_COMPARED = 12
CERTAIN = 0.85
"""Cosine from which no better one is looked for."""
_PAIR = 0x9E3779B1


class Representatives:
    """A growing index of sparse unit vectors, numbered from 0 in the order they were added."""

    def __init__(self) -> None:
        """An index of none."""
        self.vectors: list[dict[int, float]] = []
        self._listed: dict[int, list[int]] = {}
        self._turn: dict[int, int] = {}

    def add(self, vector: dict[int, float]) -> int:
        """The number under which `vector` is kept."""
        number = len(self.vectors)
        self.vectors.append(vector)
        heaviest = _heaviest(vector)
        for key in (*heaviest, *_pairs(heaviest)):
            self._list(key, number)
        return number

    def near(self, vector: dict[int, float], telling: dict[int, float]) -> list[tuple[int, float]]:
        """Candidates with their cosine, at most `MOST_COMPARED` of each of two looks."""
        heaviest = [term for term in _heaviest(vector) if term in telling]
        paired: dict[int, float] = {}
        for key in _pairs(heaviest):
            for number in self._listed.get(key, ()):
                paired[number] = paired.get(number, 0.0) + 1.0
        found = self._compare(vector, paired)
        if not any(cosine >= CERTAIN for _, cosine in found):
            single: dict[int, float] = {}
            for term in heaviest:
                weight = vector[term]
                for number in self._listed.get(term, ()):
                    single[number] = single.get(number, 0.0) + weight
            found += self._compare(vector, single)
        return found

    def cosine(self, vector: dict[int, float], number: int) -> float:
        """Of `vector` with the numbered representative."""
        other = self.vectors[number]
        return sum([weight * other[term] for term, weight in vector.items() if term in other])

    def _compare(
        self, vector: dict[int, float], scores: dict[int, float]
    ) -> list[tuple[int, float]]:
        best: Iterable[int] = scores
        if len(scores) > MOST_COMPARED:
            best = sorted(scores, key=scores.__getitem__, reverse=True)[:MOST_COMPARED]
        return [(number, self.cosine(vector, number)) for number in best]

    def _list(self, key: int, number: int) -> None:
        listed = self._listed.setdefault(key, [])
        if len(listed) < MOST_LISTED:
            listed.append(number)
            return
        turn = self._turn.get(key, 0)
        listed[turn % MOST_LISTED] = number
        self._turn[key] = turn + 1


def _heaviest(vector: dict[int, float]) -> list[int]:
    return sorted(vector, key=lambda term: (-vector[term], term))[:MOST_LISTS]


def _pairs(terms: list[int]) -> list[int]:
    ordered = sorted(terms[:PAIRED])
    return [-(first * _PAIR + second) - 1 for first, second in combinations(ordered, 2)]
