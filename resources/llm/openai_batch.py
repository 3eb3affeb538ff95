"""Batches of an OpenAI-compatible service: many questions in a file, answered within a day.

Belongs here: upload, state, reading the result files. Does not belong here: the lines
(batch_lines.py), and when to look again.

Nothing here is tried again: a creation sent twice would be paid twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from tempfile import TemporaryFile
from typing import Any, cast

import httpx2
import openai
from openai.types import Batch
from pydantic import BaseModel

from resources.llm.base import BatchState, BatchStatus, ModelReply, ModelRequest, ModelUnavailable
from resources.llm.batch_lines import never_ran, parts, read_line, write_lines
from resources.llm.entra import SignInFailed
from resources.llm.service_errors import named_fields, outcome_of

_STATUS: dict[str, BatchStatus] = {
    "validating": "running",
    "in_progress": "running",
    "finalizing": "running",
    "cancelling": "running",
    "completed": "completed",
    "failed": "failed",
    "expired": "expired",
    "cancelled": "cancelled",
}
_STILL_CHECKED = ("pending", "notRunning", "running")
_TRANSFER_SECONDS = 600.0


class OpenAIBatches:
    """Batches of one model or deployment."""

    def __init__(self, client: openai.AsyncOpenAI, model: str) -> None:
        azure = isinstance(client, openai.AsyncAzureOpenAI)
        self._client = client
        self._model = model
        self._url = "/chat/completions" if azure else "/v1/chat/completions"

    def split(self, requests: Mapping[str, ModelRequest]) -> Iterator[dict[str, ModelRequest]]:
        """Parts of `requests` that each fit one batch."""
        return parts(requests, self._model, self._url)

    async def submit(self, requests: Mapping[str, ModelRequest]) -> str:
        """Upload and start one batch; its id.

        Raises `ModelUnavailable`; `ValueError` for no requests or more than a batch may hold.
        """
        with TemporaryFile() as file:
            await asyncio.to_thread(write_lines, file, requests, self._model, self._url)
            file.seek(0)
            with _service_trouble():
                # The package takes any IO[bytes]; a path it would read whole.
                uploaded = await self._client.files.create(
                    file=("batch.jsonl", file, "application/jsonl"),
                    purpose="batch",
                    timeout=_TRANSFER_SECONDS,
                )
        with _service_trouble():
            await self._until_processed(uploaded.id)
            batch = await self._client.batches.create(
                input_file_id=uploaded.id,
                endpoint=cast(Any, self._url),
                completion_window="24h",
            )
        return batch.id

    async def collect(self, batch_id: str, answers: Mapping[str, type[BaseModel]]) -> BatchState:
        """The batch's state, with a reply for every id of `answers` once it has ended.

        A request that never ran, or whose line is missing or can't be read, gets a transient
        outcome. Raises `ModelUnavailable`.
        """
        with _service_trouble():
            batch = await self._client.batches.retrieve(batch_id)
        status = _STATUS.get(batch.status, "running")
        if status == "running":
            return BatchState("running")
        started, seconds = _times(batch)
        empty = ModelReply("server_error", started, seconds * 1000)
        replies: dict[str, ModelReply] = {}
        strange = 0
        for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
            async for line in self._lines(file_id):
                read = read_line(line, answers, empty)
                if read is None or read[0] in replies:
                    strange += 1
                else:
                    replies[read[0]] = read[1]
        unread = never_ran(status, empty)
        replies.update({key: unread for key in answers if key not in replies})
        return BatchState(status, replies, _trouble(batch, strange))

    async def cancel(self, batch_id: str) -> None:
        """Stop a batch. Raises `ModelUnavailable`."""
        with _service_trouble():
            await self._client.batches.cancel(batch_id)

    async def _until_processed(self, file_id: str) -> None:
        # Azure checks an uploaded file for a while before a batch may be made of it.
        deadline = asyncio.get_running_loop().time() + _TRANSFER_SECONDS
        pause = 0.5
        while (file := await self._client.files.retrieve(file_id)).status in _STILL_CHECKED:
            if asyncio.get_running_loop().time() > deadline:
                raise ModelUnavailable("the service is still checking the uploaded file")
            await asyncio.sleep(pause)
            pause = min(pause * 2, 10.0)
        if file.status == "error":
            raise ModelUnavailable("the service found the uploaded batch file faulty")

    async def _lines(self, file_id: str) -> AsyncIterator[bytes]:
        # Not the package's own lines: it also breaks at characters that JSON strings may hold.
        rest = b""
        with _service_trouble():
            content = self._client.files.with_streaming_response.content
            async with content(file_id, timeout=_TRANSFER_SECONDS) as response:
                async for chunk in response.iter_bytes():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in filter(bytes.strip, lines):
                        yield line
        if rest.strip():
            yield rest


@contextmanager
def _service_trouble() -> Iterator[None]:
    """Turns the client's exceptions into `ModelUnavailable`, without what they quote."""
    try:
        yield
        return
    except openai.APIStatusError as error:
        _, text = outcome_of(error.status_code, error.body)
    except (openai.APIConnectionError, httpx2.HTTPError) as error:
        kind = type(error.__cause__ or error).__name__
        text = f"the service can't be reached ({kind}); try again later"
    except SignInFailed as error:
        text = str(error)
    raise ModelUnavailable(text) from None


def _times(batch: Batch) -> tuple[datetime, float]:
    """When the batch began, and how many seconds it took."""
    start = batch.in_progress_at or batch.created_at
    end = batch.completed_at or batch.expired_at or batch.cancelled_at or batch.failed_at or start
    return datetime.fromtimestamp(start, UTC), max(0.0, end - start)


def _trouble(batch: Batch, strange: int) -> str:
    faults = batch.errors.data if batch.errors and batch.errors.data else []
    texts = [named_fields(fault.model_dump(), "code", "param", "line") for fault in faults[:5]]
    if strange:
        texts.append(f"{strange} result lines belong to no request")
    return "; ".join(filter(None, texts))
