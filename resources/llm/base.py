"""What the pipeline asks of a language model, whoever serves it.

Belongs here: requests, replies, usage, and the two protocols (one answer at once, a batch).
Does not belong here: any service's client, and what is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from pydantic import BaseModel

Outcome = Literal[
    "answered",
    "malformed",
    "cut_off",
    "refused",
    "filtered",
    "rate_limited",
    "server_error",
    "connection_error",
    "timeout",
    "rejected",
]
"""How one attempt ended. `answered`: the text parses as the answer asked for. `malformed`: it
does not. `cut_off`: the answer ran into its token limit. `refused`: the model declined.
`filtered`: the service's content filter stopped question or answer. `rejected`: the service
refuses the request for good (credentials, unknown deployment, bad request)."""

TRANSIENT: frozenset[Outcome] = frozenset(
    {"rate_limited", "server_error", "connection_error", "timeout"}
)
"""Outcomes that a later attempt at the same request may mend."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One question. `system` is the shared prefix of a stage and comes first, so that the
    service can cache it; `user` holds the items, last. The answer must parse as `answer`.
    """

    system: str
    user: str
    answer: type[BaseModel]
    max_output_tokens: int
    temperature: float | None = 0.0
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one attempt; `cached` is the part of `input` the service had cached."""

    input: int = 0
    cached: int = 0
    output: int = 0


@dataclass(frozen=True, slots=True)
class ModelReply:
    """How one attempt ended, and what it brought.

    `text` is the answer as it came, `parsed` the same as the request's answer type (None unless
    answered). `error` says what went wrong without any text of the question. `retry_after` is
    in seconds, None where the service named none.
    """

    outcome: Outcome
    started_at: datetime
    latency_ms: float
    text: str = ""
    parsed: BaseModel | None = None
    usage: Usage = field(default_factory=Usage)
    model_version: str = ""
    status: int | None = None
    error: str = ""
    retry_after: float | None = None
    request_id: str = ""


class LanguageModel(Protocol):
    """A model behind a service. `name` is what the ledger records: deployment or model."""

    @property
    def name(self) -> str:
        """Deployment or model asked for."""
        ...

    async def ask(self, request: ModelRequest) -> list[ModelReply]:
        """Ask once, trying again where that may help; every attempt in order, the last decides.

        Holds to the service's limits and obeys Retry-After. Trouble with the service is an
        outcome, never an exception.
        """
        ...

    async def aclose(self) -> None:
        """Give back connections."""
        ...


BatchStatus = Literal["running", "completed", "failed", "expired", "cancelled"]


@dataclass(frozen=True, slots=True)
class BatchState:
    """Where a batch stands. `replies` by custom id, for those that have ended so far."""

    status: BatchStatus
    replies: Mapping[str, ModelReply] = field(default_factory=dict)
    error: str = ""


class BatchModel(Protocol):
    """A model that answers many requests later, cheaper."""

    @property
    def name(self) -> str:
        """Deployment or model asked for."""
        ...

    def split(self, requests: Mapping[str, ModelRequest]) -> Iterator[dict[str, ModelRequest]]:
        """`requests` in parts that one `submit` takes."""
        ...

    async def submit(self, requests: Mapping[str, ModelRequest]) -> str:
        """Hand over requests by custom id; the batch's id. Raises `ModelUnavailable`, and
        `ValueError` for none, or more than one batch may hold."""
        ...

    async def collect(self, batch_id: str, answers: Mapping[str, type[BaseModel]]) -> BatchState:
        """Where the batch stands, replies parsed as `answers` has them by custom id. Once it
        has ended there is a reply for each of `answers`: what it left unanswered gets an outcome.

        Raises `ModelUnavailable` when the service can't be reached.
        """
        ...

    async def cancel(self, batch_id: str) -> None:
        """Stop a batch; what has ended may still be collected. Raises `ModelUnavailable`."""
        ...


class ModelUnavailable(Exception):
    """The service can't be reached or refuses; the message says what to do, with no secret."""


class ModelRequestForbidden(Exception):
    """A request to a real model was stopped by the switch that forbids them."""
