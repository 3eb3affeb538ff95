"""The scripted model."""

from __future__ import annotations

import asyncio

import pytest

from resources.llm.base import BatchState, ModelRequest
from resources.llm.scripted import Scripted, ScriptedModel, trouble
from tests.resources.llm.questions import Mood, question


def test_a_list_is_played_in_order_and_ends() -> None:
    model = ScriptedModel([Mood(mood="neutral"), '{"mood": "positive"}', "nonsense"])
    outcomes = [asyncio.run(model.ask(question()))[-1].outcome for _ in range(3)]
    assert outcomes == ["answered", "answered", "malformed"]
    with pytest.raises(LookupError, match="after 3 answers"):
        asyncio.run(model.ask(question()))
    assert len(model.requests) == 4


def test_a_function_sees_the_request() -> None:
    def script(request: ModelRequest) -> Scripted:
        return Mood(mood="negative", item=request.user.upper())

    [reply] = asyncio.run(ScriptedModel(script).ask(question("help")))
    assert reply.parsed == Mood(mood="negative", item="HELP")


def test_attempts_end() -> None:
    model = ScriptedModel(lambda _: trouble("timeout"), max_attempts=2)
    assert [reply.outcome for reply in asyncio.run(model.ask(question()))] == ["timeout"] * 2
    assert len(model.requests) == 2


def test_a_batch_runs_as_long_as_told_and_answers_once() -> None:
    model = ScriptedModel(lambda _: Mood(mood="neutral"), looks_before_end=2)

    async def work() -> list[BatchState]:
        batch_id = await model.submit({"a": question()})
        return [await model.collect(batch_id, {"a": Mood}) for _ in range(4)]

    states = asyncio.run(work())
    assert [state.status for state in states] == ["running", "running", "completed", "completed"]
    assert states[2].replies == states[3].replies
    assert len(model.requests) == 1


def test_a_batch_can_fail() -> None:
    model = ScriptedModel([], batch_end="expired")

    async def work() -> BatchState:
        return await model.collect(await model.submit({"a": question()}), {"a": Mood})

    state = asyncio.run(work())
    assert state.status == "expired"
    assert state.replies["a"].outcome == "timeout"
