"""Where and when something fails, as the text says it.

Belongs here: finding phrases of place (screen, page, step, device), of time, and versions, by the
words of circumstances.yaml. Does not belong here: what fails (`root_cause`).

Phrases begin at known words, so that only a look-up is spent on each word of a text.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import yaml

from feedback_assets.gold.findings import Span

LONGEST_PHRASE = 60
VERSION = re.compile(
    r"\b(?:v\.?\s?|version\s|versión\s|versão\s|versione\s|versie\s|wersj\w\s|Version\s)?"
    r"\d{1,4}\.\d{1,4}\.\d{1,5}\b"
    r"|\b(?:v\.?\s?|(?:version|versión|versão|versione|versie|wersj\w|iOS|Android|Windows|macOS)\s)"
    r"\d{1,4}(?:\.\d{1,4})?\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+")
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")
_DOTTED = re.compile(r"\d\.\d")
_VERSIONED = ("versi", "versã", "wersj", "ios ", "android ", "windows ", "macos ", " v")
"""Without one of these a text names no version; looking for them is the faster."""


class Circumstances(NamedTuple):
    """Spans of the first phrase of place, of time, and of a version; None where not said."""

    place: Span | None
    time: Span | None
    version: Span | None


class _Lexicon(NamedTuple):
    starts: dict[str, list[tuple[str, re.Pattern[str]]]]
    unspaced: dict[str, re.Pattern[str]]


def circumstances(text: str) -> Circumstances:
    """The first of each kind that the text says; a version's phrase of time is not told twice."""
    found: dict[str, Span] = {}
    lexicon = _lexicon()
    rules_of = lexicon.starts.get
    lowered = text.lower()
    # Where lower case is longer (Turkish İ), places would shift.
    for word in _WORD.finditer(lowered if len(lowered) == len(text) else text):
        rules = rules_of(word[0])
        if rules is None:
            continue
        for kind, then in rules:
            if kind not in found:
                phrase = then.match(text, word.end())
                if phrase and phrase.end() - word.start() <= LONGEST_PHRASE:
                    found[kind] = word.start(), phrase.end()
        if len(found) == 2:
            break
    if len(found) < 2 and _UNSPACED.search(text):
        for kind, phrases in lexicon.unspaced.items():
            phrase = phrases.search(text)
            if phrase and kind not in found:
                found[kind] = phrase.span()
    versioned = _DOTTED.search(text) or any(name in lowered for name in _VERSIONED)
    version = VERSION.search(text) if versioned else None
    return Circumstances(found.get("place"), found.get("time"), version and version.span())


@cache
def _lexicon() -> _Lexicon:
    """Patterns of what follows, by the word a phrase begins with."""
    told = yaml.safe_load((files(__package__) / "circumstances.yaml").read_text(encoding="utf-8"))
    words = {
        mark: re.sub(r"\|\s+", "|", told[name].strip())
        for mark, name in (("<when>", "when"), ("<n>", "number"), ("<unit>", "unit"),
                           ("<place>", "place"))
    }  # fmt: skip
    starts: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    for kind in ("time", "places"):
        for rule in told[kind]:
            pattern = rule["then"]
            for mark, alternatives in words.items():
                pattern = pattern.replace(mark, alternatives)
            then = re.compile(f"(?:{pattern})", re.IGNORECASE)
            for word in rule["starts"].split(","):
                starts.setdefault(word.strip(), []).append((kind.removesuffix("s"), then))
    unspaced = {kind: re.compile(told[f"unspaced_{kind}"]) for kind in ("time", "place")}
    return _Lexicon(starts, unspaced)
