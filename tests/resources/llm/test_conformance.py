"""What holds for every model, whoever serves it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, get_args

import pytest

from resources.llm.base import TRANSIENT, BatchState, ModelUnavailable, Outcome
from resources.llm.scripted import ScriptedModel, trouble
from tests.llm_server import LlmServer
from tests.llm_server_troubles import (
    CUT_OFF,
    DROP_BEFORE,
    FILTERED_ANSWER,
    REFUSAL,
    Trouble,
    answer_text,
    failure,
    too_many,
)
from tests.resources.llm.questions import Mood, answered, model_at, question, with_model

TROUBLES: dict[Outcome, Trouble] = {
    "malformed": answer_text('{"mood": "furious"}'),
    "cut_off": CUT_OFF,
    "refused": REFUSAL,
    "filtered": FILTERED_ANSWER,
    "rate_limited": too_many({"retry-after-ms": "1"}),
    "server_error": failure(500),
    "connection_error": DROP_BEFORE,
    "timeout": Trouble(delay=0.6),
    "rejected": failure(404, "DeploymentNotFound"),
}


class Served:
    """A model's factory, and a way to make its next attempts fail."""

    def __init__(self, kind: str, server: LlmServer) -> None:
        self.kind = kind
        self.server = server
        self.coming: list[Outcome] = []

    def model(self) -> Any:
        if self.kind == "scripted":
            return ScriptedModel(self._scripted, name="moods")
        return model_at(self.server, self.kind, timeout_seconds=0.3)

    def fail(self, *outcomes: Outcome) -> None:
        self.coming.extend(outcomes)
        self.server.troubles.extend(TROUBLES[outcome] for outcome in outcomes)

    def finish(self, batch_id: str, status: str = "completed", **options: Any) -> None:
        if self.kind != "scripted":
            self.server.batches.finish(batch_id, status, **options)

    def _scripted(self, request: Any) -> Any:
        if self.coming:
            return trouble(self.coming.pop(0))
        return answered({"messages": [{"content": request.user}]})


@pytest.fixture(params=["openai", "azure", "scripted"])
def served(request: pytest.FixtureRequest, server: LlmServer) -> Served:
    return Served(request.param, server)


def test_an_answer_arrives_whole(served: Served) -> None:
    [reply] = with_model(served.model, lambda model: model.ask(question("No way in since Monday")))
    assert reply.outcome == "answered"
    assert reply.parsed == Mood(mood="negative", item="No way in since Monday")
    assert Mood.model_validate_json(reply.text) == reply.parsed
    assert reply.usage.input > 0
    assert reply.usage.output > 0
    assert reply.model_version
    assert reply.error == ""
    assert served.model().name == "moods"


def test_answers_go_to_their_questions(served: Served) -> None:
    async def work(model: Any) -> list[Any]:
        return await asyncio.gather(*(model.ask(question(f"item {n}")) for n in range(40)))

    attempts = with_model(served.model, work)
    assert [replies[-1].parsed.item for replies in attempts] == [f"item {n}" for n in range(40)]


def test_every_outcome_but_answered_has_a_trouble() -> None:
    assert {*TROUBLES, "answered"} == set(get_args(Outcome))


@pytest.mark.parametrize("outcome", sorted(set(TROUBLES) - TRANSIENT))
def test_what_no_retry_mends_is_asked_once(served: Served, outcome: Outcome) -> None:
    served.fail(outcome)
    [reply] = with_model(served.model, lambda model: model.ask(question()))
    assert reply.outcome == outcome
    assert reply.parsed is None
    assert reply.error


@pytest.mark.parametrize("outcome", sorted(TRANSIENT))
def test_what_may_pass_is_tried_again(served: Served, outcome: Outcome) -> None:
    served.fail(outcome)
    replies = with_model(served.model, lambda model: model.ask(question()))
    assert [reply.outcome for reply in replies] == [outcome, "answered"]


@pytest.mark.parametrize("outcome", sorted(TRANSIENT))
def test_trouble_that_lasts_is_given_up(served: Served, outcome: Outcome) -> None:
    served.fail(*[outcome] * 5)
    replies = with_model(served.model, lambda model: model.ask(question()))
    assert [reply.outcome for reply in replies] == [outcome] * 3


def test_a_batch_answers_by_custom_id(served: Served) -> None:
    requests = {f"id-{n}": question(f"item {n}") for n in range(5)}

    async def work(model: Any) -> tuple[list[dict[str, Any]], BatchState]:
        batch_id = await model.submit(requests)
        served.finish(batch_id)
        collected = await model.collect(batch_id, dict.fromkeys(requests, Mood))
        return list(model.split(requests)), collected

    split, state = with_model(served.model, work)
    assert split == [requests]
    assert state.status == "completed"
    assert state.error == ""
    assert {key: reply.parsed.item for key, reply in state.replies.items()} == {  # type: ignore[union-attr]
        key: request.user for key, request in requests.items()
    }


def test_a_cancelled_batch_leaves_an_outcome_for_each_request(served: Served) -> None:
    async def work(model: Any) -> BatchState:
        batch_id = await model.submit({"a": question()})
        await model.cancel(batch_id)
        served.finish(batch_id, "cancelled", answered=0)
        state: BatchState = await model.collect(batch_id, {"a": Mood})
        return state

    state = with_model(served.model, work)
    assert state.status == "cancelled"
    assert state.replies["a"].outcome in TRANSIENT


@pytest.mark.parametrize("use", ["collect", "cancel"])
def test_a_batch_that_is_not_there(served: Served, use: str) -> None:
    calls: dict[str, Callable[[Any], Any]] = {
        "collect": lambda model: model.collect("batch_77", {}),
        "cancel": lambda model: model.cancel("batch_77"),
    }
    with pytest.raises(ModelUnavailable):
        with_model(served.model, calls[use])


def test_an_empty_batch_is_no_batch(served: Served) -> None:
    with pytest.raises(ValueError, match="at least one"):
        with_model(served.model, lambda model: model.submit({}))
