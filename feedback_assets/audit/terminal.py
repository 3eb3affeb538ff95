"""Untrusted text and two-column blocks on a terminal.

Belongs here: how any line is put on the terminal. Does not belong here: what is shown.

Feedback is untrusted: it is only ever put into `Text`, never into console markup, and control
characters, which could drive the terminal, are replaced one for one so that offsets hold.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Iterable

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

MARK = "\ufffd"
LABEL_WIDTH = 12
"""A SHA-256 beside a label of this width just fits into 80 columns."""
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

Row = tuple[str, str | Text | None]


def title(console: Console, kind: str, name: str, more: str = "") -> None:
    """What is shown, in one line."""
    console.print()
    head = Text.assemble((f"{kind} ", "bold"), (printable(name), "bold cyan"))
    console.print(head + Text(printable(f"  {more}" if more else ""), "dim"))


def heading(console: Console, words: str) -> None:
    """A ruled heading with a blank line above."""
    console.print()
    console.print(Rule(Text(printable(words), "bold"), align="left", style="dim"))


def line(console: Console, text: Text, indent: int = 2) -> None:
    """Text that wraps at its indent."""
    console.print(Padding(text, (0, 0, 0, indent), expand=False))


def block(console: Console, rows: Iterable[Row]) -> None:
    """A two-column block; rows without a value are left out, except for those without a label."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", width=LABEL_WIDTH)
    grid.add_column(overflow="fold")
    for label, value in rows:
        if value or not label:
            grid.add_row(Text(label), value if isinstance(value, Text) else shown(value or ""))
    if grid.row_count:
        console.print(Padding(grid, (0, 0, 0, 2), expand=False))


def shown(text: str) -> Text:
    """Untrusted `text` as it may be shown."""
    return Text(printable(text))


def printable(text: str) -> str:
    """`text` with each control or direction-changing character replaced by one mark."""
    return "".join(" " if c == "\t" else MARK if _drives_terminal(c) else c for c in text)


def _drives_terminal(c: str) -> bool:
    return c in _BIDI or (unicodedata.category(c) in ("Cc", "Cs") and c != "\n")


def head(text: str, characters: int) -> str:
    """The beginning of `text` in one line, not cut within a word where that can be helped."""
    words = " ".join(text.split())
    if len(words) <= characters:
        return words
    whole, space, _ = words[:characters].rpartition(" ")
    return f"{whole if space and len(whole) > characters // 2 else words[:characters]} …"


def listed(*words: str | None) -> str:
    """Those of `words` that say something, with commas."""
    return ", ".join(word for word in words if word)


def counted(number: int, thing: str) -> str:
    """``1 item``, ``2 items``."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def moment(time: dt.datetime | None) -> str:
    """A time to the minute, UTC."""
    return "at a time not on record" if time is None else f"{time:%Y-%m-%d %H:%M} UTC"


def second(time: dt.datetime) -> str:
    """A time to the second, UTC."""
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def money(amount: float) -> str:
    """An amount in the currency of the set prices; of a small one, more digits."""
    if amount >= 1 or amount == 0:
        return f"{amount:,.2f}"
    return f"{amount:.6f}".rstrip("0") if amount >= 0.000001 else "under 0.000001"


def period(times: Iterable[dt.datetime]) -> str:
    """From the first to the last of `times`, as short as it can be said."""
    found = sorted(times)
    first, last = moment(found[0]), moment(found[-1])
    if first == last:
        return first
    return f"{first.removesuffix(' UTC')} to {last[11:] if first[:10] == last[:10] else last}"


def run(run_id: str | None) -> str:
    """A run by the beginning of its id; the steps' latest runs show it whole."""
    return "no run on record" if run_id is None else f"run {run_id[:8]}"


def words_of(name: str) -> str:
    """A name from the tables as words."""
    return name.replace("_", " ")


def words(value: object) -> str:
    """A value from the tables as words."""
    if isinstance(value, float):
        return f"{value:.2f}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
