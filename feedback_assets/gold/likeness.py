"""How alike texts are, letter by letter.

Belongs here: finding near-duplicates, so that nothing is judged on what was learned. Does not
belong here: which texts are compared, and complaints that mean the same (triage).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer

NEAR = 0.5
"""Jaccard similarity of character 5-grams from which two texts are near-duplicates: a changed
word in a sentence of ten leaves about 0.7."""
_ROWS = 256


class Nearest(NamedTuple):
    """The text that is most alike: its number, and how alike from 0 to 1."""

    number: int
    similarity: float


def nearest(texts: Sequence[str], others: Sequence[str]) -> list[Nearest | None]:
    """Of each of `texts` the near-duplicate among `others` that is most alike, None without one.

    Equal texts are near-duplicates however short they are; white space and case don't count.
    """
    if not texts or not others:
        return [None] * len(texts)
    known: dict[str, int] = {}
    for place, other in enumerate(others):
        known.setdefault(folded(other), place)
    counter = CountVectorizer(analyzer="char_wb", ngram_range=(5, 5), binary=True)
    # A text of signs alone has no letter; a space makes one 5-gram of it.
    held: csr_matrix = counter.fit_transform([*texts, *others, "letters"]).astype(np.int32)
    left, right = held[: len(texts)], held[len(texts) : -1]
    sizes = np.asarray(held.sum(axis=1)).ravel()
    found: list[Nearest | None] = []
    for start in range(0, len(texts), _ROWS):
        shared = (left[start : start + _ROWS] @ right.T).toarray()
        own = sizes[start : start + shared.shape[0], None]
        alike = shared / np.maximum(own + sizes[None, len(texts) : -1] - shared, 1)
        best = alike.argmax(axis=1)
        for text, number, similarity in zip(
            texts[start:], best.tolist(), alike.max(axis=1).tolist(), strict=False
        ):
            same = known.get(folded(text))
            if same is not None:
                found.append(Nearest(same, 1.0))
            else:
                found.append(Nearest(number, similarity) if similarity >= NEAR else None)
    return found


def folded(text: str) -> str:
    """`text` as it is compared: case and the kind of white space don't count."""
    return " ".join(text.casefold().split())
