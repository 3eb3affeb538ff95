"""Personal data in text, replaced by tokens that stay the same for the same value.

Belongs here: e-mail addresses, web addresses that carry a secret, network addresses and user
handles; which find wins where finds overlap; the tokens. The numbers (phones, cards, IBANs,
national ids, orders and accounts) are found in `identity`.

Out of scope: names of persons, street addresses, dates of birth, and secrets in plain words
("my password is ..."). They need a model; what this module finds it finds by form alone.

A token is ``[KIND_hex]``, the hex being 48 bits of HMAC-SHA256 over the kind and the value's
normal form. Under one key the same e-mail address in any spelling has one token; without the
key a token tells nothing. A token is never matched again: masking twice changes nothing.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address

from feedback_assets.silver.identity import (
    TAKEN,
    Span,
    compact,
    find_numbers,
    phone_value,
)

__all__ = ["PRECEDENCE", "Masked", "Masker", "Span", "find", "fold"]

PRECEDENCE = (
    "URL", "EMAIL", "CARD", "IBAN", "NATIONAL_ID", "IP", "REFERENCE", "PHONE", "HANDLE",
)  # fmt: skip
"""Of overlapping finds the longest wins; of equally long ones the kind named first here."""

_HEX_DIGITS = 12
_FEWEST_KEY_BYTES = 16
_TOKEN = re.compile(rf"\[[A-Z][A-Z_]{{1,30}}_[0-9a-f]{{{_HEX_DIGITS}}}\]")
_KIND = re.compile(r"[A-Z][A-Z_]{0,29}[A-Z]")
_MOST_PASSES = 8

_HINT = re.compile(r"[\d@=\uff20\uff1d]|(?:\b|/)u/")
_SOME_DIGITS = re.compile(r"\d(?:\D{0,3}\d){3}")

_LOCAL = r"0-9A-Za-z\u00c0-\u024f_%+"
_DOMAIN = (
    r"(?:[0-9A-Za-z\u00c0-\u024f][0-9A-Za-z\u00c0-\u024f-]{0,62}\.){1,6}"
    r"(?:xn--[0-9A-Za-z-]{2,59}|[A-Za-z]{2,24})(?![0-9A-Za-z\u00c0-\u024f_@\0])"
)
_EMAIL = re.compile(rf"(?<![{_LOCAL}.\0-])[{_LOCAL}][{_LOCAL}.'-]{{0,63}}+@{_DOMAIN}")
_HANDLE = re.compile(
    rf"(?<![0-9A-Za-z\u00c0-\u024f_@./+&=\0-])@[A-Za-z_][0-9A-Za-z_.]{{0,38}}[0-9A-Za-z_]"
    rf"(?:@{_DOMAIN}|(?![0-9A-Za-z_@\0]|[./]\w|:/))"
    r"|(?<![0-9A-Za-z_/\0])/?u/[0-9A-Za-z_-]{3,20}(?![0-9A-Za-z_/\0-])"
)

_IPV4 = re.compile(r"(?<![0-9A-Za-z_.\0])(?:\d{1,3}\.){3}\d{1,3}(?![0-9A-Za-z_\0]|\.\d)")
_IPV6 = re.compile(
    r"(?<![0-9A-Za-z_:.\0])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![0-9A-Za-z_:\0])"
)
_VERSION_WORD = re.compile(r"(?i:versions?|ver|v|rv|build|release|update|[a-z][/-])[ :.]{0,2}\Z")
_NETWORK_WORD = re.compile(
    r"(?i:\bips?\b|ipv4|address|adress|host|server|\bping|connect|subnet|\bdns\b|proxy|vpn|router|"
    r"log(?:ged|in| in)|sign(?:ed)?[ -]in|://)[^\n\0]{0,30}\Z"
)

_WEB_WORD = re.compile(r"[!-~]{8,}")
_SCHEME = re.compile(r"(?<![0-9A-Za-z+.-])[A-Za-z][0-9A-Za-z+.-]{1,15}://")
_CREDENTIALS = re.compile(r"://[^/?#@:]{0,128}:[^/?#@]{1,256}@")
_SECRET = re.compile(
    r"[?&#;](?:[\w.-]{0,40}[_.-])?(?i:(?:access|auth|id|refresh|api|session|reset)?"
    r"(?:token|key|secret)|pass(?:word|wd)?|pwd|auth|authorization|sig(?:nature)?|"
    r"session(?:id)?|sid|jwt|otp|credentials?)=[^&#\s]"
)


def _fold_table() -> dict[int, str]:
    """One sign for one sign: digits of all scripts, full-width forms, dashes and blanks."""
    table = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    table |= dict.fromkeys([*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63], "-")
    for code in range(0x80, 0x1FC00):
        category = unicodedata.category(chr(code))
        if category == "Nd":
            table[code] = str(unicodedata.digit(chr(code)))
        elif category == "Zs":
            table[code] = " "
    return table


_FOLD = _fold_table()


def fold(text: str) -> str:
    """`text` as the patterns expect it, of the same length."""
    return text if text.isascii() else text.translate(_FOLD)


def find(text: str) -> list[Span]:
    """What in `text` is personal data of the kinds in `PRECEDENCE`.

    Returns:
        Spans in order of place, none overlapping another or an earlier token. `value` is the
        normal form: e-mail and handle casefolded, phone in E.164 (or its digits where the
        country is unknown), card digits, other numbers as upper-case letters and digits.
    """
    if not _HINT.search(text):
        return []
    seen = _TOKEN.sub(_taken, fold(text))
    found: list[Span] = []
    # A find can free its neighbour (what is left of a run of digits), so look until nothing
    # is new. The bound keeps hostile text linear; ordinary text needs one or two passes.
    for _ in range(_MOST_PASSES):
        new = _without_overlaps(_candidates(seen))
        if not new:
            break
        found += new
        seen = _take(seen, new)
    return sorted(found, key=lambda span: span.start)


def _taken(match: re.Match[str]) -> str:
    return TAKEN * len(match[0])


def _take(text: str, spans: Iterable[Span]) -> str:
    parts, last = [], 0
    for span in spans:
        parts += [text[last : span.start], TAKEN * (span.end - span.start)]
        last = span.end
    return "".join([*parts, text[last:]])


def _without_overlaps(candidates: Iterable[Span]) -> list[Span]:
    """The longest first, then by precedence; in order of place."""
    rank = {kind: place for place, kind in enumerate(PRECEDENCE)}
    ordered = sorted(candidates, key=lambda s: (s.start - s.end, rank[s.kind], s.start))
    taken, kept = set[int](), []
    for span in ordered:
        # Longest first: what overlaps a kept span covers one of its ends or lies inside it.
        if span.start not in taken and span.end - 1 not in taken:
            taken.update(range(span.start, span.end))
            kept.append(span)
    return sorted(kept, key=lambda span: span.start)


def _candidates(text: str) -> Iterator[Span]:
    if "@" in text:
        for match in _EMAIL.finditer(text):
            yield Span("EMAIL", *match.span(), match[0].casefold())
    if "@" in text or "u/" in text:
        for match in _HANDLE.finditer(text):
            yield Span("HANDLE", *match.span(), _normal("HANDLE", match[0]))
    if "=" in text or "://" in text:
        yield from _secret_addresses(text)
    if ":" in text:
        yield from _ipv6(text)
    if _SOME_DIGITS.search(text):
        yield from _ipv4(text)
        yield from find_numbers(text)


def _secret_addresses(text: str) -> Iterator[Span]:
    """Web addresses with a password or with a secret in their query."""
    for word in _WEB_WORD.finditer(text):
        if not (_SECRET.search(word[0]) or _CREDENTIALS.search(word[0])):
            continue
        scheme = _SCHEME.search(word[0])
        address = word[0][scheme.start() :] if scheme else word[0].lstrip("([{<\"'`")
        address = address.rstrip(")]}>\"'`.,;:!?")
        start = word.start() + word[0].index(address)
        yield Span("URL", start, start + len(address), address)


def _ipv4(text: str) -> Iterator[Span]:
    for match in _IPV4.finditer(text):
        octets = [int(octet) for octet in match[0].split(".")]
        before = text[max(0, match.start() - 40) : match.start()]
        if max(octets) > 255 or octets[0] in (0, 127) or _VERSION_WORD.search(before[-12:]):
            continue
        # 2.53.8.1 is a release; three in a hundred addresses are that small throughout.
        if max(octets) > 99 or _NETWORK_WORD.search(before):
            yield Span("IP", *match.span(), ".".join(map(str, octets)))


def _ipv6(text: str) -> Iterator[Span]:
    for match in _IPV6.finditer(text):
        # Times, C++ scopes and ratios have colons too.
        if len(match[0]) < 7 or not any(sign.isdigit() for sign in match[0]):
            continue
        try:
            yield Span("IP", *match.span(), IPv6Address(match[0]).compressed)
        except ValueError:
            continue


def _normal(kind: str, value: str) -> str:
    """The form in which equal values of a kind are equal; of a normal form, itself."""
    value = fold(value.strip())
    if kind == "HANDLE":
        return value.casefold().lstrip("/").removeprefix("@").removeprefix("u/")
    if kind == "EMAIL":
        return value.casefold()
    if kind == "PHONE":
        return phone_value(value, asked=True) or compact(value)
    if kind in ("CARD", "IBAN", "NATIONAL_ID", "REFERENCE"):
        return compact(value)
    return value


@dataclass(frozen=True, slots=True)
class Masked:
    """A text without personal data, and the kinds that were found in it, sorted."""

    text: str
    types: tuple[str, ...]


class Masker:
    """Replaces personal data by tokens that are stable under one key."""

    def __init__(self, key: bytes) -> None:
        """Keep the key.

        Raises:
            ValueError: when the key is shorter than 16 bytes.
        """
        if len(key) < _FEWEST_KEY_BYTES:
            raise ValueError(
                f"masking key has {len(key)} bytes, at least {_FEWEST_KEY_BYTES} are needed: "
                "give a random secret, and keep it, or tokens change"
            )
        self._key = key

    def token(self, kind: str, value: str) -> str:
        """The token for a value, the one it gets in text: ``[EMAIL_3f9a2c1b7d04]``.

        Args:
            kind: upper-case letters and underscores; those of `PRECEDENCE` normalise `value`,
                any other (``CUSTOMER``) only strips it.
            value: as written.

        Raises:
            ValueError: when `kind` has another form.
        """
        if not _KIND.fullmatch(kind):
            raise ValueError(f"token kind {kind!r}: 2 to 31 letters A-Z or underscores expected")
        return self._token(kind, _normal(kind, value))

    def _token(self, kind: str, normal: str) -> str:
        message = f"{kind}\0{normal}".encode("utf-8", "surrogatepass")
        return f"[{kind}_{hmac.digest(self._key, message, 'sha256').hex()[:_HEX_DIGITS]}]"

    def mask(self, text: str) -> Masked:
        """`text` with every find replaced by its token."""
        spans = find(text)
        if not spans:
            return Masked(text, ())
        parts, last = [], 0
        for span in spans:
            parts += [text[last : span.start], self._token(span.kind, span.value)]
            last = span.end
        types = tuple(sorted({span.kind for span in spans}))
        return Masked("".join([*parts, text[last:]]), types)

    def mask_many(self, texts: Iterable[str]) -> list[Masked]:
        """`mask` of each text, in order."""
        return [self.mask(text) for text in texts]
