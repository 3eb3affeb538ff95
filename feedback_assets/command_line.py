"""What the commands share: where they print, how days and sources are read, how they refuse.

Belongs here: what more than one module of commands needs. Does not belong here: any command.
"""

from __future__ import annotations

import datetime as dt
from typing import NoReturn

import typer
from rich.console import Console
from rich.text import Text

from feedback_assets.contracts.partitions import SOURCES

console = Console()
errors = Console(stderr=True)


def day_of(text: str | None, name: str = "--day") -> dt.date | None:
    """The day typed as `text`, if any; anything else than YYYY-MM-DD ends the command."""
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        fail(f"{name} {text!r}: expected YYYY-MM-DD")


def source_of(text: str | None, name: str = "--source") -> str | None:
    """The source typed as `text`, if any; an unknown one ends the command."""
    if text is not None and text not in SOURCES:
        fail(f"{name} {text!r}: expected one of {', '.join(SOURCES)}")
    return text


def fail(message: str) -> NoReturn:
    """End the command with 2 and `message`, as text."""
    errors.print(Text(message, style="red"))
    raise typer.Exit(2)
