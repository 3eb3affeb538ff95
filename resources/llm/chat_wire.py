"""Questions and answers as Chat Completions JSON, the same at once and in a batch.

Belongs here: a request's body, and reading a completion. Does not belong here: sending, errors
(service_errors.py).
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import Any

from openai import pydantic_function_tool
from pydantic import BaseModel, ValidationError

from resources.llm.answers import read_answer
from resources.llm.base import ModelReply, ModelRequest, Usage


def request_body(request: ModelRequest, model: str) -> dict[str, Any]:
    """The body of a chat completion with a strict JSON schema.

    The shared prefix comes first, so that services can cache it. Text that UTF-8 can't carry
    (half a surrogate pair) becomes ``?``, one for one, so that positions stay true.
    """
    body: dict[str, Any] = {
        "model": model,
        "messages": [
            {"role": "system", "content": _sendable(request.system)},
            {"role": "user", "content": _sendable(request.user)},
        ],
        "response_format": _response_format(request.answer),
        "max_completion_tokens": request.max_output_tokens,
    }
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.seed is not None:
        body["seed"] = request.seed
    return body


def question_bytes(request: ModelRequest) -> int:
    """Size of what the service counts as input: both messages and the schema."""
    texts = len(_sendable(request.system).encode()) + len(_sendable(request.user).encode())
    return texts + _schema_bytes(request.answer)


def read_completion(body: object, answer: type[BaseModel], empty: ModelReply) -> ModelReply:
    """`empty` filled from a completion's JSON; what is no completion is a server error."""
    try:
        completion = _Completion.model_validate(body)
        choice = completion.choices[0]
    except (ValidationError, IndexError):
        error = "the service answered with something other than a chat completion"
        return replace(empty, outcome="server_error", error=error)
    reply = replace(
        empty,
        outcome="answered",
        text=choice.message.content or "",
        usage=completion.usage.as_usage() if completion.usage else Usage(),
        model_version=completion.model or "",
    )
    if choice.message.refusal:
        return replace(reply, outcome="refused", error="the model declined to answer")
    if choice.finish_reason == "content_filter":
        return replace(reply, outcome="filtered", error="the content filter stopped the answer")
    if choice.finish_reason == "length":
        return replace(reply, outcome="cut_off", error="the answer ran into its token limit")
    parsed, error = read_answer(reply.text, answer)
    if parsed is None:
        return replace(reply, outcome="malformed", error=error)
    return replace(reply, parsed=parsed)


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _PromptDetails(BaseModel):
    cached_tokens: int | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None

    def as_usage(self) -> Usage:
        cached = self.prompt_tokens_details and self.prompt_tokens_details.cached_tokens
        return Usage(self.prompt_tokens or 0, cached or 0, self.completion_tokens or 0)


class _Completion(BaseModel):
    """The part of a completion that is read. Compatible services leave out the rest."""

    choices: list[_Choice]
    model: str | None = None
    usage: _Usage | None = None


def _sendable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


@lru_cache
def _response_format(answer: type[BaseModel]) -> dict[str, Any]:
    # The package's public way to a strict schema; a response format takes the same.
    function = pydantic_function_tool(answer)["function"]
    name = re.sub(r"[^A-Za-z0-9_-]", "_", function["name"])[:64]
    schema = {"name": name, "strict": True, "schema": function["parameters"]}
    return {"type": "json_schema", "json_schema": schema}


@lru_cache
def _schema_bytes(answer: type[BaseModel]) -> int:
    return len(str(_response_format(answer)))
