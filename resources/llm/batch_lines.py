"""Lines of batch files: questions going in, answers and errors coming out.

Belongs here: one line's JSON, the limits of a file. Does not belong here: upload and download
(openai_batch.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import IO, Any

from pydantic import BaseModel

from resources.llm.base import BatchStatus, ModelReply, ModelRequest
from resources.llm.chat_wire import read_completion, request_body
from resources.llm.service_errors import outcome_of

MAX_REQUESTS = 50_000
"""Requests a file, by OpenAI's limit; Azure takes twice as many."""
MAX_BYTES = 200_000_000
"""Bytes a file, at both."""


def parts(
    requests: Mapping[str, ModelRequest],
    model: str,
    url: str,
    max_requests: int = MAX_REQUESTS,
    max_bytes: int = MAX_BYTES,
) -> Iterator[dict[str, ModelRequest]]:
    """`requests` in order, in parts that fit a file. A request too large for any file makes a
    part of its own, for `write_lines` to refuse."""
    part: dict[str, ModelRequest] = {}
    size = 0
    for key, request in requests.items():
        line = len(_line(key, request, model, url))
        if part and (len(part) == max_requests or size + line > max_bytes):
            yield part
            part, size = {}, 0
        part[key] = request
        size += line
    if part:
        yield part


def write_lines(
    file: IO[bytes],
    requests: Mapping[str, ModelRequest],
    model: str,
    url: str,
    max_bytes: int = MAX_BYTES,
) -> None:
    """Write `requests` as a batch's input file, a line at a time.

    Raises `ValueError` for no requests, and for more than a file may hold.
    """
    if not requests:
        raise ValueError("a batch needs at least one request")
    if len(requests) > MAX_REQUESTS:
        raise ValueError(
            f"{len(requests):,} requests are more than the {MAX_REQUESTS:,} of one batch; "
            "submit the parts that split() makes"
        )
    for key, request in requests.items():
        file.write(_line(key, request, model, url))
        if file.tell() > max_bytes:
            raise ValueError(
                f"the requests make more than the {max_bytes:,} bytes of one batch; submit the "
                "parts that split() makes"
            )


def read_line(
    line: bytes, answers: Mapping[str, type[BaseModel]], empty: ModelReply
) -> tuple[str, ModelReply] | None:
    """The custom id of a result line and `empty` filled from it; None when the line can't be
    read or belongs to none of `answers`."""
    try:
        result = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(result, dict):
        return None
    key = result.get("custom_id")
    if not isinstance(key, str) or key not in answers:
        return None
    response = result.get("response")
    if isinstance(response, dict) and isinstance(response.get("status_code"), int):
        return key, _read_response(response, answers[key], empty)
    error = result.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    if code == "batch_expired":
        return key, never_ran("expired", empty)
    if code == "batch_cancelled":
        return key, never_ran("cancelled", empty)
    return key, replace(empty, error="the service reports an error in place of an answer")


def never_ran(status: BatchStatus, empty: ModelReply) -> ModelReply:
    """The reply to a request that a batch which ended as `status` left unanswered."""
    if status == "expired":
        return replace(empty, outcome="timeout", error="the batch expired before this request")
    if status == "failed":
        return replace(empty, outcome="rejected", error="the service did not accept the batch")
    if status == "cancelled":
        return replace(empty, error="the batch was cancelled before this request")
    return replace(empty, error="the batch's files have no readable line for this request")


def _read_response(
    response: dict[str, Any], answer: type[BaseModel], empty: ModelReply
) -> ModelReply:
    status = response["status_code"]
    body = response.get("body")
    reply = replace(empty, status=status, request_id=str(response.get("request_id") or ""))
    if status == 200:
        return read_completion(body, answer, reply)
    outcome, error = outcome_of(status, body)
    return replace(reply, outcome=outcome, error=error)


def _line(key: str, request: ModelRequest, model: str, url: str) -> bytes:
    line = {"custom_id": key, "method": "POST", "url": url, "body": request_body(request, model)}
    return json.dumps(line, ensure_ascii=False).encode() + b"\n"
