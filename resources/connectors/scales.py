"""Rating scales: where a source's own score lies between worst (0) and best (1).

Belongs here: scales as numbers, scales as people write them ("1=very good .. 5=very poor").
Does not belong here: which field holds a score (the connectors) and which words mean good
(`survey_columns.yaml`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from resources.connectors.fields import number

_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?|(?<=\.\.)\d+(?:\.\d+)?")
_WORD = re.compile(r"[^\W\d_]+")
_RANGE_WORDS = frozenset({"to", "bis", "à", "a", "up"})
_LONGEST_SCALE = 300


@dataclass(frozen=True, slots=True)
class Scale:
    """Scores from `low` to `high`; `written` is how the source words the scale.

    `best` is the end that is best, or None where the wording leaves the direction open: a score
    on such a scale is kept as written and not normalised.
    """

    low: float
    high: float
    best: float | None
    written: str

    def rate(self, record: Mapping[str, Any], key: str) -> tuple[float | None, str | None]:
        """The score under `key` as (0 worst to 1 best, "4 of 1..5"); (None, None) if blank.

        A score outside of the scale is kept as written, without a normalised value: the
        customer's words are good even where the score beside them is not. Raises
        `UnreadableItem` with wrong_type where it is no number.
        """
        score = number(record, key)
        if score is None:
            return None, None
        if not self.low <= score <= self.high:
            return None, f"{score:g} outside of {self.written}"
        original = f"{score:g} of {self.written}"
        if self.best is None:
            return None, original
        from_worst = score - self.low if self.best == self.high else self.high - score
        return from_worst / (self.high - self.low), original


STARS = Scale(low=1.0, high=5.0, best=5.0, written="1..5")


@lru_cache(maxsize=512)
def parse_scale(
    written: str, better: frozenset[str] = frozenset(), worse: frozenset[str] = frozenset()
) -> Scale | None:
    """The scale that `written` describes, or None if it names no two different numbers.

    Reads the first and last number and the label that goes with each, so ranges
    (``0=worst .. 10=best``, ``1-5``, ``poor (1) to good (5)``) and full lists
    (``1=bad, 2=fair, 3=good``) both work. `better` and `worse` are lower-case words that tell
    which end is best; a label with both counts as worse ("not good"). Without labels, more is
    better; with labels that hold no known word the direction stays open.
    """
    if len(written) > _LONGEST_SCALE:
        return None
    numbers = list(_NUMBER.finditer(written))
    if len(numbers) < 2:
        return None
    low, high = float(numbers[0].group()), float(numbers[-1].group())
    if low == high or not (math.isfinite(low) and math.isfinite(high)):
        return None
    leading = written[: numbers[0].start()]
    if _WORD.search(leading):
        low_label, high_label = leading, written[numbers[-2].end() : numbers[-1].start()]
    else:
        low_label = written[numbers[0].end() : numbers[1].start()]
        high_label = written[numbers[-1].end() :]
    first, last = _tone(low_label, better, worse), _tone(high_label, better, worse)
    best: float | None
    if first != last:
        best = low if first > last else high
    elif _labelled(low_label) or _labelled(high_label):
        best = None
    else:
        best = max(low, high)
    return Scale(min(low, high), max(low, high), best, written.strip())


def _tone(label: str, better: frozenset[str], worse: frozenset[str]) -> int:
    words = set(_WORD.findall(label.lower()))
    if words & worse:
        return -1
    return 1 if words & better else 0


def _labelled(label: str) -> bool:
    """Whether `label` says more than the "to" of a range."""
    return any(word not in _RANGE_WORDS for word in _WORD.findall(label.lower()))
