"""The words of one item as plain text, and the key under which equal words meet.

Belongs here: what turns a title and a body (HTML or plain) into one clean string.
Does not belong here: masking (`pii`), the language (`language`), which field of which vendor
holds the body (`resources.connectors`).
"""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata

from inscriptis import Inscriptis
from inscriptis.model.config import ParserConfig
from lxml.etree import ParserError  # type: ignore[import-untyped]
from lxml.html import HtmlElement, HTMLParser, document_fromstring  # type: ignore[import-untyped]


def _table_of_invisibles() -> dict[int, str | None]:
    """What has no place in text, as a `str.translate` table: drop, or put a newline instead.

    Controls and lone surrogates break parsers and Arrow; zero-width and direction marks and
    tag characters hide words from readers and from masking. The joiners U+200C and U+200D
    stay: Persian and emoji are spelled with them.
    """
    drop = [*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000), *range(0xE0000, 0xE0080)]
    drop += [0xAD, 0x180E, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x2070)]
    drop += [0xFEFF, *range(0xFFF9, 0xFFFD), 0xFFFE, 0xFFFF]
    table: dict[int, str | None] = dict.fromkeys(drop)
    table |= {ord(break_): "\n" for break_ in "\n\r\v\f\x85\u2028\u2029"}
    table[ord("\t")] = " "
    return table


_INVISIBLE = _table_of_invisibles()
_BLANKS = re.compile(r"[^\S\n]+")
_BREAKS = re.compile(r" ?\n[ \n]*")

_NO_TAG = re.compile(r"<(?!/?[A-Za-z][\w-]*(?::[\w-]+)?[\s/>]|!--|!doctype\b)", re.IGNORECASE)
"""A ``<`` that opens nothing: ``a < b``, ``<3``, ``<me@example.com>``, ``<?xml ...?>``."""
_PROLOGUE = re.compile(r"<\?[^<>]*>")
_TAG = re.compile(r"<[^<>]*>")
_LAYOUT = ParserConfig(display_images=False, display_links=False)


def clean_text(title: str | None, body: str, is_html: bool) -> str:
    """One plain text of a title and a body.

    Links keep their text (their target only where they have none), images and scripts go,
    blocks become lines. The result is NFC, without control or hidden characters, with single
    spaces and single newlines. The title is the first line, unless the body begins with it.

    Args:
        title: plain text or None.
        body: the words; may be empty.
        is_html: whether `body` is markup. Where it is not, ``<`` and ``&`` mean themselves.
    """
    words = _tidy(_from_html(body) if is_html else body)
    head = _tidy(title).replace("\n", " ") if title else ""
    if not head or _folded(words).startswith(_folded(head.rstrip("…. "))):
        return words
    return f"{head}\n{words}" if words else head


def content_key(text: str) -> str:
    """SHA-256, in hex, of the text's normal form: case and whitespace do not count."""
    return hashlib.sha256(_folded(text).encode("utf-8", "surrogatepass")).hexdigest()


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text.casefold()).split())


def _tidy(text: str) -> str:
    """Plain text without what nobody sees, in one spelling."""
    if not (text.isascii() and text.isprintable()):
        text = text.replace("\r\n", "\n").translate(_INVISIBLE)
        text = unicodedata.normalize("NFC", text)
    return _BREAKS.sub("\n", _BLANKS.sub(" ", text)).strip()


def _from_html(body: str) -> str:
    """The text a browser would show, one line a block."""
    if "<" not in body:
        return html.unescape(body) if "&" in body else body
    body = _NO_TAG.sub("&lt;", _PROLOGUE.sub("", body.translate(_INVISIBLE)))
    if "<" not in body:
        return html.unescape(body)
    try:
        # Without huge_tree, libxml2 drops in silence what is nested deeper than 256 levels.
        parser = HTMLParser(huge_tree=True, remove_comments=True)
        tree = document_fromstring(body, parser=parser)
        _show_bare_links(tree)
        return str(Inscriptis(tree, _LAYOUT).get_text())
    except (ParserError, RecursionError):
        # No element at all, or nesting no layout survives: lose the layout, not the words.
        return html.unescape(_TAG.sub("\n", body))


def _show_bare_links(tree: HtmlElement) -> None:
    """A link around nothing, or around a picture, is told by its target."""
    for link in tree.iter("a"):
        target = link.get("href", "").strip()
        shown = target and not target.lower().startswith(("#", "javascript:", "data:"))
        if shown and not link.text_content().strip():
            link.text = f" {target} "
