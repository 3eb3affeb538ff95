"""Tier 1's model: a linear classifier over hashed text features, and what it says of a text.

Belongs here: the model, its scores, and what each feature adds to them. Does not belong here:
how it is learned (`training`), what scores mean (`calibration`), and its file (`model_file`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from feedback_assets.contracts.taxonomy import ROOT_CAUSE_TYPES
from feedback_assets.gold.calibration import Calibration, Prediction, Probabilities
from feedback_assets.gold.features import Index, chunks, read
from feedback_assets.gold.guarantee import Guarantee
from feedback_assets.gold.heads import CAUSE_HEADS
from feedback_assets.gold.scored_texts import Reading, RecentReadings, concepts_of, form_of
from feedback_assets.gold.vocabulary import Floats, Vocabulary

_COMMON_IDF = 1 + np.log(20)
"""A word in one text of twenty, or more, says little to a reader."""


@dataclass(frozen=True)
class TriageClassifier:
    """A trained model; nothing in it but numbers and names.

    `weights` (columns, heads) and `bias` (heads) give scores, `calibration` their probabilities,
    `guarantee` from which confidence a finding stands. `metrics` and `classes` say how good it is
    on examples it did not see: as a whole, and by field and class.
    """

    version: str
    vocabulary: Vocabulary
    weights: Floats
    bias: Probabilities
    calibration: Calibration
    guarantee: Guarantee
    metrics: Mapping[str, float]
    classes: Mapping[str, Mapping[str, Mapping[str, float | None]]]
    parameters: Mapping[str, float]
    _recent: RecentReadings = field(default_factory=RecentReadings, repr=False, compare=False)

    @property
    def thresholds(self) -> Probabilities:
        """The probability from which each category is claimed, (10)."""
        return self.calibration.thresholds

    def readings(self, texts: Sequence[str]) -> Iterator[Reading]:
        """The texts' chunks in order, scored."""
        for first, last in chunks(texts):
            yield self._recent.get(texts[first:last], self._read)

    def predict(
        self, texts: Sequence[str], ratings: Sequence[float | None] | None = None
    ) -> Prediction:
        """What the model says of each text, and its rating where there is one."""
        read_all = list(self.readings(texts)) or [self._read([])]
        known = [np.nan] * len(texts) if ratings is None else ratings
        return self.calibration.judge(
            np.concatenate([reading.scores for reading in read_all]),
            np.concatenate([reading.form for reading in read_all]),
            np.array(known, dtype=np.float64),
        )

    def cause_scores(self, texts: Sequence[str]) -> Probabilities:
        """The scores of `CAUSE_HEADS`, (texts, 7)."""
        known = self._recent.scores(texts)
        missing = [index for index, scores in enumerate(known) if scores is None]
        done = 0
        for reading in self.readings([texts[index] for index in missing]):
            for scores in reading.scores[:, CAUSE_HEADS]:
                known[missing[done]] = scores
                done += 1
        return np.array(known, dtype=np.float64).reshape(len(texts), len(ROOT_CAUSE_TYPES))

    def _read(self, texts: Sequence[str]) -> Reading:
        passage = read(texts)
        matrix, occurrences = self.vocabulary.occurrences(passage)
        columns = self.vocabulary.columns[passage.buckets[: len(passage.layout.word_starts)]]
        return Reading(
            passage.layout,
            occurrences,
            matrix @ self.weights + self.bias,
            form_of(passage.layout),
            concepts_of(passage),
            np.diff(matrix.indptr) > 0,
            (columns < 0) | (self.vocabulary.idf[columns] > _COMMON_IDF),
        )

    def contributions(self, reading: Reading, heads: Index | int) -> Floats:
        """What each of `reading.occurrences` adds to the score of its text's head.

        `heads` is one head number a text, or one for all. Those of one feature share what it adds
        evenly, so a text's sum is its score without the bias.
        """
        found = reading.occurrences
        head = heads if isinstance(heads, int) else heads[found.rows]
        added: Floats = self.weights[found.columns, head] * found.value
        return added
