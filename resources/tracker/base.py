"""What a tracker promises: issues that are created at most once a request, and found again.

Belongs here: the protocol and its neutral types. Does not belong here: one tracker's API, and
which feedback deserves an issue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class OutcomeUnknown(RuntimeError):
    """The request may or may not have reached the tracker. Look it up later; don't send again."""


class Refused(RuntimeError):
    """The tracker said no; nothing was created. The message is the tracker's."""


@dataclass(frozen=True, slots=True)
class IssueDraft:
    """An issue to be created: `body` is Markdown, `idempotency_key` travels with it."""

    idempotency_key: str
    queue: str
    title: str
    body: str
    labels: tuple[str, ...]
    priority: str


@dataclass(frozen=True, slots=True)
class IssueStatus:
    """Where an issue stands: `status` in the tracker's words, `is_open` in ours."""

    key: str
    status: str
    is_open: bool
    resolved_at: datetime | None


class Tracker(Protocol):
    """A place issues live. Each method is one attempt; retries are the caller's decision."""

    name: str
    finds_at_once: bool
    """Whether `find` sees a created issue at once; where search lags, absence proves nothing."""

    def create(self, draft: IssueDraft) -> str:
        """Create the issue and return its key. Raises `OutcomeUnknown` or `Refused`."""
        ...

    def find(self, idempotency_key: str) -> str | None:
        """The key of the issue that carries `idempotency_key`, if there is one."""
        ...

    def add(self, key: str, note_key: str, note: str) -> None:
        """Add a Markdown note to an issue, once for each `note_key`."""
        ...

    def statuses(self, keys: Sequence[str]) -> Mapping[str, IssueStatus]:
        """Where each of `keys` stands; keys the tracker no longer knows are absent."""
        ...
