"""Checks of a set-up: what is looked at, what was found, what to do.

Belongs here: a check, and examining each by itself in its time. Does not belong here: any check.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

_SHOWN = 400


class Skip(Exception):
    """Raised by a check that has nothing to look at: why."""


class Trouble(Exception):
    """Raised by a check that found something wrong: what, and what to do where that is known."""

    def __init__(self, found: str, to_do: str | None = None) -> None:
        super().__init__(found)
        self.to_do = to_do


@dataclass(frozen=True, slots=True)
class Check:
    """`look` returns what was found, or raises; `to_do` helps whoever reads that it failed."""

    what: str
    look: Callable[[], str]
    to_do: str
    seconds: float = 60


@dataclass(frozen=True, slots=True)
class Line:
    """What became of a check."""

    what: str
    state: Literal["ok", "failed", "skipped"]
    found: str
    to_do: str = ""


def examine(checks: Iterable[Check]) -> Iterator[Line]:
    """A line for each check, in order; no check keeps the next from being made."""
    for check in checks:
        yield _examined(check)


def _examined(check: Check) -> Line:
    lines: list[Line] = []

    def look() -> None:
        try:
            lines.append(Line(check.what, "ok", check.look()))
        except Skip as reason:
            lines.append(Line(check.what, "skipped", str(reason)))
        except Trouble as trouble:
            lines.append(Line(check.what, "failed", str(trouble), trouble.to_do or check.to_do))
        except Exception as error:
            # Whatever a check meets is its finding, told with its kind.
            told = f"{type(error).__name__}: {error}"[:_SHOWN]
            lines.append(Line(check.what, "failed", told, check.to_do))

    # A daemon, so that one that hangs keeps neither the next check nor the command's end.
    looking = threading.Thread(target=look, daemon=True, name=check.what)
    looking.start()
    looking.join(check.seconds)
    if not lines:
        return Line(check.what, "failed", f"no answer in {check.seconds:g} s", check.to_do)
    return lines[0]
