"""Passages that read as if they spoke to the machine, by a model learned from labelled attempts.

Belongs here: the learned second opinion beside `instructions`' grammar: training, keeping,
scoring passages. Does not belong here: what becomes of a suspect item (`reading`).

Grammar is sure of what it finds and misses what is put in new words; this model is unsure and
misses less. So what only it finds is doubt: the item is a person's, and is shown to no language
model.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from feedback_assets.gold.features import BUCKETS, chunks, feature_count, read
from feedback_assets.gold.vocabulary import Vocabulary, fit_vocabulary

Span = tuple[int, int]
FALSE_ALARMS = 0.02
"""Share of ordinary items that may be called suspect; their price is a person's look."""
_PASSAGE = re.compile(r"[^.!?。！？\n]+[.!?。！？\n]*")
FEWEST_LETTERS = 20
"""Shorter passages are left alone: hardly any instructs, and short praise looks like it."""
_STRENGTH, _FOLDS = 20.0, 5
_SCALES = (1.0, 1.0, 0.0)
FILE = "suspicion"


@dataclass(frozen=True)
class Suspicion:
    """A linear model over a passage's features; one that scores above `threshold` is suspect."""

    version: str
    vocabulary: Vocabulary
    weights: NDArray[np.float32]
    bias: float
    threshold: float

    def spans(self, texts: Sequence[str]) -> list[list[Span]]:
        """The suspect passages of each text, in order."""
        cut = [passages(text) for text in texts]
        owners = np.repeat(np.arange(len(texts)), [len(own) for own in cut])
        flat = [texts[row][a:b] for row, own in enumerate(cut) for a, b in own]
        found: list[list[Span]] = [[] for _ in texts]
        places = [span for own in cut for span in own]
        for place in np.flatnonzero(self.scores(flat) > self.threshold).tolist():
            found[owners[place]].append(places[place])
        return found

    def scores(self, passages_: Sequence[str]) -> NDArray[np.float64]:
        """The score of each passage."""
        parts = [
            self.vocabulary.weigh(read(passages_[first:last])) @ self.weights + self.bias
            for first, last in chunks(passages_)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)


def passages(text: str) -> list[Span]:
    """Sentences and lines of at least `FEWEST_LETTERS` letters."""
    return [
        found.span()
        for found in _PASSAGE.finditer(text)
        if len(found.group()) >= FEWEST_LETTERS
        and sum(map(str.isalpha, found.group())) >= FEWEST_LETTERS
    ]


def train(examples: Sequence[Mapping[str, Any]]) -> Suspicion:
    """A model from examples whose `attempt` marks the passages that try to instruct.

    The threshold is the lowest that calls at most `FALSE_ALARMS` of the ordinary examples
    suspect, scored by models that have not seen them. With fewer than ten attempts nothing is
    ever suspect.
    """
    rows = [row for row in examples if row.get("attempt") or "injection" not in row["traits"]]
    texts, owners, truth = _passages_of(rows)
    version = version_of(examples)
    if truth.sum() < 10:
        empty = fit_vocabulary([read(texts or ["-"])], 1, _SCALES)
        none = np.zeros(len(empty.idf), np.float32)
        return Suspicion(version, empty, none, 0.0, float("inf"))
    with threadpool_limits(limits=1):
        worst = np.full(len(rows), -np.inf)
        folds = np.arange(len(rows)) % _FOLDS
        for fold in range(_FOLDS):
            held = folds[owners] == fold
            model = _fit([texts[i] for i in np.flatnonzero(~held)], truth[~held], version)
            scores = model.scores([texts[i] for i in np.flatnonzero(held)])
            np.maximum.at(worst, owners[held], scores)
        ordinary = np.array(["injection" not in row["traits"] for row in rows])
        threshold = float(np.quantile(worst[ordinary], 1 - FALSE_ALARMS))
        whole = _fit(texts, truth, version)
    return Suspicion(version, whole.vocabulary, whole.weights, whole.bias, threshold)


def _passages_of(
    rows: Sequence[Mapping[str, Any]],
) -> tuple[list[str], NDArray[np.int64], NDArray[np.bool_]]:
    """Every passage, the row it is of, and whether most of it is an attempt."""
    texts, owners, truth = [], [], []
    for row, example in enumerate(rows):
        text = example["text"]
        marked = np.zeros(len(text), dtype=np.bool_)
        for attempt in example.get("attempt", ()):
            start = text.find(attempt)
            marked[start : start + len(attempt)] = True
        for start, end in passages(text):
            texts.append(text[start:end])
            owners.append(row)
            truth.append(bool(marked[start:end].mean() > 0.5))
    return texts, np.array(owners, dtype=np.int64), np.array(truth, dtype=np.bool_)


def _fit(texts: Sequence[str], truth: NDArray[np.bool_], version: str) -> Suspicion:
    read_all = [read(texts[first:last]) for first, last in chunks(texts)]
    vocabulary = fit_vocabulary(read_all, 2, _SCALES)
    matrix: csr_matrix = vstack([vocabulary.weigh(passage) for passage in read_all]).tocsr()
    fitted = LogisticRegression(C=_STRENGTH, solver="liblinear", random_state=0).fit(matrix, truth)
    weights = fitted.coef_[0].astype(np.float32)
    return Suspicion(version, vocabulary, weights, float(fitted.intercept_[0]), float("inf"))


def version_of(examples: Sequence[Mapping[str, Any]]) -> str:
    """The name of the model that training on `examples` makes: a hash of data and code."""
    digest = hashlib.sha256()
    for row in examples:
        known = [row["text"], list(row.get("attempt", ())), "injection" in row["traits"]]
        digest.update(json.dumps(known, ensure_ascii=False).encode())
    for name in ("suspicion.py", "features.py", "letters.py", "rolling.py", "vocabulary.py"):
        digest.update((files(__package__) / name).read_bytes())
    return f"{FILE}-{digest.hexdigest()[:12]}"


def save(model: Suspicion, folder: Path) -> Path:
    """Write ``<version>.npz``; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{model.version}.npz"
    kept = np.flatnonzero(model.vocabulary.columns >= 0).astype(np.int32)
    drafted = path.with_suffix(".new.npz")
    # Packed first: an archive is not written in one go, and mounted volumes take nothing else.
    packed = io.BytesIO()
    np.savez_compressed(
        packed, allow_pickle=False, buckets=kept, idf=model.vocabulary.idf,
        weights=model.weights, decide=np.array([model.bias, model.threshold]),
    )  # fmt: skip
    drafted.write_bytes(packed.getvalue())
    drafted.replace(path)
    return path


@functools.lru_cache(maxsize=2)
def load(path: Path) -> Suspicion:
    """The model saved at `path`."""
    with np.load(path, allow_pickle=False) as stored:
        kept = stored["buckets"]
        columns = np.full(feature_count(), -1, dtype=np.int32)
        columns[kept] = np.arange(len(kept))
        blocks = np.minimum(kept // BUCKETS, 2).astype(np.uint8)
        scales = np.asarray(_SCALES, dtype=np.float32)
        vocabulary = Vocabulary(columns, stored["idf"], blocks, scales)
        bias, threshold = stored["decide"].tolist()
        return Suspicion(path.stem, vocabulary, stored["weights"], bias, threshold)
