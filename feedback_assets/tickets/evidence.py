"""What customers said and where it stands, as a ticket shows it. Pure.

Belongs here: quotes and the list of items. Does not belong here: a ticket's other words
(draft.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from feedback_assets.tickets.facts import Quote
from feedback_assets.tickets.markdown import code, cut, line, plain, quote

QUOTES_SHOWN = 6
QUOTE_LENGTH = 400
ITEMS_LISTED = 40


def evidence(quotes: Sequence[Quote]) -> str:
    """Quotes from as many sources as there are, each said once."""
    first: dict[str, Quote] = {}
    for each in quotes:
        first.setdefault(plain(each.quote).casefold(), each)
    once = list(first.values())
    seen: dict[str, int] = {}
    turns = []
    for each in once:
        seen[each.source] = turn = seen.get(each.source, 0) + 1
        turns.append(turn)
    order = sorted(range(len(once)), key=lambda i: turns[i])[:QUOTES_SHOWN]
    shown = [
        f"{quote(each.quote, QUOTE_LENGTH)}\n>\n"
        f"> — {line(each.source.replace('_', ' '), 40)}, {each.day}, {line(each.language, 10)}"
        for each in (once[i] for i in order)
    ]
    return "\n\n".join(shown) or "No quote could be checked against its text."


def listed_items(quotes: Sequence[Quote], size: int) -> str:
    """Where each item came from, `ITEMS_LISTED` at most."""
    origins = {each.feedback_id: each.origin for each in quotes}
    listed = list(origins.items())[:ITEMS_LISTED]
    rows = [f"- {code(cut(item, 100))} from {code(cut(origin, 200))}" for item, origin in listed]
    if size > len(listed):
        rows.append(f"- and {size - len(listed)} more, which `feedback trace` lists")
    return "\n".join(("Items:\n", *rows))
