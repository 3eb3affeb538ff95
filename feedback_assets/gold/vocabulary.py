"""The features that a trained model keeps, and texts as weighted rows of them.

Belongs here: pruning, weights of features in a text, and where each occurs in it.
Does not belong here: finding features (`features`) and what one speaks for (`classifier`).

Weights follow Salton and Buckley (1988): 1 + log tf, times smoothed idf, each block of features
scaled to a length of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from feedback_assets.gold.features import BUCKETS, Index, Passage, feature_count

Floats = NDArray[np.float32]


class Occurrences(NamedTuple):
    """Where kept features occur in a chunk: text, column, place, and what each one adds.

    `value` is the feature's weight in its row, shared evenly by its occurrences there.
    """

    rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    value: Floats


@dataclass(frozen=True)
class Vocabulary:
    """The features kept from training: `columns[bucket]` is a column or -1; `idf` by column.

    `blocks` names each column's block and `scales` each block's length in a row.
    """

    columns: NDArray[np.int32]
    idf: Floats
    blocks: NDArray[np.uint8]
    scales: Floats

    def weigh(self, passage: Passage) -> csr_matrix:
        """A chunk's rows (texts, columns)."""
        cells = self._cells(passage)[1]
        cells.sort()
        first, counts = _runs(cells)
        return self._rows(len(passage.layout.lengths), cells[first], counts)[0]

    def occurrences(self, passage: Passage) -> tuple[csr_matrix, Occurrences]:
        """A chunk's rows, and the occurrences they are made of."""
        known, cells = self._cells(passage)
        order = np.argsort(cells)
        cells = cells[order]
        first, counts = _runs(cells)
        matrix, values = self._rows(len(passage.layout.lengths), cells[first], counts)
        known, columns = known[order], np.repeat(matrix.indices, counts)
        return matrix, Occurrences(
            passage.rows[known].astype(np.int32),
            columns,
            passage.starts[known].astype(np.int32),
            passage.ends[known].astype(np.int32),
            np.repeat(values / counts.astype(np.float32), counts),
        )

    def _cells(self, passage: Passage) -> tuple[Index, Index]:
        """Which occurrences are of kept features, and each one's place, row by row."""
        columns = self.columns[passage.buckets]
        known = np.flatnonzero(columns >= 0)
        return known, passage.rows[known] * len(self.idf) + columns[known]

    def _rows(self, height: int, cells: Index, counts: Index) -> tuple[csr_matrix, Floats]:
        rows, columns = np.divmod(cells, max(len(self.idf), 1))
        values = (1 + np.log(counts)).astype(np.float32) * self.idf[columns]
        slots = rows * 3 + self.blocks[columns]
        squares = np.bincount(slots, weights=values * values, minlength=height * 3)
        lengths = np.sqrt(np.where(squares > 0, squares, 1)).reshape(height, 3)
        values = values * (self.scales / lengths).astype(np.float32).reshape(-1)[slots]
        pointers = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=height))))
        shape = (height, len(self.idf))
        return csr_matrix((values, columns.astype(np.int32), pointers), shape=shape), values


def _runs(cells: Index) -> tuple[Index, Index]:
    """Where each run of equal cells begins, and how long it is."""
    first = np.flatnonzero(np.concatenate(([True], cells[1:] != cells[:-1]))[: len(cells)])
    return first, np.diff(np.append(first, len(cells)))


def fit_vocabulary(
    passages: Sequence[Passage], at_least: int, scales: Sequence[float]
) -> Vocabulary:
    """The features that occur in `at_least` texts (concepts: in one), with smoothed idf.

    idf = log((1 + n) / (1 + df)) + 1, over the n texts of all `passages`.
    """
    height = sum(len(passage.layout.lengths) for passage in passages)
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
