"""What a complaint is about, as a sparse unit vector of hashed terms.

Belongs here: how words are found in a masked text, folded, recognised and weighed.
Does not belong here: the vocabulary (`complaint_vocabulary`), who meets whom (`clustering`).

Weights depend on the term's own shape and never on other items, so that a vector computed
today equals the one stored last month. Three kinds of term carry the vector: names and error
codes (heaviest), concepts of the vocabulary (where languages and paraphrases meet), and other
words, whose share is bounded where the first two speak: they tell the incident, not the fault.
"""

from __future__ import annotations

import math
import re
import unicodedata
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from feedback_assets.triage.complaint_vocabulary import (
    DENIED,
    GENERIC,
    NEGATIONS,
    PHRASES,
    SPACELESS,
    STOP_WORDS,
    THINGS,
    TROUBLES,
    WEAK,
)

NAME, CODE, TROUBLE, THING, VAGUE, WORD, SLIGHT = 2.3, 1.5, 1.0, 0.9, 0.6, 0.5, 0.3
"""Weights by kind of term; a word of the vocabulary's weak list is slight."""
SUB_CATEGORY, PRODUCT = 0.8, 0.3
BEYOND_SUMMARY = 0.75
"""What a term weighs that stands in the text but not in the complaint's own words."""
WORD_SHARE = 0.7
"""Most that the other words weigh together, as a share of names, codes and concepts."""
MOST_TERMS, READ = 24, 1500

_MASK = re.compile(
    r"\[[A-Z][A-Z_]*_[0-9a-f]+\]|\bX{2,}\b|[A-Za-z]+/\d[\d.]*(?: \([^)]*\))?|https?://\S+|www\.\S+|[@#]\w+|\S+@\S+"
    r"|\b[^\W\d_]{1,6}-?\d{5,}\b"
)
_NAMED = re.compile(r"\b[^\W\d_]*[a-z][A-Z][A-Za-z]+\b")
_SECONDS = re.compile(r"\d\+? ?(?:s|secs?|seconds?|sekund\w*|second[eio]s?|segundos?|秒)\b|\d秒")
_TOKEN = re.compile(r"[^\W\d_]{1,6}-\d{2,4}(?!\d)\b|\w+(?:['\u2019]\w+)?")
_CODE = re.compile(r"[^\W\d_]{1,6}-\d{2,4}|[A-Za-z]{1,4}\d{3,4}")
_SPACELESS = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]{2,}")
_FOLDS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "\u0131": "i"})
_ENDINGS = re.compile(r"(?:ings?|edly|ed|es|ly|s)$")
_STEM = 7
_REACH = 3
"""How many words away a negation still denies a verb."""
_MEANT_BY = dict.fromkeys(TROUBLES, TROUBLE) | dict.fromkeys(THINGS, THING)
_MEANT_BY |= dict.fromkeys(WEAK, SLIGHT) | {meant: TROUBLE for meant, _ in DENIED.values()}
_MEANT_BY["broken"] = VAGUE
_DENYING = frozenset(NEGATIONS.split())
_TELLS_NOTHING = frozenset([*STOP_WORDS.split(), *GENERIC.split()])

NO_NAMES: Mapping[int, bool] = {}
_EVIDENCE = {TROUBLE: 1.0, THING: 0.75, VAGUE: 0.5}
_EVIDENCE_OF_KIND = {"n": 2.0, "l": 0.5, "w": 0.5}


@dataclass(frozen=True, slots=True)
class ComplaintVector:
    """One item: `weights` by hashed term (unit length), its telling `words`, its `content`.

    `evidence` says how much it tells when another item has the term too; `content` counts the
    terms that tell something at all. Pseudo-terms and slight ones don't.
    """

    weights: dict[int, float]
    words: tuple[str, ...]
    evidence: dict[int, float]
    content: int


def complaint_vector(
    text: str,
    summary: str,
    sub_category: str | None,
    product: str | None,
    names: Mapping[int, bool] = NO_NAMES,
) -> ComplaintVector:
    """The vector of one item; without a single content word, `weights` is empty.

    `names` holds terms of names known from elsewhere (`names_in`): True where the name tells
    which complaint it is, however it is spelt; False where it is the shop's or product's own,
    which goes with every complaint and counts as any other word.
    """
    kinds = _weighed(_readable(text), _readable(summary), names)
    if not kinds:
        return ComplaintVector({}, (), {}, 0)
    heaviest = sorted(kinds.items(), key=lambda pair: (-pair[1][1], pair[0]))[:MOST_TERMS]
    weights = {term: weight for term, (_, weight) in heaviest}
    words = tuple(dict.fromkeys(word for _, (word, _) in heaviest))[:5]
    if sub_category:
        weights["s:" + sub_category] = SUB_CATEGORY
    if product:
        weights["p:" + product.casefold()] = PRODUCT
    length = math.sqrt(sum(weight * weight for weight in weights.values()))
    hashed: dict[int, float] = {}
    evidence: dict[int, float] = {}
    for term, weight in weights.items():
        key = hashed_term(term)
        hashed[key] = hashed.get(key, 0.0) + weight / length
        if told := _tells(term):
            evidence[key] = told
    return ComplaintVector(hashed, words, evidence, len(evidence))


def _tells(term: str) -> float:
    if term[0] == "c":
        return _EVIDENCE.get(_MEANT_BY[term[2:]], 0.0)
    return _EVIDENCE_OF_KIND.get(term[0], 0.0)


def sub_category_term(sub_category: str) -> int:
    """The pseudo-term of a sub-category."""
    return hashed_term("s:" + sub_category)


@lru_cache(maxsize=1 << 18)
def hashed_term(term: str) -> int:
    """The term as a non-negative 31-bit number, the same on every machine."""
    return zlib.crc32(term.encode()) & 0x7FFFFFFF


def _readable(text: str) -> str:
    return _MASK.sub(" ", text[:READ])


def _weighed(
    text: str, summary: str, names: Mapping[int, bool] = NO_NAMES
) -> dict[str, tuple[str, float]]:
    """Terms with the word that showed them and their weight, other words held to their share."""
    found = _terms(summary, names) if summary.strip() else {}
    factor = BEYOND_SUMMARY if found else 1.0
    for term, (word, weight) in _terms(text, names).items():
        if term not in found:
            found[term] = (word, weight * factor)
    speaking = sum(w * w for t, (_, w) in found.items() if t[0] != "w")
    others = sum(w * w for t, (_, w) in found.items() if t[0] == "w")
    if speaking >= 1.0 and others > (most := WORD_SHARE**2 * speaking):
        shrink = math.sqrt(most / others)
        found = {t: (x, w * shrink if t[0] == "w" else w) for t, (x, w) in found.items()}
    return found


def _terms(text: str, names: Mapping[int, bool]) -> dict[str, tuple[str, float]]:
    found: dict[str, tuple[str, float]] = {}
    _by_phrases(text.casefold(), found)
    if not text.isascii() and (runs := _SPACELESS.findall(text)):
        for run in runs:
            _by_letters(run, found)
        text = _SPACELESS.sub(" ", text)
    denials: list[int] = []
    deniable: list[tuple[int, str]] = []
    for place, token in enumerate(_TOKEN.findall(text)):
        kind, term, weight = _look_up(token)
        if kind == "deny":
            denials.append(place)
        elif kind == "verb":
            deniable.append((place, term))
        elif kind:
            if names and kind in {"word", "name"}:
                telling = names.get(_name_term(token), kind == "name")
                term, weight = _named(token) if telling else _plain(token)
            found.setdefault(term, (token.casefold(), weight))
    for place, meant in deniable:
        if any(abs(place - denial) <= _REACH for denial in denials):
            found.setdefault("c:" + meant, (meant, _MEANT_BY[meant]))
    return found


def _by_phrases(text: str, found: dict[str, tuple[str, float]]) -> None:
    for match in _PHRASE.finditer(text):
        concept = _PHRASED[match.group()]
        found.setdefault("c:" + concept, (match.group(), _MEANT_BY[concept]))
    if seconds := _SECONDS.search(text):
        found.setdefault("c:slow", (seconds.group(), TROUBLE))


@lru_cache(maxsize=1 << 17)
def _look_up(token: str) -> tuple[str, str, float]:
    """(kind, term, weight) of one token; an empty kind tells nothing."""
    if _CODE.fullmatch(token):
        return "code", "n:" + token.casefold().replace("-", ""), CODE
    word = fold(token)
    if word in _DENYING:
        return "deny", "", 0.0
    if len(word) < 2 or word.isdigit() or _SPACELESS.fullmatch(token):
        return "", "", 0.0
    if concept := _prefixed(word, _CONCEPTS, _WHOLE):
        return "concept", "c:" + concept, _MEANT_BY[concept]
    if meant := _prefixed(word, _VERBS, _WHOLE_VERBS):
        return "verb", meant, 0.0
    if word in _TELLS_NOTHING or len(word) < 3:
        return "", "", 0.0
    if _NAMED.fullmatch(token):
        return "name", *_named(token)
    if any(letter.isdigit() for letter in word):
        return "", "", 0.0
    return "word", *_plain(token)


@lru_cache(maxsize=1 << 17)
def _name_term(token: str) -> int:
    return hashed_term("n:" + fold(token))


@lru_cache(maxsize=1 << 17)
def _plain(token: str) -> tuple[str, float]:
    return "w:" + stem(fold(token)), WORD


def _named(token: str) -> tuple[str, float]:
    return "n:" + fold(token), NAME


def names_in(text: str) -> set[int]:
    """Terms of the names in `text`: words with a capital inside, as in ``PayLink``."""
    return {
        hashed_term(term)
        for token in _NAMED.findall(text)
        for kind, term, _ in (_look_up(token),)
        if kind == "name"
    }


def fold(token: str) -> str:
    """Case, accents and apostrophes removed: ``Doesn't`` is ``doesnt``, ``Größe`` ``grosse``."""
    folded = token.casefold()
    if not folded.isascii():
        folded = unicodedata.normalize("NFKD", folded.translate(_FOLDS))
        folded = "".join(letter for letter in folded if not unicodedata.combining(letter))
    left, _, right = folded.replace("\u2019", "'").partition("'")
    return right if right and len(left) <= 2 and len(right) > 2 else left + right


def stem(word: str) -> str:
    """A light stem: English endings off, then the first letters (long words' endings vary)."""
    return (_ENDINGS.sub("", word) if len(word) > 5 else word.rstrip("s"))[:_STEM] or word


def _by_letters(run: str, found: dict[str, tuple[str, float]]) -> None:
    """Vocabulary found anywhere in the run, and pairs of its letters."""
    for phrase, concept in _ANYWHERE:
        if phrase in run:
            found.setdefault("c:" + concept, (phrase, _MEANT_BY[concept]))
    for start in range(len(run) - 1):
        pair = run[start : start + 2]
        found.setdefault("w:" + pair, (run[:12], SLIGHT))


def _prefixed(word: str, stems: dict[str, str], whole: dict[str, str]) -> str | None:
    if word in whole:
        return whole[word]
    for length in range(min(len(word), 14), 2, -1):
        if (found := stems.get(word[:length])) is not None:
            return found
    return None


def _entries(groups: list[tuple[str, str]]) -> tuple[dict[str, str], dict[str, str]]:
    stems: dict[str, str] = {}
    whole: dict[str, str] = {}
    for concept, entries in groups:
        for entry in entries.split():
            if entry[0] == "=" or len(entry) < 4:
                whole.setdefault(entry.lstrip("="), concept)
            else:
                stems.setdefault(entry, concept)
    return stems, whole


_CONCEPTS, _WHOLE = _entries([*TROUBLES.items(), *THINGS.items(), *WEAK.items()])
_VERBS, _WHOLE_VERBS = _entries(list(DENIED.values()))
_ANYWHERE = tuple(
    (phrase, concept) for concept, phrases in SPACELESS.items() for phrase in phrases.split()
)
_PHRASED = {phrase: concept for concept, phrases in PHRASES.items() for phrase in phrases}
_PHRASE = re.compile(
    r"\b(?:" + "|".join(sorted(map(re.escape, _PHRASED), key=len, reverse=True)) + r")\b"
)
