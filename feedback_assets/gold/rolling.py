"""Polynomial hashes of every stretch of a batch of text, in numpy.

Belongs here: hashing by prefix sums modulo 2**64, the same on every machine and run.
Does not belong here: which stretches matter (`features`, `concepts`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]

_BASE = 0x9E3779B97F4A7C15
_MODULUS = 1 << 64
_INVERSE = pow(_BASE, -1, _MODULUS)


def power(exponent: int) -> np.uint64:
    """The hash base to an exponent, modulo 2**64."""
    return np.uint64(pow(_BASE, exponent, _MODULUS))


def mix(keys: Keys) -> Keys:
    """`keys` with every input bit spread over every output bit (finaliser of SplitMix64)."""
    mixed = keys ^ (keys >> np.uint64(30))
    mixed = mixed * np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


class Prefixes:
    """Prefix sums of ``code[i] * base**i``; a stretch's hash is their difference, shifted to 0."""

    def __init__(self, codes: Keys) -> None:
        powers = _powers(_BASE, len(codes))
        self._sums: Keys = np.zeros(len(codes) + 1, dtype=np.uint64)
        np.cumsum(codes * powers, out=self._sums[1:])
        self._inverses = _powers(_INVERSE, len(codes) + 1)

    def of(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Keys:
        """Hashes of the stretches [start, end), end exclusive."""
        return (self._sums[ends] - self._sums[starts]) * self._inverses[starts]


_CACHED: dict[int, Keys] = {}


def _powers(base: int, count: int) -> Keys:
    known = _CACHED.get(base)
    if known is None or len(known) < count:
        steps = np.full(max(count, 1 << 16), base, dtype=np.uint64)
        steps[0] = 1
        known = _CACHED[base] = np.cumprod(steps)
    return known[:count]
