"""Keeps requests within a service's limits: how many at once, and how much in a minute.

Belongs here: waiting one's turn, learning limits, pauses, the token estimate. Does not belong
here: what is sent, and trying again (openai_model.py).

Requests leave evenly, never as a minute's worth at once, because services judge a limit per
minute over windows as short as a second (Azure OpenAI, "Understanding rate limits"). With a
limit of n in a window of any length T of a second or more, at most
``0.98 n + 1 + 0.02 * 0.98 n / T < n + 1`` requests leave within it: 2% below the limit, and
20 ms worth of catching up for a timer that fires late.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiolimiter import AsyncLimiter

from resources.llm.rate_headers import Allowance, allowance

_HEADROOM = 0.98
_CATCH_UP_SECONDS = 0.02
_GROWTH = 1.25


class HeldTooLong(Exception):
    """The service asked for a pause of `seconds` more, which is longer than the caller waits."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the service asked for a pause of {seconds:.0f} s more")
        self.seconds = seconds


class RateLimiter:
    """Lets requests pass in the order they come, as the service's limits allow.

    A limit given here is a ceiling; what the service reports counts where it is lower. Unless
    both are given, the first request goes alone, so that its answer can name them.
    Belongs to the event loop it is first used in.
    """

    def __init__(
        self,
        *,
        max_in_flight: int = 32,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
    ) -> None:
        """Limits are per minute, None for no limit. Raises `ValueError` unless positive."""
        for name, limit in (
            ("max_in_flight", max_in_flight),
            ("requests_per_minute", requests_per_minute),
            ("tokens_per_minute", tokens_per_minute),
        ):
            if limit is not None and limit <= 0:
                raise ValueError(f"{name} is {limit}; it must be greater than 0")
        self._requests = _Pace(requests_per_minute)
        self._tokens = _Pace(tokens_per_minute)
        self.estimate = TokenEstimate()
        self._in_flight = asyncio.Semaphore(max_in_flight)
        self._turn = asyncio.Lock()
        self._first_sent = requests_per_minute is not None and tokens_per_minute is not None
        self._first_ended = asyncio.Event()
        if self._first_sent:
            self._first_ended.set()
        self._resume_at = 0.0

    @property
    def requests_per_minute(self) -> float | None:
        """The limit in force, None while there is none."""
        return self._requests.per_minute

    @property
    def tokens_per_minute(self) -> float | None:
        """The limit in force, None while there is none."""
        return self._tokens.per_minute

    @asynccontextmanager
    async def slot(
        self, input_bytes: int, max_output_tokens: int, patience: float
    ) -> AsyncIterator[None]:
        """A place in flight for a request of that size, held until the block ends.

        Raises `HeldTooLong` at once when a pause has more than `patience` seconds to go.
        """
        async with self._in_flight:
            async with self._turn:
                if self._first_sent:
                    await self._first_ended.wait()
                await self._sit_out_pause(patience)
                await self._requests.take(1)
                # Estimated only now: what was learned while this one waited counts.
                await self._tokens.take(self.estimate.needed(input_bytes, max_output_tokens))
                await self._sit_out_pause(patience)
                self._first_sent = True
            try:
                yield
            finally:
                self._first_ended.set()

    def hold(self, seconds: float) -> None:
        """Let nothing pass for `seconds` from now, or longer where a longer pause stands."""
        self._resume_at = max(self._resume_at, asyncio.get_running_loop().time() + seconds)

    def learn(self, headers: Mapping[str, str]) -> None:
        """Take over the limits a response names; slow down when it says nothing is left."""
        for kind, pace in (("requests", self._requests), ("tokens", self._tokens)):
            said = allowance(headers, kind)
            pace.learn(said.per_minute)
            if said.remaining == 0:
                self.hold(_refill_seconds(said))

    async def _sit_out_pause(self, patience: float) -> None:
        loop = asyncio.get_running_loop()
        while (left := self._resume_at - loop.time()) > 0:
            if left > patience:
                raise HeldTooLong(left)
            await asyncio.sleep(left)


class TokenEstimate:
    """How many tokens a request needs, by the service's count when it admits one: the question
    and the whole room for the answer, not the answer that comes.

    Bytes of UTF-8 a token vary less between scripts than characters do; the ratio starts at a
    quarter token a byte and follows what the service reports.
    """

    def __init__(self) -> None:
        self.tokens_per_byte = 0.25

    def needed(self, input_bytes: int, max_output_tokens: int) -> int:
        """Tokens to reserve."""
        return max(1, round(input_bytes * self.tokens_per_byte)) + max_output_tokens

    def learn(self, input_bytes: int, input_tokens: int) -> None:
        """Move the ratio a tenth of the way to the one observed."""
        if input_bytes and input_tokens:
            self.tokens_per_byte += 0.1 * (input_tokens / input_bytes - self.tokens_per_byte)


class _Pace:
    """Spends one limit evenly. Used by one waiter at a time, so nothing overtakes."""

    def __init__(self, ceiling: float | None) -> None:
        self._ceiling = ceiling
        self.per_minute = ceiling
        self._used = False
        self._rate = 0.0
        self._largest = 0.0
        self._limiter: AsyncLimiter | None = None

    def learn(self, per_minute: float | None) -> None:
        if per_minute is not None:
            self.per_minute = min(per_minute, self._ceiling or per_minute)

    async def take(self, amount: float) -> None:
        used, self._used = self._used, True
        if self.per_minute is None:
            return
        rate = self.per_minute * _HEADROOM / 60
        if self._limiter is None or rate != self._rate or amount > self._largest:
            if amount > self._largest:
                self._largest = amount * _GROWTH if self._largest else amount
            self._rate = rate
            capacity = self._largest + rate * _CATCH_UP_SECONDS
            self._limiter = AsyncLimiter(capacity, capacity / rate)
            if used:
                # A new bucket is empty; what went before must still be paid off.
                await self._limiter.acquire(capacity)
        await self._limiter.acquire(amount)


def _refill_seconds(said: Allowance) -> float:
    """How long a service with nothing left needs to have something again.

    `reset` is the time to a full allowance; waiting that long would waste most of it.
    """
    one = 60.0 / said.per_minute if said.per_minute else 1.0
    return min(max(one, 0.1), 1.0 if said.reset is None else said.reset)
