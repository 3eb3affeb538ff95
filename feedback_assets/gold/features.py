"""The features of texts: hashed words, word pairs, character n-grams and concepts.

Belongs here: from a batch of texts to its features and where each occurs.
Does not belong here: which features count, and how much (`vocabulary`).

Everything is computed over the concatenated code points of a batch; no Python loop runs over
n-grams.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedback_assets.gold.concepts import concepts
from feedback_assets.gold.letters import GAP, SIGN, WORD, code_points, letters
from feedback_assets.gold.rolling import Keys, Prefixes, mix, power

Index = NDArray[np.int64]

BUCKETS = 1 << 18
"""Buckets of the words, and again of the character n-grams; concepts have one each."""
WORDS, CHARACTERS, CONCEPTS = 0, 1, 2
_NGRAMS = (3, 4, 5)
_CHUNK = 60_000
"""Characters hashed at a time, so that the arrays stay in the processor's cache."""

MASK = re.compile(r"\[[A-Z][A-Z_]*_[0-9a-f]+\]")
"""A token that stands for personal data, as in ``[EMAIL_1a2b3c4d]``."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A chunk of texts, laid end to end, and its words.

    `points` are code points (clipped to the letter tables). Text i is `points[offsets[i]:][:n]`
    with n = `lengths[i]`. `word_starts`, `word_ends` and `word_rows` are where each word stands
    and in which text.
    """

    points: Index
    offsets: Index
    lengths: Index
    word_starts: Index
    word_ends: Index
    word_rows: Index


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk of texts and every feature's occurrences in it.

    `rows` is the text each feature occurs in, `buckets` which feature, `starts` and `ends` where.
    The first features are the words', in the same order.
    """

    layout: Layout
    rows: Index
    buckets: Index
    starts: Index
    ends: Index


def feature_count() -> int:
    """Features before any is pruned: two blocks of buckets, then the concepts."""
    return 2 * BUCKETS + len(concepts().names)


def chunks(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Bounds of runs of texts, each at most about 60,000 characters unless one text is longer."""
    first, size = 0, 0
    for index, text in enumerate(texts):
        if size and size + len(text) > _CHUNK:
            yield first, index
            first, size = index, 0
        size += len(text) + 2
    if first < len(texts):
        yield first, len(texts)


def read(texts: Sequence[str]) -> Passage:
    """All features of a chunk of texts, each with the place it occurs at."""
    joined = "\n\n" + "\n\n".join(texts) + "\n\n"
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    offsets = np.cumsum(lengths + 2) - lengths
    points = code_points(joined)
    table = letters()
    kind, folded = table.kind[points], table.fold[points]
    for masked in MASK.finditer(joined):
        # A masking token says nothing of the complaint; its name would read as a word of it.
        place = slice(*masked.span())
        kind[place], folded[place] = GAP, 32
    rows_of = np.repeat(np.arange(len(texts)), lengths + 2)
    row_at = np.concatenate((np.zeros(2, dtype=np.int64), rows_of))

    word = kind == WORD
    letters_only = np.where(word, folded, np.uint64(32))
    lowered = np.where(word, table.lower[points], np.uint64(32))
    starts, ends = _words(word, kind == SIGN)
    prefixes = Prefixes(folded)
    found = [
        _word_features(prefixes, row_at, starts, ends),
        *_ngram_features(letters_only, word, table.dense[points]),
        _concept_features(lowered, word, table.dense[points]),
    ]
    begins, stops, buckets = (np.concatenate(part) for part in zip(*found, strict=True))
    return Passage(
        Layout(points, offsets, lengths, starts, ends, row_at[starts]),
        row_at[np.minimum(begins + 1, len(row_at) - 1)], buckets, begins, stops,
    )  # fmt: skip


def _words(word: NDArray[np.bool_], sign: NDArray[np.bool_]) -> tuple[Index, Index]:
    """Start and end of each run of letters and of each sign, in order."""
    before = np.concatenate(([False], word[:-1]))
    after = np.concatenate((word[1:], [False]))
    return np.flatnonzero((word & ~before) | sign), np.flatnonzero((word & ~after) | sign) + 1


def _word_features(
    prefixes: Prefixes, row_at: Index, starts: Index, ends: Index
) -> tuple[Index, Index, Index]:
    single = mix(prefixes.of(starts, ends))
    pairs = mix(single[:-1] * power(1) + single[1:])
    same = row_at[starts[:-1]] == row_at[starts[1:]]
    keys = np.concatenate((single, pairs[same]))
    begins = np.concatenate((starts, starts[:-1][same]))
    stops = np.concatenate((ends, ends[1:][same]))
    return begins, stops, _bucket(keys)


def _ngram_features(
    folded: Keys, word: NDArray[np.bool_], dense: NDArray[np.bool_]
) -> Iterator[tuple[Index, Index, Index]]:
    """Character n-grams whose inside lies in one word; their ends may be the gaps around it."""
    hashed = folded[:-1] * power(1) + folded[1:]
    begins = np.flatnonzero(dense[:-1] & dense[1:])
    yield begins, begins + 2, _bucket(mix(hashed[begins] + power(2))) + BUCKETS
    inside = word[1:]
    for size in _NGRAMS:
        hashed = hashed[:-1] * power(1) + folded[size - 1 :]
        inside = inside[:-1] if size == 3 else inside[:-1] & word[size - 2 : len(word) - 1]
        begins = np.flatnonzero(inside)
        yield begins, begins + size, _bucket(mix(hashed[begins] + power(size))) + BUCKETS


def _concept_features(
    lowered: Keys, word: NDArray[np.bool_], dense: NDArray[np.bool_]
) -> tuple[Index, Index, Index]:
    begins_word = word.copy()
    begins_word[1:] &= ~word[:-1]
    at = np.flatnonzero(begins_word | dense)
    begins, stops, which = concepts().find(lowered, Prefixes(lowered), at)
    return begins, stops, which + 2 * BUCKETS


def _bucket(keys: Keys) -> Index:
    return (keys >> np.uint64(64 - 18)).astype(np.int64)
