"""Words and grammar of instructions to a machine, in many languages, and how much they weigh.

Belongs here: reading instruction_patterns.yaml, giving each word of a text its letter, weighing a
row of letters, and telling in bulk which texts are worth that at all.
Does not belong here: which passage of a text is weighed (`instructions`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

import yaml

from feedback_assets.gold.disguises import View, fold

DENSE = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
"""Kana, Han and Hangul, in a character class: words begin anywhere."""

LIGHT = '.,:=()*#"ABDOPTYmuz'
"""Letters and signs that alone say nothing to a machine."""

_LETTER = rf"[^\W_{DENSE}]"
_SIGNS = {
    **dict.fromkeys('"»«“”„「」『』', '"'),
    **dict.fromkeys(",;—–|、\n/", ","),
    **dict.fromkeys("([{<【", "("),
    **dict.fromkeys(")]}>】", ")"),
    **dict.fromkeys("★⭐", "*"),
    **{"→": "=", "=": "=", ":": ":"},
}
_TOKEN = re.compile(rf"({_LETTER}+)|([{DENSE}]+)|[-=]>|[{re.escape(''.join(_SIGNS))}]+")
_RUN = 2
_DENSE_START = re.compile(f"[{DENSE}]")
_BLANKS = str.maketrans("\n-_", "   ")


class Form(NamedTuple):
    """A shape of text, its points, and what a text must hold (one of these) for it to be sought."""

    pattern: re.Pattern[str]
    points: float
    hints: tuple[str, ...]


class Tagged(NamedTuple):
    """The words and signs of a view: a letter each, and where each starts."""

    letters: str
    starts: list[int]


class Grammar(NamedTuple):
    """instruction_patterns.yaml, compiled. `rules` weigh letters, `forms` find shapes of text."""

    words: dict[str, re.Pattern[str]]
    phrases: dict[str, re.Pattern[str]]
    stems: dict[str, str]
    letter_of: dict[str, str]
    capitals: frozenset[str]
    rules: tuple[tuple[re.Pattern[str], float], ...]
    forms: tuple[Form, ...]
    worth: tuple[frozenset[str], ...]


@cache
def grammar() -> Grammar:
    """The grammar. Raises `ValueError` where a stem stands under two letters."""
    patterns: dict[str, Any] = yaml.safe_load(
        (files(__package__) / "instruction_patterns.yaml").read_text(encoding="utf-8")
    )
    letter_of: dict[str, str] = {}
    capitals: set[str] = set()
    stems: dict[str, str] = {}
    for name, words in patterns["words"].items():
        for word in filter(None, (part.strip() for part in words.split(","))):
            for stem in map(_closed, _with_articles(fold(word))):
                key = stem.rstrip("_").translate(_BLANKS)
                if letter_of.setdefault(key, name[0]) != name[0]:
                    raise ValueError(
                        f"instruction_patterns.yaml: {word!r} stands under {letter_of[key]} and "
                        f"{name}: drop one"
                    )
                stems[stem] = name[0]
                if word.isupper() and word[0] < "\u0500":
                    capitals.add(key)
    return Grammar(
        _tries(stems, phrases=False),
        _tries(stems, phrases=True),
        stems,
        letter_of,
        frozenset(capitals),
        tuple((re.compile(rule["when"]), float(rule["points"])) for rule in patterns["rules"]),
        tuple(
            Form(re.compile(form["find"], re.MULTILINE), float(form["points"]), tuple(form["has"]))
            for form in patterns["forms"]
        ),
        tuple(frozenset(group) for line in patterns["worth"] for group in line),
    )


def dense_start(stem: str) -> bool:
    """Whether `stem` begins in a script that puts no space between words."""
    return _DENSE_START.match(stem) is not None


def tagged(seen: View) -> Tagged:
    """Each word's letter ("." if it has none) and each sign's."""
    found: list[tuple[str, int]] = []
    phrases, capitals = grammar().phrases, grammar().capitals
    done = 0
    for match in _TOKEN.finditer(seen.words):
        start, end = match.span()
        if match.lastindex == _RUN:
            done = _tag_run(seen, max(start, done), end, found)
        elif start >= done:
            token = match.group()
            phrase = phrases[token].match(seen.words, start) if token in phrases else None
            if phrase:
                found.append((_letter(phrase.group()), start))
                done = phrase.end()
            elif token in capitals and not _shouted(seen, start, end):
                found.append((".", start))
            else:
                found.append((_word_letter(token), start))
    return Tagged("".join([letter for letter, _ in found]), [start for _, start in found])


@lru_cache(maxsize=1 << 16)
def _word_letter(token: str) -> str:
    """The letter of a word or sign that stands alone."""
    if not token[0].isalnum():
        return _sign(token)
    trie = grammar().words.get(token[:2])
    known = trie.match(token) if trie else None
    return _letter(known.group()) if known else _sign(token)


def _tag_run(seen: View, start: int, end: int, found: list[tuple[str, int]]) -> int:
    """Tag a run without spaces, an unknown letter for up to three characters; where it was left."""
    tries = grammar().words
    unknown = 0
    while start < end:
        trie = tries.get(seen.words[start])
        known = trie.match(seen.words, start) if trie else None
        if known:
            found.append((_letter(known.group()), start))
        elif unknown % 3 == 0:
            found.append((".", start))
        unknown = 0 if known else unknown + 1
        start = known.end() if known else start + 1
    return start


def _letter(stem: str) -> str:
    return grammar().letter_of[stem.translate(_BLANKS)]


@lru_cache(maxsize=8192)
def points(letters: str) -> float:
    """How much a passage of these letters looks like an instruction to a machine."""
    if not letters.strip(LIGHT):
        return 0.0
    return sum(weight for pattern, weight in grammar().rules if pattern.search(letters))


def worth(letters: str) -> bool:
    """Whether the rules can say anything about these letters."""
    return _worth(frozenset(letters))


@lru_cache(maxsize=8192)
def _worth(letters: frozenset[str]) -> bool:
    return any(group <= letters for group in grammar().worth)


def _sign(token: str) -> str:
    for strong in "=:":
        if strong in token:
            return strong
    return _SIGNS.get(token[0]) or ("#" if token.isdigit() else ".")


def _shouted(seen: View, start: int, end: int) -> bool:
    """Whether a word stands in capitals, and is not the end of French "J'AI"."""
    first, last = seen.span(start, end)
    french = seen.words[start:end] == "ai" and seen.words[start - 1 : start] == "'"
    return seen.text[first:last].isupper() and not french


def _with_articles(stem: str) -> list[str]:
    """The stem, and in Arabic also with what is written onto words: the article, "and", "to"."""
    if not "\u0600" <= stem[0] <= "\u06ff":
        return [stem]
    first, *rest = stem.split(" ")
    tails = [stem]
    if rest:
        tails.append(" ".join([first, *("ال" + word for word in rest)]))
    before = ("", "ال", "لل", "ل", "ب", "و", "بال", "وال")
    return [prefix + tail for prefix in before for tail in tails]


def _closed(stem: str) -> str:
    """The stem; where it ends in a little word, as if "_" told that this word ends there."""
    *before, last = re.split(r"[\W_]+", stem.rstrip("_"))
    return stem.rstrip("_") + "_" if before and len(last) < 3 else stem


def _tries(stems: Iterable[str], phrases: bool) -> dict[str, re.Pattern[str]]:
    """What matches phrases, by their first word, or else words, by their first two letters.

    Stems of dense scripts are among the words, by their first letter.
    """
    groups: dict[str, list[str]] = {}
    for stem in stems:
        first, *rest = re.split(r"[\W_]", stem.rstrip("_"))
        if not phrases and dense_start(stem):
            groups.setdefault(stem[0], []).append(stem.rstrip("_"))
        elif bool(rest) == phrases and not dense_start(stem):
            groups.setdefault(first if phrases else first[:2], []).append(stem)
    end = r"\b" if phrases else r"\Z"
    return {first: re.compile(_trie(group, end)) for first, group in groups.items()}


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
