"""Limits: what headers say, what is let through when, and what a service that enforces sees."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.llm.rate_headers import allowance, duration, retry_after
from resources.llm.rate_limit import HeldTooLong, RateLimiter, TokenEstimate
from tests.llm_server import LlmServer
from tests.llm_server_troubles import Trouble
from tests.resources.llm.questions import answered, ask_many

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("120ms", 0.12),
        ("1h2m3.5s", 3723.5),
        ("59.7s", 59.7),
        ("1d0h", 86400.0),
        ("30", 30.0),
        (" 2s ", 2.0),
        ("", None),
        ("soon", None),
        ("-1s", None),
        ("1s later", None),
        (None, None),
    ],
)
def test_durations(text: str | None, seconds: float | None) -> None:
    assert duration(text) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Mon, 01 Jun 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Mon, 01 Jun 2026 11:00:00 GMT"}, 0.0),
        (
            {
                "retry-after": "Mon, 01 Jun 2026 12:00:30 GMT",
                "date": "Mon, 01 Jun 2026 12:00:20 GMT",
            },
            10.0,
        ),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "inf"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@given(
    st.dictionaries(
        st.sampled_from(["retry-after", "retry-after-ms", "date", "x-ratelimit-reset-tokens"])
        | st.sampled_from([f"x-ratelimit-{n}-tokens" for n in ("limit", "remaining")]),
        st.text() | st.floats().map(str),
    )
)
def test_headers_of_any_kind_are_survived(headers: dict[str, str]) -> None:
    seconds = retry_after(headers, NOW)
    assert seconds is None or 0 <= seconds < float("inf")
    said = allowance(headers, "tokens")
    assert said.per_minute is None or said.per_minute > 0


def test_a_limit_counts_for_its_own_period() -> None:
    headers = {"x-ratelimit-limit-requests": "50", "x-ratelimit-renewalperiod-requests": "10"}
    assert allowance(headers, "requests").per_minute == 300
    for unknown in ("0", "-1"):
        assert allowance({"x-ratelimit-limit-tokens": unknown}, "tokens").per_minute is None


def passed(work: Callable[[], Awaitable[None]]) -> float:
    """Seconds that `work` took, in a loop of its own."""

    async def run() -> float:
        start = asyncio.get_running_loop().time()
        await work()
        return asyncio.get_running_loop().time() - start

    return asyncio.run(run())


async def go_through(limiter: RateLimiter, size: int = 4, room: int = 1) -> None:
    async with limiter.slot(size, room, patience=60):
        await asyncio.sleep(0)


def test_requests_leave_evenly() -> None:
    async def work() -> None:
        limiter = RateLimiter(requests_per_minute=6000)
        await asyncio.gather(*(go_through(limiter) for _ in range(50)))

    assert passed(work) >= 45 / 100


def test_tokens_leave_evenly_and_large_needs_keep_their_turn() -> None:
    ended: list[int] = []

    async def one(limiter: RateLimiter, room: int) -> None:
        await go_through(limiter, room=room)
        ended.append(room)

    async def work() -> None:
        limiter = RateLimiter(tokens_per_minute=60_000)
        rooms = [99, 299, 9, 399, 8, 7]
        await asyncio.gather(*(one(limiter, room) for room in rooms))
        assert ended == rooms

    assert passed(work) >= (100 + 300 + 10 + 400 + 9 + 8) / 1000 - 0.45


def test_no_more_than_allowed_are_in_flight() -> None:
    busy = most = 0

    async def one(limiter: RateLimiter) -> None:
        nonlocal busy, most
        async with limiter.slot(1, 1, patience=1):
            busy += 1
            most = max(most, busy)
            await asyncio.sleep(0.01)
            busy -= 1

    async def work() -> None:
        limiter = RateLimiter(max_in_flight=3)
        await asyncio.gather(*(one(limiter) for _ in range(20)))

    passed(work)
    assert most == 3


def test_a_cancelled_request_gives_its_place_back() -> None:
    async def work() -> None:
        limiter = RateLimiter(max_in_flight=1)
        hanging = asyncio.create_task(asyncio.wait_for(_hang(limiter), 0.01))
        with pytest.raises(TimeoutError):
            await hanging
        await asyncio.wait_for(go_through(limiter), 1)

    passed(work)


async def _hang(limiter: RateLimiter) -> None:
    async with limiter.slot(1, 1, patience=1):
        await asyncio.sleep(60)


def test_limits_are_learned_and_never_above_what_was_given() -> None:
    async def work() -> None:
        limiter = RateLimiter(requests_per_minute=100)
        limiter.learn({"x-ratelimit-limit-requests": "500", "x-ratelimit-limit-tokens": "9000"})
        assert (limiter.requests_per_minute, limiter.tokens_per_minute) == (100, 9000)
        limiter.learn({"x-ratelimit-limit-requests": "60"})
        assert (limiter.requests_per_minute, limiter.tokens_per_minute) == (60, 9000)
        limiter.learn({})
        assert (limiter.requests_per_minute, limiter.tokens_per_minute) == (60, 9000)

    passed(work)


def test_nothing_left_slows_down_but_does_not_wait_for_all_of_it() -> None:
    async def work() -> None:
        limiter = RateLimiter()
        limiter.learn(
            {
                "x-ratelimit-limit-requests": "600",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "1m0s",
            }
        )
        await go_through(limiter)

    assert 0.1 <= passed(work) < 5


def test_a_hold_stops_everything_and_the_impatient_at_once() -> None:
    async def work() -> None:
        limiter = RateLimiter()
        limiter.hold(0.2)
        limiter.hold(0.1)
        with pytest.raises(HeldTooLong):
            async with limiter.slot(1, 1, patience=0.05):
                pass
        await asyncio.gather(*(go_through(limiter) for _ in range(5)))

    assert passed(work) >= 0.2


@given(st.lists(st.integers(1, 400), min_size=60, max_size=60))
def test_the_estimate_finds_the_services_ratio(observed: list[int]) -> None:
    estimate = TokenEstimate()
    for tokens in observed:
        estimate.learn(100, tokens)
    assert min(observed) * 0.9 <= estimate.needed(100, 0) <= max(observed) * 1.1 + 1
    assert estimate.needed(0, 7) == 8


@pytest.mark.parametrize("flavour", ["sliding", "bucket"])
@pytest.mark.parametrize("limits", [{"requests_per_minute": 1200}, {"tokens_per_minute": 90_000}])
def test_an_enforced_limit_is_used_without_a_storm(flavour: str, limits: dict[str, float]) -> None:
    with LlmServer(answered, flavour=flavour, window=1, **limits) as server:  # type: ignore[arg-type]
        start = time.monotonic()
        attempts = ask_many(server, 40, max_attempts=5)
        took = time.monotonic() - start
    assert [replies[-1].outcome for replies in attempts] == ["answered"] * 40
    assert server.statuses[200] == 40
    # At the limit it is two seconds; a busy machine makes it longer, never shorter.
    assert took >= 1.0
    assert server.statuses[429] <= 10


def test_the_first_request_goes_alone_and_names_the_limits() -> None:
    with LlmServer(answered, requests_per_minute=600, latency=0.1) as server:
        server.troubles.append(Trouble(headers={"x-ratelimit-limit-requests": "600"}, delay=0.2))
        start = time.monotonic()
        ask_many(server, 5)
    assert len(server.received) == 5
    assert server.admitted_at[0] - start >= 0.2
    gaps = [b - a for a, b in zip(server.admitted_at, server.admitted_at[1:], strict=False)]
    assert min(gaps) > 0.03


def test_in_flight_is_bounded_at_the_service(server: LlmServer) -> None:
    server.troubles.extend([Trouble(delay=0.05)] * 30)
    attempts = ask_many(server, 30, max_in_flight=4)
    assert all(replies[-1].outcome == "answered" for replies in attempts)
    assert 2 <= server.most_at_once <= 4
