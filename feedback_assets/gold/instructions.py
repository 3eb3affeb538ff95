"""Passages of a text that speak to the machine that reads it, or pretend to be its work.

Belongs here: finding them and blanking them, so that later steps read only what the customer says.
Does not belong here: what a disguised text reads as (`disguises`), words and grammar in so many
languages (instruction_patterns.yaml), and what to do about an attempt.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import yaml
from numpy.typing import NDArray

from feedback_assets.gold.disguises import View, decoded, fold, rot13, undisguised, view

Span = tuple[int, int]

_ATTEMPT = 3.0
_BESIDE = 1.5
_LONGEST = 400
"""Characters after which a passage without a stop is cut, to keep the time linear."""

_DENSE = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_LETTER = rf"[^\W_{_DENSE}]"
_SIGNS = {"→": "=", "»": '"', "«": '"', "“": '"', "”": '"', "„": '"', "「": '"', "」": '"', "『": '"',
          "』": '"', ";": ",", "—": ",", "–": ",", "|": ",", "、": ",", "\n": ",", "/": ",",
          "[": "(", "{": "(", "<": "(", "【": "(", "]": ")", "}": ")", ">": ")", "】": ")",
          ":": ":", "=": "=", '"': '"', ",": ",", "(": "(", ")": ")", "★": "*", "⭐": "*"}  # fmt: skip
_BREAK = re.compile(
    r"(?<!\W\w)\.[\"'»”’)\]]*(?=\s|$)|[!?…।؟]+[\"'»”’)\]]*(?=\s|$)"
    rf"|[。！？!?][」』）)]*(?=[{_DENSE}\s]|$)|。[」』）]*|\n+|\s(?:[—–]|--+)\s"
    r"|[\U0001f300-\U0001faff☀-⛿✀-➿]+\s*"
)
_BLOCK = re.compile(
    r"<!--[^<>]{0,800}-->|<<[^<>\n]{1,400}>>(?:\s*<<[^<>\n]{1,400}>>)*"
    r"|\[\[?[^\[\]]{1,800}\]\]?|\{\{[^{}]{1,800}\}\}|\([^()]{4,600}\)|【[^【】]{1,600}】"
    r"|#{2,}[^#\n]{1,600}#{2,}|\*{2,}[^*\n]{1,600}\*{2,}|/\*[^*]{1,800}\*/"
    r"|^[ \t]*(?://|#|--|%|;)[^\n]{1,600}$",
    re.MULTILINE,
)


class _Tagged(NamedTuple):
    """The words and signs of a view: a letter each, and where each starts."""

    letters: str
    starts: list[int]


class _Grammar(NamedTuple):
    token: re.Pattern[str]
    letter_of: dict[str, str]
    capitals: frozenset[str]
    rules: tuple[tuple[re.Pattern[str], float], ...]
    forms: tuple[tuple[re.Pattern[str], float], ...]
    worth: tuple[frozenset[str], ...]


def attempts(text: str) -> list[Span]:
    """Spans (code points, end exclusive, in order, disjoint) of what addresses the reading machine.

    Whole passages: instructions to it, notes to or about its work, records and examples that
    pretend to be its output, and the same disguised or encoded.
    """
    return attempts_in([text])[0]


def attempts_in(texts: Sequence[str]) -> list[list[Span]]:
    """`attempts` of each text; texts with nothing of the kind cost next to nothing."""
    return [_attempts(text, 0) for text in texts]


def without(text: str, spans: Sequence[Span]) -> str:
    """`text` with the spans blanked: same length, newlines kept, so offsets elsewhere hold."""
    pieces, done = [], 0
    for start, end in spans:
        blank = "".join("\n" if each == "\n" else " " for each in text[start:end])
        pieces += [text[done:start], blank]
        done = end
    return "".join([*pieces, text[done:]])


def _attempts(text: str, depth: int) -> list[Span]:
    plain = view(text)
    found = _passages(plain)
    hidden = undisguised(plain)
    if hidden is not None:
        found += _passages(hidden)
    for start, end, said in decoded(text):
        if depth < 2 and (_points_of(said) >= _BESIDE or _attempts(said, depth + 1)):
            found.append(_with_its_order(plain, start, end))
    found += _turned(plain)
    return _joined(text, found)


def _passages(seen: View) -> list[Span]:
    """The attempts in one reading of a text."""
    tagged = _tagged(seen)
    blocks = [
        (start, end)
        for start, end, points in _blocks(seen.words)
        if _score(seen, tagged, start, end) + points >= _ATTEMPT
    ]
    pieces = list(_pieces(seen.words, blocks))
    scores = [
        _ATTEMPT if (start, end) in blocks else _score(seen, tagged, start, end)
        for start, end in pieces
    ]
    kept = [score >= _ATTEMPT for score in scores]
    order = range(1, len(pieces))
    for at in [*order, *reversed(order)]:
        for here, beside in ((at, at - 1), (at - 1, at)):
            if kept[beside] and scores[here] >= _BESIDE:
                kept[here] = True
    return [seen.span(*piece) for piece, keep in zip(pieces, kept, strict=True) if keep]


def _blocks(words: str) -> Iterator[tuple[int, int, float]]:
    for match in _BLOCK.finditer(words):
        yield *match.span(), 1.0
    for pattern, points in _grammar().forms:
        for match in pattern.finditer(words):
            yield *match.span(), points


def _pieces(words: str, blocks: list[Span]) -> Iterator[Span]:
    """Sentences, lines and blocks, in order; what has no stop is cut at a blank."""
    cuts = {0, len(words), *(match.end() for match in _BREAK.finditer(words))}
    merged: list[Span] = []
    for start, end in sorted(blocks):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    for start, end in merged:
        cuts -= {cut for cut in range(start + 1, end)}
        cuts |= {start, end}
    for start, end in pairwise(sorted(cuts)):
        while end - start > _LONGEST and (start, end) not in merged:
            blank = words.rfind(" ", start + _LONGEST // 2, start + _LONGEST)
            yield start, (blank if blank > 0 else start + _LONGEST)
            start = blank if blank > 0 else start + _LONGEST
        yield start, end


def _score(seen: View, tagged: _Tagged, start: int, end: int) -> float:
    first, last = bisect_left(tagged.starts, start), bisect_left(tagged.starts, end)
    letters = tagged.letters[first:last]
    points = _points(letters)
    if points and seen.changed and first < last:
        origin = seen.origin[start], seen.origin[end - 1]
        at = bisect_left(seen.changed, origin[0])
        if bisect_right(seen.changed, origin[1]) - at >= 3:
            points += 1.5
    return points


@lru_cache(maxsize=4096)
def _points(letters: str) -> float:
    return sum(points for pattern, points in _grammar().rules if pattern.search(letters))


def _points_of(text: str) -> float:
    return _points(_tagged(view(text)).letters[:_LONGEST])


def _tagged(seen: View) -> _Tagged:
    grammar = _grammar()
    letters: list[str] = []
    starts: list[int] = []
    for match in grammar.token.finditer(seen.words):
        stem = match.group(1)
        if stem is not None:
            stem = stem.translate(_BLANKS)
            letter = grammar.letter_of[stem]
            if stem in grammar.capitals and not _shouted(seen, match.start(), len(stem)):
                letter = "."
        else:
            sign = match.group()
            letter = _SIGNS.get(sign[0]) or ("#" if sign.isdigit() else ".")
        letters.append(letter)
        starts.append(match.start())
    return _Tagged("".join(letters), starts)


_BLANKS = str.maketrans("\n-_", "   ")


def _shouted(seen: View, at: int, length: int) -> bool:
    """Whether a word stands in capitals, and is not the end of French "J'AI"."""
    start, end = seen.span(at, at + length)
    return seen.text[start:end].isupper() and not (seen.words[at:at + 2] == "ai" and seen.words[at - 1 : at] == "'")


def _with_its_order(plain: View, start: int, end: int) -> Span:
    """A blob's span, with the rest of its sentence if that tells what to do with it."""
    for piece in _pieces(plain.words, []):
        low, high = plain.span(*piece)
        if low <= start < high and high - end <= 80:
            rest = _tagged(view(plain.text[end:high])).letters
            if "X" in rest:
                return start, high
    return start, end


def _turned(plain: View) -> list[Span]:
    """Sentences that say something to the machine backwards or in rot13."""
    found = []
    for start, end in _pieces(plain.words, []):
        words = plain.words[start:end]
        for turned, places in ((words[::-1], plain.origin[start:end][::-1]), (rot13(words), plain.origin[start:end])):
            if not _TURNED.search(turned):
                continue
            seen = View(plain.text, turned, places, [])
            if _points(_tagged(seen).letters) >= _BESIDE:
                found.append(seen.span(0, len(turned)))
    return found


_TURNED = re.compile(
    r"(?<![a-z])(?:ignore|disregard|classify|instructions?|rules|critical|positive|negative|severity"
    r"|priority|label|mark|prompt|previous|praise|sentiment|message|urgent)(?![a-z])"
)


def _joined(text: str, found: list[Span]) -> list[Span]:
    """The spans in order, overlapping and neighbouring ones as one, without blanks at their ends."""
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


@cache
def _grammar() -> _Grammar:
    """instruction_patterns.yaml, compiled. Raises `ValueError` where a stem has two letters."""
    patterns: dict[str, Any] = yaml.safe_load(
        (files(__package__) / "instruction_patterns.yaml").read_text(encoding="utf-8")
    )
    letter_of: dict[str, str] = {}
    capitals: set[str] = set()
    stems: dict[str, None] = {}
    for name, words in patterns["words"].items():
        for word in filter(None, (part.strip() for part in words.split(","))):
            stem = fold(word)
            key = stem.rstrip("_").translate(_BLANKS)
            if letter_of.setdefault(key, name[0]) != name[0]:
                print(f"{word!r} under {letter_of[key]} and {name[0]}")
                continue
            stems[stem] = None
            if word.isupper() and word[:-1].isascii() or word.rstrip("_") == "ИИ":
                capitals.add(key)
    dense = re.compile(f"[{_DENSE}]")
    spaced_trie = _trie([stem for stem in stems if not dense.match(stem)], f"(?!{_LETTER})")
    dense_trie = _trie([stem.rstrip("_") for stem in stems if dense.match(stem)], "")
    token = re.compile(
        rf"({spaced_trie}|{dense_trie}){_LETTER}*|{_LETTER}+|(?:(?!{dense_trie})[{_DENSE}]){{1,3}}"
        rf"|[-=]>|[{re.escape(''.join(_SIGNS))}]+"
    )
    return _Grammar(
        token,
        letter_of,
        frozenset(capitals),
        tuple((re.compile(rule["when"]), float(rule["points"])) for rule in patterns["rules"]),
        tuple((re.compile(form["find"], re.MULTILINE), float(form["points"])) for form in patterns["forms"]),
        tuple(frozenset(group) for group in patterns["worth"]),
    )


def _trie(stems: Sequence[str], word_end: str) -> str:
    """A regular expression for any of the stems, longest first; a final "_" is `word_end`."""
    tree: dict[str, Any] = {}
    for stem in stems:
        node = tree
        for character in stem.rstrip("_"):
            node = node.setdefault(character, {})
        node["_end" if stem.endswith("_") else "_any"] = {}
    return _written(tree, word_end)


def _written(node: dict[str, Any], word_end: str) -> str:
    branches = [
        ("[ \\n_-]" if character == " " else re.escape(character)) + _written(child, word_end)
        for character, child in node.items()
        if len(character) == 1
    ]
    if "_any" in node:
        branches.append("")
    elif "_end" in node:
        branches.append(word_end)
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
