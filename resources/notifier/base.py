"""What a notifier promises: a message reaches a channel, or it says that it did not.

Belongs here: the message, the protocol, the error. Does not belong here: one channel's format,
and what is worth a message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


class NotDelivered(RuntimeError):
    """A channel did not take the message. Never holds the channel's address, which is a secret."""


@dataclass(frozen=True, slots=True)
class Link:
    """An address and the words it stands behind."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Part:
    """One thing a message tells: plain text, whose first line is its headline.

    `text` may quote what strangers wrote; channels keep it from being more than text.
    """

    text: str
    links: tuple[Link, ...] = ()
    partitions: tuple[str, ...] = ()
    check: str | None = None
    value: float | None = None
    threshold: float | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A message of one `kind`; `sent_at` is aware."""

    kind: str
    title: str
    parts: tuple[Part, ...]
    sent_at: datetime

    @property
    def text(self) -> str:
        """All of it as plain text."""
        return "\n\n".join(part.text for part in self.parts)

    def only(self, name: str) -> Any:
        """The value all parts share in their field `name`; None where they differ."""
        values = {getattr(part, name) for part in self.parts}
        return values.pop() if len(values) == 1 else None


class Notifier(Protocol):
    """A channel messages go to."""

    @property
    def name(self) -> str:
        """The channel, for records."""
        ...

    def send(self, message: Message) -> None:
        """Deliver `message`, trying again for a while. Raises `NotDelivered`."""
        ...


def each_once(values: Sequence[str]) -> list[str]:
    """`values` without repetition, in their order."""
    return list(dict.fromkeys(values))
