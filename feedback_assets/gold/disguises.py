"""A text as a machine would read it: folded, its disguises undone, every character's origin known.

Belongs here: case, width, accents, look-alikes, leetspeak, spaced-out letters, hidden characters,
blobs in base64, hex and the like, each with offsets mapped back to the text as it came.
Does not belong here: what the words say (`instructions`).
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import unquote


class View(NamedTuple):
    """A reading of a text: `origin[i]` is where the character `words[i]` stands in the text.

    `changed` holds the places in the text where a disguise was undone, in order.
    """

    text: str
    words: str
    origin: list[int]
    changed: list[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where `words[start:end]` stands in the text, end exclusive."""
        places = self.origin[start:end]
        return min(places), max(places) + 1


class _Folds(dict[str, str]):
    """What each character folds to, found on first sight."""

    def __missing__(self, character: str) -> str:
        self[character] = folded = _folded(character)
        return folded


def _folded(character: str) -> str:
    point = ord(character)
    if 0xE0020 <= point <= 0xE007E:
        return chr(point - 0xE0000).lower()
    if character in "\n\r\v\f\x85\u2028\u2029":
        return "\n"
    if unicodedata.category(character) in ("Cf", "Cc", "Cs", "Mn", "Mc", "Me"):
        return " " if character == "\t" else ""
    wide = unicodedata.normalize("NFKC", character)
    if character in "ıİ":
        return "i"
    if wide.isspace():
        return " "
    if not any("\u3040" <= each <= "\u30ff" or "\uac00" <= each <= "\ud7a3" for each in wide):
        wide = unicodedata.normalize("NFKD", wide)
    kept = (each for each in wide.casefold() if unicodedata.category(each)[0] != "M")
    return "".join(_STROKES.get(each, each) for each in kept)


_STROKES = dict(zip("łøđı’‘ʼ`ς", "lodi''''σ", strict=True))
_FOLDS = _Folds()


def fold(text: str) -> str:
    """`text` in one case and width, without accents, vowel signs and hidden characters."""
    return text.lower() if text.isascii() else "".join(map(_FOLDS.__getitem__, text))


def view(text: str) -> View:
    """`text` folded, with the origin of each character."""
    if text.isascii():
        words = text.lower()
        return View(text, words, list(range(len(words))), [])
    pieces = [_FOLDS[character] for character in text]
    words = "".join(pieces)
    if len(words) == len(text) and "" not in pieces:
        return View(text, words, list(range(len(words))), [])
    origin = [at for at, piece in enumerate(pieces) for _ in piece]
    hidden = [at for at, piece in enumerate(pieces) if not piece and text[at] in _HIDERS]
    return View(text, words, origin, hidden)


_HIDERS = frozenset("\u200b\u2060\u2061\u2062\u2063\u2064\ufeff\u00ad\u034f\u115f\u180e")


_ALIKE = dict(
    zip("аеорсухікјѕԁһвмтнпгαεορτνικυχηβԛԝӏ", "aeopcyxikjsdhbmthnraeoptvikuxnbqwl", strict=True)
)
_FLUENT = 4
"""Words in leetspeak after which bare numbers among them are words too."""
_LEET_RUN = re.compile(r"[a-z0-9@$!|]*[013457@$!|][a-z0-9@$!|]*")
_LEET = str.maketrans("013457@$!|", "oieastasii")
_FOREIGN = "\u0370-\u03ff\u0400-\u052f"
_MIXED = re.compile(rf"[a-z][{_FOREIGN}]|[{_FOREIGN}][a-z]")
_LEET_WORD = re.compile(r"(?<![\w@$!|.])(?=[0-9@$!|]{0,4}[a-z])[a-z0134579@$!|]{3,24}(?![\w@$|])")
_MARKS = frozenset(".,:;!?'\"=-_{}[]()<>/|#")
_SPACED = re.compile(r"(?<![^\W_])(?:[^\W\d_](?:[^\w\n]|_){1,4}){4,}[^\W\d_](?![^\W_])")


def undisguised(plain: View) -> View | None:
    """`plain` with look-alikes, leetspeak and spaced-out letters undone; None if there are none."""
    words, origin, changed = plain.words, plain.origin, set(plain.changed)
    if _MIXED.search(words):
        alike = "".join(_ALIKE.get(each, each) for each in words)
        changed.update(origin[at] for at, each in enumerate(alike) if each != words[at])
        words = alike
    leet = [match for match in _LEET_WORD.finditer(words) if not match.group().isalpha()]
    if len(leet) >= _FLUENT:
        leet = list(_LEET_RUN.finditer(words, leet[0].start(), leet[-1].end()))
    pieces, done = [], 0
    for match in leet:
        pieces += [words[done : match.start()], match.group().translate(_LEET)]
        changed.update(origin[match.start() : match.end()])
        done = match.end()
    words = "".join([*pieces, words[done:]])
    seen = View(plain.text, words, origin, sorted(changed))
    closed = _closed_up(seen)
    return None if closed.words == plain.words else closed


def _closed_up(seen: View) -> View:
    """`seen` with runs of single letters, whatever stands between them, written as words."""
    runs = list(_SPACED.finditer(seen.words))
    if not runs:
        return seen
    pieces: list[str] = []
    origin: list[int] = []
    changed = set(seen.changed)
    done = 0
    for run in runs:
        pieces.append(seen.words[done : run.start()])
        origin += seen.origin[done : run.start()]
        for at, piece in _letters(run.group()):
            pieces.append(piece)
            origin.append(seen.origin[run.start() + at])
            changed.add(origin[-1])
        done = run.end()
    pieces.append(seen.words[done:])
    origin += seen.origin[done:]
    return View(seen.text, "".join(pieces), origin, sorted(changed))


def _letters(run: str) -> list[tuple[int, str]]:
    """The letters of a spaced-out run with their places; the usual gap goes, others are a space."""
    gaps = list(re.finditer(r"[\W_]+", run))
    usual = Counter(gap.group() for gap in gaps).most_common(1)[0][0]
    kept = [(at, each) for at, each in enumerate(run) if each.isalpha()]
    kept += [
        (gap.start(), " ")
        for gap in gaps
        if gap.group() != usual and (gap.group().isspace() or len(gap.group()) > len(usual))
    ]
    return sorted(kept)


_LONG = re.compile(r"\S{14,}[^\n]{0,400}")
_BLOB = re.compile(
    r"(?:%[0-9A-Fa-f]{2}){4,}(?:[\w.~-]{0,40}(?:%[0-9A-Fa-f]{2})+)*"
    r"|(?:&#x?[0-9A-Fa-f]{2,6};[ ]?){4,}"
    r"|(?:(?:\\u00|\\x)[0-9A-Fa-f]{2} ?){4,}"
    r"|(?<![0-9A-Za-z])(?:(?:0x)?[0-9A-Fa-f]{2}[ :,]?){8,}(?![0-9A-Za-z])"
    r"|(?<![01])(?:[01]{8} ?){6,}"
    r"|(?<![\w+/=.-])[A-Za-z0-9+/_-]{14,4000}={0,2}(?![\w+/])"
)


def decoded(text: str) -> Iterator[tuple[int, int, str]]:
    """The blobs of `text` that decode to readable words: start, end and what they say."""
    for long in _LONG.finditer(text):
        for match in _BLOB.finditer(text, *long.span()):
            blob = match.group()
            said = next(filter(None, (decode(blob) for decode in _DECODERS)), blob)
            if said != blob and _readable(said):
                yield *match.span(), said


def _readable(said: str) -> bool:
    if len(said) < 6 or not (said.isprintable() or "\n" in said):
        return False
    plain = sum(each.isalnum() or each.isspace() or each in _MARKS for each in said)
    return plain >= 0.95 * len(said)


def _percent(blob: str) -> str | None:
    return unquote(blob) if blob.count("%") >= 4 else None


def _entities(blob: str) -> str | None:
    return html.unescape(blob) if blob.startswith("&#") else None


def _escapes(blob: str) -> str | None:
    return re.sub(r"\\(?:u00|x)(..)", _point, blob) if blob.startswith("\\") else None


def _point(match: re.Match[str]) -> str:
    return chr(int(match.group(1), 16))


def _hex(blob: str) -> str | None:
    digits = re.sub(r"0x|[ :,]", "", blob)
    if len(digits) % 2 or not re.fullmatch(r"[0-9A-Fa-f]+", digits):
        return None
    return bytes.fromhex(digits).decode("utf-8", "replace")


def _bits(blob: str) -> str | None:
    bits = blob.replace(" ", "")
    if len(bits) % 8 or bits.strip("01"):
        return None
    raw = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
    return raw.decode("utf-8", "replace")


def _base64(blob: str) -> str | None:
    body = blob.rstrip("=").translate(str.maketrans("-_", "+/"))
    if body.islower() or body.isdigit():
        return None
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None


_DECODERS: tuple[Callable[[str], str | None], ...] = (
    _percent, _entities, _escapes, _bits, _hex, _base64,
)  # fmt: skip


def is_prose(said: str) -> bool:
    """Whether a decoded blob is a sentence: four words or more, nearly all letters."""
    words = said.split()
    return len(words) >= 4 and sum(
        word.strip(".,:;!?'\"").isalpha() for word in words
    ) >= 0.7 * len(words)


def rot13(words: str) -> str:
    """`words` with each Latin letter moved thirteen on."""
    return codecs.encode(words, "rot13")
