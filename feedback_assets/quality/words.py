"""The words of texts, and which of them the training examples have.

Belongs here: what a word is, the known words, and both over Arrow batches. Does not belong here:
the other features (features.py) and what is made of the counts.

A word is a run of letters and marks, casefolded, of two or more characters that begins with a
letter; tokens that stand for personal data are left out. Thai, Lao, Burmese, Khmer, Han and kana
put no space between words, and cutting them properly takes a dictionary a language; there each
pair of neighbouring characters stands for a word, as search indexes do it: pairs repeat where
words do, and new words make new pairs.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path

import orjson
import pyarrow as pa

from feedback_assets.contracts.columns import DATE, INTEGER, STRING

MOST_CHARACTERS = 20_000
"""Characters of a text that are looked at: one endless text costs no more than a long one."""
LONGEST_WORD = 50
"""Characters of a word that are kept: what is longer is no word, and no bin of a profile."""

COUNTS = pa.schema(
    [("day", DATE), ("source", STRING), ("feature", STRING), ("bin", STRING), ("items", INTEGER)]
)
"""Items of one batch by feature and bin; a partition's are the sums over its batches."""

MASKED = r"\[[A-Z][A-Z_]*_[0-9a-f]+\]"
"""A token that stands for personal data, as in ``[EMAIL_1a2b3c4d]``; a regular expression."""

Tally = defaultdict[tuple[date, str, str], Counter[str]]
"""Items by bin, of each day, source and feature."""

_MASKED = re.compile(MASKED)
_PLAIN = re.compile("[a-z]{2,}")
_SPACELESS = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3005, 0x3007),
    (0x3040, 0x30FF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9F),
)
# A character class finds what lies beyond U+FFFF by going through its ranges, so these are few:
# letters with the digits and notes among them (emoji come after), and Han.
_BEYOND, _HAN = r"\U00010000-\U0001efff", r"\U00020000-\U000323af"
_SHARES = ((0, "0%"), (10, "1-10%"), (25, "11-25%"), (50, "26-50%"), (100, "51-100%"))


def words_of(text: str) -> set[str]:
    """The distinct words in the first `MOST_CHARACTERS` of `text`."""
    looked_at = _MASKED.sub(" ", text[:MOST_CHARACTERS]).casefold()
    if looked_at.isascii():
        return {word[:LONGEST_WORD] for word in _PLAIN.findall(looked_at)}
    spaced, spaceless = _patterns()
    words = {word[:LONGEST_WORD] for word in spaced.findall(looked_at)}
    for run in spaceless.findall(looked_at):
        words.update(first + second for first, second in pairwise(run))
    return words


def known_words(golden_set: Path | None) -> frozenset[str] | None:
    """All words of the texts in ``golden_set/train/*.jsonl``; None where there are none.

    Raises `ValueError` naming file and line of what is no example with a text.
    """
    files = sorted((golden_set / "train").glob("*.jsonl")) if golden_set is not None else []
    words: set[str] = set()
    for path in files:
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            if not line.strip():
                continue
            try:
                words |= words_of(orjson.loads(line)["text"])
            except (orjson.JSONDecodeError, KeyError, TypeError) as error:
                raise ValueError(f"{path}:{number}: no example with a text: {error}") from error
    return frozenset(words) or None


def share_unknown(words: set[str], known: frozenset[str]) -> str:
    """The bin of the share of `words` that are not known, in per cent rounded up."""
    if not words:
        return "none"
    percent = -(-100 * len(words - known) // len(words))
    return next(name for most, name in _SHARES if percent <= most)


def with_shares(
    known: frozenset[str] | None,
) -> Callable[[pa.RecordBatch], Iterator[pa.RecordBatch]]:
    """A function from a batch to itself, its last column `text` become `unknown_words`.

    The column is null where nothing is known.
    """

    def replace(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        texts = batch.column("text").to_pylist()
        shares = [known and share_unknown(words_of(text), known) for text in texts]
        names = [name for name in batch.schema.names if name != "text"]
        kept = [batch.column(name) for name in names]
        yield pa.RecordBatch.from_arrays(
            [*kept, pa.array(shares, pa.string())], [*names, "unknown_words"]
        )

    return replace


def word_counter(
    known: frozenset[str] | None,
) -> Callable[[pa.RecordBatch], Iterator[pa.RecordBatch]]:
    """A function from a batch with `day`, `source` and `text` to its `COUNTS`.

    Features are `word`, and `unknown_word` where anything is known; a text counts once a word.
    """

    def count(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        tally: Tally = defaultdict(Counter)
        columns = [batch.column(name).to_pylist() for name in ("day", "source", "text")]
        for day, source, text in zip(*columns, strict=True):
            words = words_of(text)
            tally[day, source, "word"].update(words)
            if known is not None:
                tally[day, source, "unknown_word"].update(words - known)
        yield counts(tally)

    return count


def counts(tally: Tally) -> pa.RecordBatch:
    """A batch of `COUNTS`."""
    rows = [
        (*key, name, items) for key, counter in tally.items() for name, items in counter.items()
    ]
    columns = zip(*rows, strict=True) if rows else [()] * len(COUNTS)
    return pa.RecordBatch.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, COUNTS, strict=True)],
        schema=COUNTS,
    )


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A word of scripts with spaces, and a run of letters of those without."""
    spaceless = {point for first, last in _SPACELESS for point in range(first, last + 1)}
    letters: dict[bool, list[int]] = {True: [], False: []}
    marks: dict[bool, list[int]] = {True: [], False: []}
    for point in range(0x10000):
        kind = unicodedata.category(chr(point))[0]
        if kind in "LM":
            (letters if kind == "L" else marks)[point in spaceless].append(point)
    return _word(letters[False], marks[False], _BEYOND), _word(letters[True], marks[True], _HAN)


def _word(letters: list[int], marks: list[int], more: str) -> re.Pattern[str]:
    return re.compile(f"[{_ranges(letters)}{more}][{_ranges(letters + marks)}{more}]+")


def _ranges(points: Iterable[int]) -> str:
    """The inside of a character class."""
    runs: list[list[int]] = []
    for point in sorted(points):
        if runs and runs[-1][1] == point - 1:
            runs[-1][1] = point
        else:
            runs.append([point, point])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in runs)
