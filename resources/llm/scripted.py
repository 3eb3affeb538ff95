"""A model that answers from a script, for tests: the project's own and its users'.

Belongs here: playing answers and troubles. Does not belong here: expectations about them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from pydantic import BaseModel

from resources.llm.answers import read_answer
from resources.llm.base import (
    TRANSIENT,
    BatchState,
    BatchStatus,
    ModelReply,
    ModelRequest,
    ModelUnavailable,
    Outcome,
    Usage,
)

Scripted = BaseModel | str | ModelReply
"""An answer, the text of one, or a whole reply: any outcome can be played."""


def trouble(outcome: Outcome, error: str = "scripted", text: str = "") -> ModelReply:
    """A reply that ended as `outcome`, for a script."""
    return ModelReply(outcome, datetime.now(UTC), latency_ms=0.0, text=text, error=error)


class ScriptedModel:
    """Answers each attempt from a function of the request, or from a list in order.

    A text is read as the request's answer type, so one that does not fit is `malformed`.
    Transient outcomes are tried again at once. `requests` keeps every attempt's request.
    """

    def __init__(
        self,
        script: Callable[[ModelRequest], Scripted] | Iterable[Scripted],
        *,
        name: str = "scripted",
        max_attempts: int = 3,
        looks_before_end: int = 0,
        batch_end: BatchStatus = "completed",
    ) -> None:
        """A batch says it is running `looks_before_end` times, then ends as `batch_end`; only
        one that completes is answered."""
        self._script = script if callable(script) else _in_order(script)
        self._name = name
        self._max_attempts = max_attempts
        self._looks_before_end = looks_before_end
        self._batch_end = batch_end
        self._batches: list[_Batch] = []
        self.requests: list[ModelRequest] = []

    @property
    def name(self) -> str:
        """Deployment or model asked for."""
        return self._name

    async def ask(self, request: ModelRequest) -> list[ModelReply]:
        """Every attempt in order, the last decides."""
        replies = [self._reply(request)]
        while replies[-1].outcome in TRANSIENT and len(replies) < self._max_attempts:
            replies.append(self._reply(request))
        return replies

    def split(self, requests: Mapping[str, ModelRequest]) -> Iterator[dict[str, ModelRequest]]:
        """All of them: a script has no limits."""
        if requests:
            yield dict(requests)

    async def submit(self, requests: Mapping[str, ModelRequest]) -> str:
        """Keep requests; the batch's id. Raises `ValueError` for none."""
        if not requests:
            raise ValueError("a batch needs at least one request")
        self._batches.append(_Batch(dict(requests), self._looks_before_end, self._batch_end))
        return f"batch_{len(self._batches)}"

    async def collect(self, batch_id: str, answers: Mapping[str, type[BaseModel]]) -> BatchState:
        """Answer a batch when it has been looked at often enough. Raises `ModelUnavailable`."""
        batch = self._batch(batch_id)
        if batch.looks_left > 0 and batch.status != "cancelled":
            batch.looks_left -= 1
            return BatchState("running")
        for key, request in batch.requests.items():
            if key in answers and key not in batch.replies:
                asked = replace(request, answer=answers[key])
                batch.replies[key] = (
                    self._reply(asked)
                    if batch.status == "completed"
                    else trouble(_UNANSWERED[batch.status], f"the batch {batch.status}")
                )
        return BatchState(batch.status, {k: v for k, v in batch.replies.items() if k in answers})

    async def cancel(self, batch_id: str) -> None:
        """Stop a batch. Raises `ModelUnavailable`."""
        self._batch(batch_id).status = "cancelled"

    async def aclose(self) -> None:
        """Nothing to give back."""

    def _batch(self, batch_id: str) -> _Batch:
        number = batch_id.removeprefix("batch_")
        if not number.isdecimal() or not 0 < int(number) <= len(self._batches):
            raise ModelUnavailable(f"there is no batch {batch_id}")
        return self._batches[int(number) - 1]

    def _reply(self, request: ModelRequest) -> ModelReply:
        self.requests.append(request)
        scripted = self._script(request)
        if isinstance(scripted, ModelReply):
            return scripted
        text = scripted if isinstance(scripted, str) else scripted.model_dump_json()
        parsed, error = read_answer(text, request.answer)
        return ModelReply(
            outcome="malformed" if parsed is None else "answered",
            started_at=datetime.now(UTC),
            latency_ms=0.0,
            text=text,
            parsed=parsed,
            # About four characters a token, as in English.
            usage=Usage(
                input=(len(request.system) + len(request.user)) // 4, output=len(text) // 4
            ),
            model_version=self._name,
            error=error,
        )


_UNANSWERED: dict[BatchStatus, Outcome] = {
    "failed": "rejected",
    "expired": "timeout",
    "cancelled": "server_error",
}


class _Batch:
    def __init__(
        self, requests: dict[str, ModelRequest], looks_left: int, status: BatchStatus
    ) -> None:
        self.requests = requests
        self.looks_left = looks_left
        self.status: BatchStatus = status
        self.replies: dict[str, ModelReply] = {}


def _in_order(script: Iterable[Scripted]) -> Callable[[ModelRequest], Scripted]:
    answers = iter(script)
    played = 0

    def answer(_: ModelRequest) -> Scripted:
        nonlocal played
        try:
            scripted = next(answers)
        except StopIteration:
            raise LookupError(f"the script ended after {played} answers") from None
        played += 1
        return scripted

    return answer
