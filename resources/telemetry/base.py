"""What telemetry promises: spans that share a trace by run, and numbers, for whoever watches.

Belongs here: the protocols, and telemetry nobody watches. Does not belong here: how it is sent,
and what is measured.

Names, keys, counts and durations only: what a caller hands over leaves the house.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Attribute = str | int | float | bool | Sequence[str]


class Span(Protocol):
    """Something that is going on, from its beginning to its end."""

    def set(self, attributes: Mapping[str, Attribute]) -> None:
        """Add what has become known of it."""
        ...


class Telemetry(Protocol):
    """Where spans and numbers go. Never raises, never waits for a receiver."""

    def span(self, name: str, run_id: str | None = None) -> AbstractContextManager[Span]:
        """A span around what is done within it.

        With `run_id` it belongs to that run's trace, whichever process it is in. Without, it
        belongs to the span it is opened in, and where there is none, nothing is sent. An
        exception that passes through marks it as failed, by its type alone.
        """
        ...

    def count(
        self, name: str, amount: float, unit: str, attributes: Mapping[str, Attribute]
    ) -> None:
        """Add to a sum that only grows."""
        ...

    def measure(
        self, name: str, value: float, unit: str, attributes: Mapping[str, Attribute]
    ) -> None:
        """Add a value to a distribution."""
        ...


class _NoSpan:
    def set(self, attributes: Mapping[str, Attribute]) -> None:
        """Nobody watches."""


NO_SPAN: Span = _NoSpan()


class NoTelemetry:
    """Telemetry nobody watches."""

    @contextmanager
    def span(self, name: str, run_id: str | None = None) -> Iterator[Span]:
        """A span that goes nowhere."""
        yield NO_SPAN

    def count(
        self, name: str, amount: float, unit: str, attributes: Mapping[str, Attribute]
    ) -> None:
        """Nothing."""

    def measure(
        self, name: str, value: float, unit: str, attributes: Mapping[str, Attribute]
    ) -> None:
        """Nothing."""
