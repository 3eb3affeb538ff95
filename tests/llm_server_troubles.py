"""Troubles a language model's service can be in, and the limits it keeps.

Belongs here: what goes wrong, in the shapes OpenAI and Azure OpenAI send it, and counting what
is used. Does not belong here: the server (llm_server.py).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal


@dataclass(frozen=True)
class Trouble:
    """What one request meets instead of its answer.

    `body` replaces the response's JSON, or with bytes its raw body; `choice` changes fields of
    the only choice. `drop` closes the connection before or in the middle of the body. `delay`
    is in seconds, before anything is sent.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: dict[str, Any] | bytes | None = None
    choice: Mapping[str, Any] = field(default_factory=dict)
    drop: Literal["before", "middle"] | None = None
    delay: float = 0.0


def failure(status: int, code: str | None = None, message: str = "no", **fields: Any) -> Trouble:
    """An error in the service's usual form."""
    error = {"message": message, "type": None, "param": None, "code": code, **fields}
    return Trouble(status, body={"error": error})


def too_many(headers: Mapping[str, str], code: str = "rate_limit_exceeded") -> Trouble:
    """A 429 with these headers."""
    return Trouble(429, headers, {"error": {"message": "slow down", "code": code}})


def http_date(seconds_from_now: float) -> str:
    """For Retry-After as a date, which has whole seconds."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds_from_now), usegmt=True)


def content_filter_400() -> Trouble:
    """Azure's refusal of a question."""
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {}}
    return failure(400, "content_filter", "filtered", param="prompt", innererror=inner)


FILTERED_ANSWER = Trouble(choice={"finish_reason": "content_filter", "message": {"content": ""}})
REFUSAL = Trouble(choice={"message": {"content": None, "refusal": "I can't help with that."}})
CUT_OFF = Trouble(choice={"finish_reason": "length", "message": {"content": '{"mood": "ne'}})
DROP_BEFORE = Trouble(drop="before")
DROP_MIDDLE = Trouble(drop="middle")


def answer_text(text: str) -> Trouble:
    """An answer with this text, whatever was asked."""
    return Trouble(choice={"message": {"content": text}})


class Quota:
    """A limit a minute, judged over `window` seconds.

    ``sliding``: no window of that length may hold more than its share. ``bucket``: the share
    is a bucket that refills evenly.
    """

    def __init__(
        self, per_minute: float, flavour: Literal["sliding", "bucket"], window: float
    ) -> None:
        self.per_minute = per_minute
        self._flavour = flavour
        self._window = window
        self._share = per_minute * window / 60
        self._used: deque[tuple[float, float]] = deque()
        self._total = 0.0
        self._level = self._share
        self._seen = time.monotonic()

    def wait_for(self, amount: float) -> float:
        """Seconds until `amount` would be let in; 0 when it is."""
        now = time.monotonic()
        if self._flavour == "bucket":
            self._level = min(self._share, self._level + (now - self._seen) * self._rate)
            self._seen = now
            return max(0.0, (amount - self._level) / self._rate)
        while self._used and self._used[0][0] <= now - self._window:
            self._total -= self._used.popleft()[1]
        if self._total + amount <= self._share:
            return 0.0
        return self._used[0][0] + self._window - now if self._used else self._window

    def use(self, amount: float) -> None:
        """Count what was let in."""
        self._level -= amount
        self._used.append((time.monotonic(), amount))
        self._total += amount

    def headers(self, kind: str) -> dict[str, str]:
        """The x-ratelimit headers, with durations as OpenAI writes them."""
        left = self._level if self._flavour == "bucket" else self._share - self._total
        reset = (self._share - left) / self._rate
        return {
            f"x-ratelimit-limit-{kind}": f"{self.per_minute:.0f}",
            f"x-ratelimit-remaining-{kind}": f"{max(0.0, left):.0f}",
            f"x-ratelimit-reset-{kind}": f"{reset:.3f}s" if reset >= 1 else f"{reset * 1000:.0f}ms",
        }

    @property
    def _rate(self) -> float:
        return self.per_minute / 60
