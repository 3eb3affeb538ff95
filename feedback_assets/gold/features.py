"""Texts as sparse rows: hashed words, word pairs, character n-grams and concepts.

Belongs here: from a batch of texts to weighted features and where each occurs.
Does not belong here: what a feature counts for (`training`, `classifier`).

Everything is computed over the concatenated code points of a batch; no Python loop runs over
n-grams. Weights follow Salton and Buckley (1988): 1 + log tf, times smoothed idf, each block of
features scaled to a length of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from feedback_assets.gold.concepts import concepts
from feedback_assets.gold.letters import GAP, SIGN, WORD, code_points, letters
from feedback_assets.gold.rolling import Keys, Prefixes, mix, power

Index = NDArray[np.int64]
Floats = NDArray[np.float32]

BUCKETS = 1 << 18
"""Buckets of the words, and again of the character n-grams; concepts have one each."""
WORDS, CHARACTERS, CONCEPTS = 0, 1, 2
_NGRAMS = (3, 4, 5)
_CHUNK = 60_000
"""Characters hashed at a time, so that the arrays stay in the processor's cache."""

MASK = re.compile(r"\[[A-Z][A-Z_]*_[0-9a-f]+\]")
"""A token that stands for personal data, as in ``[EMAIL_1a2b3c4d]``."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk of texts, laid end to end.

    `points` are code points (clipped to the letter tables), `rows` the text each feature occurs
    in, `buckets` which feature, `starts` and `ends` where. Text i is `points[offsets[i]:][:n]`
    with n = `lengths[i]`. `word_starts`, `word_ends` and `word_rows` are the words; the first
    features are theirs, in the same order.
    """

    points: Index
    offsets: Index
    lengths: Index
    rows: Index
    buckets: Index
    starts: Index
    ends: Index
    word_starts: Index
    word_ends: Index
    word_rows: Index


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
        points, offsets, lengths, row_at[np.minimum(begins + 1, len(row_at) - 1)], buckets,
        begins, stops, starts, ends, row_at[starts],
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


@dataclass(frozen=True)
class Vocabulary:
    """The features kept from training: `columns[bucket]` is a column or -1; `idf` by column.

    `blocks` names each column's block and `scales` each block's length in a row.
    """

    columns: NDArray[np.int32]
    idf: Floats
    blocks: NDArray[np.uint8]
    scales: Floats

    def weigh(self, passage: Passage) -> tuple[csr_matrix, Floats]:
        """A chunk's rows (texts, columns) and the scale of each row's blocks (texts, 3)."""
        columns = self.columns[passage.buckets]
        known = np.flatnonzero(columns >= 0)
        width = len(self.idf)
        cells = passage.rows[known] * width + columns[known]
        cells.sort()
        first = np.flatnonzero(np.concatenate(([True], cells[1:] != cells[:-1]))[: len(cells)])
        counts = np.diff(np.append(first, len(cells)))
        rows, kept = np.divmod(cells[first], width)
        return self._scaled(len(passage.lengths), rows, kept, counts)

    def _scaled(
        self, height: int, rows: Index, columns: Index, counts: Index
    ) -> tuple[csr_matrix, Floats]:
        values = (1 + np.log(counts)).astype(np.float32) * self.idf[columns]
        slots = rows * 3 + self.blocks[columns]
        squares = np.bincount(slots, weights=values * values, minlength=height * 3)
        lengths = np.sqrt(np.where(squares > 0, squares, 1)).reshape(height, 3)
        scale = (self.scales / lengths).astype(np.float32)
        pointers = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=height))))
        matrix = csr_matrix(
            (values * scale.reshape(-1)[slots], columns.astype(np.int32), pointers),
            shape=(height, len(self.idf)),
        )
        return matrix, scale


def fit_vocabulary(
    passages: Sequence[Passage], at_least: int, scales: Sequence[float]
) -> Vocabulary:
    """The features that occur in `at_least` texts (concepts: in one), with smoothed idf.

    idf = log((1 + n) / (1 + df)) + 1, over the n texts of all `passages`.
    """
    height = sum(len(passage.lengths) for passage in passages)
    frequency = np.zeros(feature_count(), dtype=np.int64)
    for passage in passages:
        seen = np.unique(passage.rows * feature_count() + passage.buckets)
        frequency += np.bincount(seen % feature_count(), minlength=feature_count())
    concept = np.arange(feature_count()) >= 2 * BUCKETS
    kept = np.flatnonzero((frequency >= at_least) | (concept & (frequency > 0)))
    columns = np.full(feature_count(), -1, dtype=np.int32)
    columns[kept] = np.arange(len(kept))
    idf = (np.log((1 + height) / (1 + frequency[kept])) + 1).astype(np.float32)
    blocks = np.minimum(kept // BUCKETS, 2).astype(np.uint8)
    return Vocabulary(columns, idf, blocks, np.asarray(scales, dtype=np.float32))
