"""What the tests of language models ask, and how they get a model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar

from pydantic import BaseModel

from resources.llm.base import ModelReply, ModelRequest
from resources.llm.openai_model import OpenAIModel, connect
from tests.llm_server import API_KEY, LlmServer

T = TypeVar("T")


class Mood(BaseModel):
    """An answer: how a customer feels, and about which item."""

    mood: Literal["negative", "neutral", "positive"]
    item: str = ""


def question(user: str = "The app crashes when I pay", **fields: Any) -> ModelRequest:
    """A request for a `Mood`."""
    given = {"system": "Say how the customer feels.", "max_output_tokens": 50, **fields}
    return ModelRequest(user=user, answer=Mood, **given)


def answered(asked: dict[str, Any]) -> str:
    """The server's answer: negative, and the item repeated, so that mix-ups show."""
    return json.dumps({"mood": "negative", "item": asked["messages"][-1]["content"]})


def model_at(server: LlmServer, service: str = "openai", **options: Any) -> OpenAIModel:
    """A model on `server` that waits little between attempts."""
    given: dict[str, Any] = {
        "api_key": API_KEY,
        "backoff_seconds": 0.01,
        "max_attempts": 3,
        "timeout_seconds": 5,
        **options,
    }
    endpoint = server.address if service == "azure" else f"{server.address}/v1"
    return connect(
        model="moods",
        service="azure" if service == "azure" else "openai",
        endpoint=endpoint,
        **given,
    )


def with_model(model: Callable[[], Any], work: Callable[[Any], Awaitable[T]]) -> T:
    """What `work` makes of a model that lives in a loop of its own."""

    async def run() -> T:
        made = model()
        try:
            return await work(made)
        finally:
            await made.aclose()

    return asyncio.run(run())


def ask(server: LlmServer, request: ModelRequest | None = None, **options: Any) -> list[ModelReply]:
    """Every attempt at one question."""
    return with_model(
        lambda: model_at(server, **options), lambda model: model.ask(request or question())
    )


def ask_many(server: LlmServer, count: int, **options: Any) -> list[list[ModelReply]]:
    """Every attempt at each of `count` questions, all asked at once."""

    async def work(model: OpenAIModel) -> list[list[ModelReply]]:
        return await asyncio.gather(*(model.ask(question(f"item {n}")) for n in range(count)))

    return with_model(lambda: model_at(server, **options), work)
