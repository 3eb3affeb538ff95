"""A model behind OpenAI, Azure OpenAI, or any service that speaks Chat Completions.

Belongs here: sending a question, telling how each attempt ended, trying again. Does not belong
here: the JSON (chat_wire.py), limits (rate_limit.py), batch files (openai_batch.py).

Nothing here logs. At level DEBUG the libraries underneath log addresses, sizes and response
headers, and neither bodies nor credentials; a test holds that.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter

import openai
from pydantic import BaseModel
from tenacity import AsyncRetrying, RetryCallState, retry_if_result
from tenacity.wait import wait_exponential_jitter

from resources.llm.base import TRANSIENT, BatchState, ModelReply, ModelRequest, Outcome
from resources.llm.chat_wire import question_bytes, read_completion, request_body
from resources.llm.entra import EntraTokens, SignInFailed
from resources.llm.openai_batch import OpenAIBatches
from resources.llm.openai_client import Service, open_client
from resources.llm.rate_headers import retry_after
from resources.llm.rate_limit import HeldTooLong, RateLimiter
from resources.llm.service_errors import outcome_of


class OpenAIModel:
    """Asks one model or deployment; made by `connect`. Belongs to the event loop it is first
    used in: make one for each, and `aclose` it there."""

    def __init__(
        self,
        client: openai.AsyncOpenAI,
        model: str,
        limiter: RateLimiter,
        *,
        entra: EntraTokens | None = None,
        timeout_seconds: float = 120,
        max_attempts: int = 6,
        max_wait_seconds: float = 300,
        backoff_seconds: float = 0.5,
    ) -> None:
        """`client` must not retry by itself. See `connect` for the rest."""
        self._client = client
        self._model = model
        self._limiter = limiter
        self._entra = entra
        self._timeout = timeout_seconds
        self._max_attempts = max_attempts
        self._max_wait = max_wait_seconds
        self._backoff = wait_exponential_jitter(
            multiplier=backoff_seconds, max=60, jitter=backoff_seconds
        )
        self._batches = OpenAIBatches(client, model)

    @property
    def name(self) -> str:
        """Deployment or model asked for."""
        return self._model

    async def ask(self, request: ModelRequest) -> list[ModelReply]:
        """Ask once, trying again where that may help; every attempt in order, the last decides.

        A retry waits as long as Retry-After says, else longer each time; it is not made when
        all waits of this request would exceed the longest allowed. Raises
        `ModelRequestForbidden`, and nothing else.
        """
        replies: list[ModelReply] = []

        async def attempt() -> ModelReply:
            replies.append(await self._attempt(request))
            return replies[-1]

        await AsyncRetrying(
            retry=retry_if_result(lambda reply: reply.outcome in TRANSIENT),
            wait=self._pause_before_retry,
            stop=self._gives_up,
            retry_error_callback=lambda _: None,
        )(attempt)
        return replies

    def split(self, requests: Mapping[str, ModelRequest]) -> Iterator[dict[str, ModelRequest]]:
        """Parts of `requests`, each small enough for one `submit`."""
        return self._batches.split(requests)

    async def submit(self, requests: Mapping[str, ModelRequest]) -> str:
        """Hand over requests by custom id; the batch's id.

        Raises `ModelUnavailable`; `ValueError` when they are more than one batch may hold.
        """
        return await self._batches.submit(requests)

    async def collect(self, batch_id: str, answers: Mapping[str, type[BaseModel]]) -> BatchState:
        """Where the batch stands; a reply for every id of `answers` once it has ended.

        Raises `ModelUnavailable` when the service can't be reached.
        """
        return await self._batches.collect(batch_id, answers)

    async def cancel(self, batch_id: str) -> None:
        """Stop a batch; what has ended may still be collected. Raises `ModelUnavailable`."""
        await self._batches.cancel(batch_id)

    async def aclose(self) -> None:
        """Give back connections."""
        await self._client.close()
        if self._entra is not None:
            await self._entra.aclose()

    async def _attempt(self, request: ModelRequest) -> ModelReply:
        size = question_bytes(request)
        try:
            async with self._limiter.slot(size, request.max_output_tokens, self._max_wait):
                reply = await self._send(request)
        except HeldTooLong as held:
            error = f"not sent: {held}"
            reply = _reply_now("rate_limited")
            return replace(reply, retry_after=held.seconds, error=error)
        self._limiter.estimate.learn(size, reply.usage.input)
        return reply

    async def _send(self, request: ModelRequest) -> ModelReply:
        reply, start = _reply_now("server_error"), perf_counter()
        headers: Mapping[str, str] = {}
        try:
            async with asyncio.timeout(self._timeout):
                raw = await self._client.chat.completions.with_raw_response.create(
                    **request_body(request, self._model)
                )
            headers = raw.headers
            reply = replace(reply, status=raw.status_code)
            reply = read_completion(_json(raw.content), request.answer, reply)
        except openai.APIStatusError as error:
            headers = error.response.headers
            outcome, text = outcome_of(error.status_code, error.body)
            reply = replace(reply, outcome=outcome, error=text, status=error.status_code)
        except (openai.APITimeoutError, TimeoutError):
            text = f"no answer within {self._timeout:g} s"
            reply = replace(reply, outcome="timeout", error=text)
        except openai.APIConnectionError as error:
            text = f"the connection failed ({type(error.__cause__).__name__})"
            reply = replace(reply, outcome="connection_error", error=text)
        except SignInFailed as error:
            reply = replace(reply, outcome="rejected", error=str(error))
        self._obey(reply, headers)
        return replace(
            reply,
            latency_ms=(perf_counter() - start) * 1000,
            retry_after=retry_after(headers),
            request_id=headers.get("x-request-id") or headers.get("apim-request-id", ""),
        )

    def _obey(self, reply: ModelReply, headers: Mapping[str, str]) -> None:
        self._limiter.learn(headers)
        if reply.outcome in ("rate_limited", "server_error"):
            pause = retry_after(headers)
            if pause is None and reply.outcome == "rate_limited":
                pause = 1.0
            self._limiter.hold(pause or 0.0)

    def _pause_before_retry(self, state: RetryCallState) -> float:
        return max(self._backoff(state), _last_reply(state).retry_after or 0.0)

    def _gives_up(self, state: RetryCallState) -> bool:
        waited = state.idle_for + state.upcoming_sleep
        return state.attempt_number >= self._max_attempts or waited > self._max_wait


def connect(
    *,
    model: str,
    service: Service = "azure",
    endpoint: str | None = None,
    api_key: str | None = None,
    entra_id: bool = False,
    api_version: str = "2024-10-21",
    max_in_flight: int = 32,
    requests_per_minute: float | None = None,
    tokens_per_minute: float | None = None,
    timeout_seconds: float = 120,
    max_attempts: int = 6,
    max_wait_seconds: float = 300,
    backoff_seconds: float = 0.5,
) -> OpenAIModel:
    """A model behind `endpoint`; nothing is sent yet.

    `service` ``azure``: `endpoint` is the resource's address, `model` the deployment's name.
    ``openai``: `endpoint` is a base address such as ``https://host/v1``, by default OpenAI's own;
    a service of one's own may need no key. Limits left None are learned from the service; a
    limit given is a ceiling. `timeout_seconds` is for one attempt; `max_wait_seconds` for the
    waits between the attempts at one question, and for any pause the service asks for. Raises
    `ValueError` when the address, credentials or limits will not do.
    """
    limiter = RateLimiter(
        max_in_flight=max_in_flight,
        requests_per_minute=requests_per_minute,
        tokens_per_minute=tokens_per_minute,
    )
    entra = EntraTokens() if entra_id else None
    client = open_client(
        model=model,
        service=service,
        endpoint=endpoint,
        api_key=api_key,
        entra=entra,
        api_version=api_version,
        timeout_seconds=timeout_seconds,
    )
    return OpenAIModel(
        client,
        model,
        limiter,
        entra=entra,
        timeout_seconds=timeout_seconds,
        max_attempts=max_attempts,
        max_wait_seconds=max_wait_seconds,
        backoff_seconds=backoff_seconds,
    )


def _reply_now(outcome: Outcome) -> ModelReply:
    return ModelReply(outcome, datetime.now(UTC), latency_ms=0.0)


def _last_reply(state: RetryCallState) -> ModelReply:
    assert state.outcome is not None
    reply: ModelReply = state.outcome.result()
    return reply


def _json(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
