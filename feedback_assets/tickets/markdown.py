"""Customers' words as Markdown that shows them and does nothing else.

Belongs here: escaping. Does not belong here: what a ticket says (draft.py).
"""

from __future__ import annotations

import re

# Controls, and the marks that turn the reading direction of all that follows.
_UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1b\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# What opens emphasis, code, links, images, HTML, entities, tables and mentions; and a bare
# address, which many viewers make a link.
_INLINE = re.compile(r"([\\`*_\[\]<>&~|@]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
# What opens a heading, list, rule or definition at a line's start.
_BLOCK = re.compile(r"^([#+\-=:])|^(\d+)([.)])")


def plain(text: str) -> str:
    """Text on one line, without what can't be seen; not escaped."""
    return " ".join(_UNSEEN.sub("", text).split())


def line(text: str, at_most: int | None = None) -> str:
    """Text as one line of inline Markdown, cut at a word to `at_most` characters before escaping.

    It may stand anywhere but at a line's start, where `block` is due.
    """
    words = plain(text)
    return _INLINE.sub(r"\\\1", words if at_most is None else cut(words, at_most))


def block(text: str, at_most: int | None = None) -> str:
    """As `line`, and safe at a line's start too."""
    return _BLOCK.sub(lambda m: f"\\{m[1]}" if m[1] else f"{m[2]}\\{m[3]}", line(text, at_most))


def quote(text: str, at_most: int) -> str:
    """Text as a block quote that keeps its line breaks, cut to `at_most` characters."""
    lines = [plain(each) for each in text.splitlines()]
    kept = cut("\n".join(each for each in lines if each), at_most)
    return "  \n".join(f"> {block(each)}" for each in kept.splitlines()) or "> …"


def code(text: str) -> str:
    """Text as a code span, for identifiers: backticks become apostrophes."""
    return f"`{plain(text).replace('`', chr(39)) or '-'}`"


def cut(text: str, at_most: int) -> str:
    """Text of at most `at_most` characters: what is too long ends at a word, with an ellipsis."""
    if len(text) <= at_most:
        return text
    kept = text[: at_most - 1]
    # A script without spaces has no word to end at.
    at_word = kept.rsplit(None, 1)[0] if len(kept.split()) > 1 else kept
    return (at_word if len(at_word) > at_most // 2 else kept).rstrip(" ,;:.-\n") + "…"
