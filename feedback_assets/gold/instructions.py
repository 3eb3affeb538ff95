"""Passages of a text that speak to the machine that reads it, or pretend to be its work.

Belongs here: finding them and blanking them, so that later steps read only what the customer says.
Does not belong here: what a disguised text reads as (`disguises`), words and grammar in so many
languages (instruction_patterns.yaml), and what to do about an attempt.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from feedback_assets.gold.disguises import View, decoded, is_prose, rot13, undisguised, view
from feedback_assets.gold.instruction_gate import ALL, Look, looks
from feedback_assets.gold.instruction_grammar import (
    DENSE,
    LIGHT,
    Tagged,
    grammar,
    points,
    tagged,
    worth,
)
from feedback_assets.gold.instruction_sieve import TURNED_WORDS

Span = tuple[int, int]

_ATTEMPT, _BESIDE, _DISGUISED = 3.0, 1.5, 2.5
"""Points: of an attempt, of what belongs to one beside it, and for words that were disguised."""
_LONGEST, _PAGE = 400, 4000
"""Characters after which a sentence without a stop, and a long text, are cut: time stays linear."""
_LONG_LEAD, _ORDER = 8, 80
"""Words before an attempt that are no part of it; characters that may tell to decode a blob."""
_BREAK = re.compile(
    r"(?<!\W\w)\.[\"'»”’)\]]*(?=\s|$)|[!?…।؟]+[\"'»”’)\]]*(?=\s|$)"
    rf"|[。！？!?][」』）)]*(?=[{DENSE}\s]|$)|。[」』）]*|\n+|\s(?:[—–]|--+)\s"
    r"|[\U0001f300-\U0001faff☀-☄☇-⛿✀-➿]+\s*"
)
_BLOCK = re.compile(
    r"<!--[^<>]{0,800}-->|<<[^<>\n]{1,400}>>(?:\s*<<[^<>\n]{1,400}>>)*"
    r"|\[\[?[^\[\]]{1,800}\]\]?|\{\{[^{}]{1,800}\}\}|\([^()]{4,600}\)|【[^【】]{1,600}】"
    r"|#{2,}[^#\n]{1,600}#{2,}|\*{2,}[^*\n]{1,600}\*{2,}|/\*[^*]{1,800}\*/"
    r"|^[ \t]*(?://|#|--|%|;)[^\n]{1,600}$",
    re.MULTILINE,
)


def attempts(text: str) -> list[Span]:
    """Spans (code points, end exclusive, in order, disjoint) of what addresses the reading machine.

    Whole passages: instructions to it, notes to or about its work, records and examples that
    pretend to be its output, and the same disguised or encoded.
    """
    return attempts_in([text])[0]


def attempts_in(texts: Sequence[str]) -> list[list[Span]]:
    """`attempts` of each text; texts with nothing of the kind cost next to nothing."""
    found: list[list[Span]] = [[] for _ in texts]
    for at, look in enumerate(looks(texts)):
        if look:
            text = texts[at]
            found[at] = _attempts(text, look) if len(text) <= _PAGE else _paged(text)
    return found


def without(text: str, spans: Sequence[Span]) -> str:
    """`text` with the spans blanked: same length, newlines kept, so offsets elsewhere hold."""
    pieces, done = [], 0
    for start, end in spans:
        blank = "".join("\n" if each == "\n" else " " for each in text[start:end])
        pieces += [text[done:start], blank]
        done = end
    return "".join([*pieces, text[done:]])


def _paged(text: str) -> list[Span]:
    """The attempts of a long text, read page by page, most of which say nothing to a machine."""
    cuts = [0]
    while len(text) - cuts[-1] > _PAGE:
        low, high = cuts[-1] + _PAGE // 2, cuts[-1] + _PAGE
        stop = max(text.rfind("\n", low, high), text.rfind(". ", low, high)) + 1
        cuts.append(stop or high)
    pages = [text[start:end] for start, end in pairwise([*cuts, len(text)])]
    found: list[Span] = []
    for cut, page, look in zip(cuts, pages, looks(pages), strict=True):
        found += [
            (cut + start, cut + end) for start, end in (_attempts(page, look) if look else ())
        ]
    return _joined(text, found)


def _attempts(text: str, look: int, depth: int = 0) -> list[Span]:
    plain = view(text)
    found = _passages(plain, look)
    hidden = undisguised(plain) if look & Look.DISGUISE else None
    if hidden is not None:
        found += _passages(hidden, looks([hidden.words])[0])
    if look & Look.BLOB and depth < 2:
        for start, end, said in decoded(text):
            weight = points(tagged(view(said)).letters[:_LONGEST])
            if weight >= 1 or is_prose(said) or _attempts(said, ALL, depth + 1):
                found.append(_with_its_order(plain, start, end))
    if look & Look.TURNED:
        found += _turned(plain)
    return _joined(text, found)


def _passages(seen: View, look: int) -> list[Span]:
    """The attempts in one reading of a text."""
    shapes = list(_shapes(seen.words)) if look & (Look.WORDS | Look.SHAPE) else []
    if not shapes and not look & Look.WORDS:
        return []
    words = tagged(seen)
    if not shapes and not worth(words.letters):
        return []
    blocks = {
        (start, end)
        for start, end, weight in [*shapes, *_brackets(seen.words)]
        if _score(seen, words, start, end) + weight >= _ATTEMPT
    }
    pieces = list(_pieces(seen.words, blocks))
    scores = [_ATTEMPT if piece in blocks else _score(seen, words, *piece) for piece in pieces]
    kept = [score >= _ATTEMPT for score in scores]
    for at in range(1, len(pieces)):
        beside = scores[at] >= _BESIDE or _echoes(seen.words, *pieces[at - 1 : at + 1])
        kept[at] = kept[at] or (kept[at - 1] and beside)
    for at in reversed(range(len(pieces) - 1)):
        if kept[at + 1] and scores[at] >= _BESIDE:
            kept[at] = True
    return [
        seen.span(start if (start, end) in blocks else _begin(words, start, end), end)
        for (start, end), keep in zip(pieces, kept, strict=True)
        if keep
    ]


def _echoes(words: str, before: Span, piece: Span) -> bool:
    """Whether a sentence only takes up words of the one before it."""
    long = re.findall(r"[^\W_]{4,}", words[slice(*piece)])
    return bool(long) and all(word in words[slice(*before)] for word in long)


def _begin(words: Tagged, start: int, end: int) -> int:
    """Where in a sentence its attempt begins: after a clause, or many words, that say nothing."""
    first, last = bisect_left(words.starts, start), bisect_left(words.starts, end)
    letters = words.letters[first:last]
    lead = len(letters) - len(letters.lstrip(LIGHT))
    cut = letters.rfind(",", 0, lead) + 1 or lead
    if lead - cut > 3:
        cut = lead
    if cut < _LONG_LEAD or points(letters[cut:]) < _ATTEMPT:
        return start
    return words.starts[first + cut]


def _brackets(words: str) -> Iterator[tuple[int, int, float]]:
    for match in _BLOCK.finditer(words):
        yield *match.span(), 1.0


def _shapes(words: str) -> Iterator[tuple[int, int, float]]:
    for form in grammar().forms:
        if any(hint in words for hint in form.hints):
            for match in form.pattern.finditer(words):
                yield *match.span(), form.points


def _pieces(words: str, blocks: Collection[Span]) -> Iterator[Span]:
    """Sentences, lines and blocks, in order; what has no stop is cut at a blank."""
    cuts = {0, len(words), *(match.end() for match in _BREAK.finditer(words))}
    merged: list[Span] = []
    for start, end in sorted(blocks):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    for start, end in merged:
        cuts -= set(range(start + 1, end))
        cuts |= {start, end}
    for start, end in pairwise(sorted(cuts)):
        while end - start > _LONGEST and (start, end) not in merged:
            blank = words.rfind(" ", start + _LONGEST // 2, start + _LONGEST)
            yield start, (blank if blank > 0 else start + _LONGEST)
            start = blank if blank > 0 else start + _LONGEST
        yield start, end


def _score(seen: View, words: Tagged, start: int, end: int) -> float:
    first, last = bisect_left(words.starts, start), bisect_left(words.starts, end)
    weight = points(words.letters[first:last])
    places = range(first, last if weight and seen.changed else first)
    known = (at for at in places if words.letters[at].isalpha())
    changed = any(_was_changed(seen, *words.starts[at : at + 2]) for at in known)
    return weight + _DISGUISED * changed


def _was_changed(seen: View, start: int, end: int | None = None) -> bool:
    """Whether a disguise was undone in the word from `start` to the next word."""
    low, high = seen.span(start, len(seen.words) if end is None else end)
    at = bisect_left(seen.changed, low)
    return at < len(seen.changed) and seen.changed[at] < high


def _with_its_order(plain: View, start: int, end: int) -> Span:
    """A blob's span, with the rest of its sentence if that tells what to do with it."""
    for piece in _pieces(plain.words, ()):
        low, high = plain.span(*piece)
        if (
            low <= start < high <= end + _ORDER
            and "X" in tagged(view(plain.text[end:high])).letters
        ):
            return start, high
    return start, end


def _turned(plain: View) -> list[Span]:
    """Sentences that say something to the machine backwards or in rot13."""
    found = []
    for start, end in _pieces(plain.words, ()):
        words, origin = plain.words[start:end], plain.origin[start:end]
        for turned, places in ((words[::-1], origin[::-1]), (rot13(words), origin)):
            signs = len(_TURNED.findall(turned))
            seen = View(plain.text, turned, places, [])
            if signs >= 3 or (signs and points(tagged(seen).letters) >= _BESIDE):
                found.append(seen.span(0, len(turned)))
    return found


_TURNED = re.compile(rf"(?<![a-z])(?:{'|'.join(sorted(TURNED_WORDS))})(?![a-z])")


def _joined(text: str, found: list[Span]) -> list[Span]:
    """The spans in order, those that touch joined, blanks at their ends left out."""
    spans: list[Span] = []
    for start, end in sorted(found):
        while end > start and text[end - 1].isspace():
            end -= 1
        while start < end and text[start].isspace():
            start += 1
        if spans and (start <= spans[-1][1] or text[spans[-1][1] : start].isspace()):
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        elif start < end:
            spans.append((start, end))
    return spans
