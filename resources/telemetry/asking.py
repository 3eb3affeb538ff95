"""A language model whose requests are spans below the step that asks.

Belongs here: what telemetry is told of a request. Does not belong here: asking.

No text of the question or the answer, and no error's words: outcomes, tokens and durations.
"""

from __future__ import annotations

from resources.llm.base import LanguageModel, ModelReply, ModelRequest
from resources.telemetry.base import Telemetry


class WatchedModel:
    """`model`, with a span for each request and its attempts."""

    def __init__(self, model: LanguageModel, telemetry: Telemetry) -> None:
        self._model = model
        self._telemetry = telemetry

    @property
    def name(self) -> str:
        """Deployment or model asked for."""
        return self._model.name

    async def ask(self, request: ModelRequest) -> list[ModelReply]:
        """Ask `model`."""
        with self._telemetry.span("ask") as span:
            span.set({"gen_ai.request.model": self._model.name})
            replies = await self._model.ask(request)
            last = replies[-1]
            span.set(
                {
                    "feedback.outcome": last.outcome,
                    "feedback.attempts": len(replies),
                    "gen_ai.usage.input_tokens": sum(reply.usage.input for reply in replies),
                    "gen_ai.usage.output_tokens": sum(reply.usage.output for reply in replies),
                }
            )
            if last.status is not None:
                span.set({"http.response.status_code": last.status})
            return replies

    async def aclose(self) -> None:
        """Give back connections."""
        await self._model.aclose()
