"""Where a quote stands in its text.

Belongs here: finding the words that a reader or a model quotes, as offsets of the text's own
characters. Does not belong here: which quotes a finding needs (`answers`), and spans found
without anybody quoting (`evidence`).
"""

from __future__ import annotations

from collections.abc import Iterable

from feedback_assets.gold.findings import Span

_QUOTE_MARKS = str.maketrans(
    {**dict.fromkeys("‘’‚‛`´ʼ′‹›＇", "'"), **dict.fromkeys("“”„‟«»″＂", '"')}
)


def locate(text: str, quote: str) -> Span | None:
    """Where `quote` stands in `text`, in code points, end exclusive; None if it does not.

    White space around the quote does not count. An exact occurrence goes first; else the first
    one that differs in no more than the length and kind of white space, in case, and in the
    shape of quotation marks.
    """
    wanted = quote.strip()
    if not wanted:
        return None
    start = text.find(wanted)
    if start >= 0:
        return start, start + len(wanted)
    folded, origins = _folded(text)
    wanted, _ = _folded(wanted)
    start = folded.find(wanted)
    while start >= 0:
        end = start + len(wanted)
        # One character may fold to several (ß to ss); a match must not begin or end within one.
        if _parted(origins, start) and _parted(origins, end):
            return origins[start], origins[end - 1] + 1
        start = folded.find(wanted, start + 1)
    return None


def locate_all(text: str, quotes: Iterable[str]) -> list[Span]:
    """Spans of those quotes that stand in `text`, in the quotes' order, equal ones once."""
    found = (locate(text, quote) for quote in quotes)
    return list(dict.fromkeys(span for span in found if span is not None))


def _folded(text: str) -> tuple[str, list[int]]:
    """`text` with differences that don't count removed, and where each character came from."""
    characters: list[str] = []
    origins: list[int] = []
    in_space = False
    for place, character in enumerate(text):
        if character.isspace():
            if not in_space:
                characters.append(" ")
                origins.append(place)
            in_space = True
            continue
        in_space = False
        for part in character.translate(_QUOTE_MARKS).casefold():
            characters.append(part)
            origins.append(place)
    return "".join(characters), origins


def _parted(origins: list[int], place: int) -> bool:
    """Whether two characters of the text meet at `place` of the folded text."""
    return place in (0, len(origins)) or origins[place - 1] != origins[place]
