"""Batches through the real client: what becomes of every request, however the batch ends."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from resources.llm import batch_lines
from resources.llm.base import BatchState, ModelReply, ModelUnavailable
from resources.llm.batch_lines import parts, read_line, write_lines
from resources.llm.openai_model import OpenAIModel
from tests.llm_server import LlmServer
from tests.resources.llm.questions import Mood, model_at, question, with_model

SERVICES = pytest.mark.parametrize("service", ["openai", "azure"])
REQUESTS = {f"id-{n}": question(f"item {n}") for n in range(4)}


def collected(
    server: LlmServer, service: str = "openai", requests: Any = None, **finish: Any
) -> BatchState:
    """The state of a batch that has ended as `finish` says."""
    requests = requests or REQUESTS

    async def work(model: OpenAIModel) -> BatchState:
        batch_id = await model.submit(requests)
        assert (await model.collect(batch_id, {})).status == "running"
        server.batches.finish(batch_id, **finish)
        return await model.collect(batch_id, dict.fromkeys(requests, Mood))

    return with_model(lambda: model_at(server, service), work)


def outcomes(state: BatchState) -> list[str]:
    return [state.replies[key].outcome for key in REQUESTS]


@SERVICES
def test_a_batch_asks_what_a_request_would(server: LlmServer, service: str) -> None:
    state = collected(server, service)
    [uploaded] = [file for name, file in server.batches.files.items() if name == "file-0"]
    lines = [json.loads(line) for line in uploaded.splitlines()]
    with_model(lambda: model_at(server, service), lambda model: model.ask(REQUESTS["id-0"]))
    url = "/v1/chat/completions" if service == "openai" else "/chat/completions"
    assert [line["custom_id"] for line in lines] == list(REQUESTS)
    assert {line["url"] for line in lines} == {url}
    assert lines[0]["body"] == server.received[-1].body
    assert server.batches.batches["batch_0"]["endpoint"] == url
    assert {r.path.split("?")[0].rsplit("/", 1)[0] for r in server.received} >= (
        {"/openai", "/openai/batches"} if service == "azure" else {"/v1", "/v1/batches"}
    )
    assert outcomes(state) == ["answered"] * 4
    assert state.replies["id-0"].usage.input > 0
    assert state.replies["id-0"].request_id == "req_batch"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("expired", "timeout"), ("cancelled", "server_error"), ("failed", "rejected")],
)
def test_what_a_batch_left_undone_gets_an_outcome(
    server: LlmServer, status: str, outcome: str
) -> None:
    state = collected(server, status=status, answered=2)
    assert state.status == status
    assert outcomes(state) == ["answered", "answered", outcome, outcome]


def test_a_batch_that_failed_says_why_without_the_text(server: LlmServer) -> None:
    faults = [
        {"code": "invalid_json_line", "line": 3, "message": "not JSON: The app", "param": "x"}
    ]
    errors = {"object": "list", "data": faults}
    state = collected(server, status="failed", answered=0, errors=errors)
    assert state.error == "code invalid_json_line, param x, line 3"


def test_errors_of_single_requests(server: LlmServer) -> None:
    troubles = {
        "item 1": (400, {"error": {"code": "content_filter", "message": "item 1"}}),
        "item 2": (429, {"error": {"code": "rate_limit_exceeded"}}),
        "item 3": (500, None),
    }

    def answer(asked: dict[str, Any]) -> tuple[int, Any]:
        user = asked["messages"][-1]["content"]
        return troubles.get(user) or (200, server.completion(asked))

    server.batches._answer = answer
    state = collected(server)
    assert outcomes(state) == ["answered", "filtered", "rate_limited", "server_error"]
    assert "item 1" not in state.replies["id-1"].error


@pytest.mark.parametrize(
    "spoil",
    [
        lambda lines: lines[:-1],
        lambda lines: [*lines[:-1], lines[-1][:-20]],
        lambda lines: [*lines[:-1], b"\xff\xfe"],
        lambda lines: [*lines[:-1], b"[" * 100_000],
        lambda lines: [*lines[:-1], b'{"custom_id": 3}'],
        lambda lines: [*lines[:-1], b'{"custom_id": "of another batch"}'],
        lambda lines: [*lines[:-1], lines[0]],
        lambda lines: [*lines[:-1], b'{"custom_id": "id-3", "response": null, "error": null}'],
    ],
)
def test_a_lost_line_costs_only_its_own_answer(
    server: LlmServer, spoil: Callable[[list[bytes]], list[bytes]]
) -> None:
    state = collected(server, change=spoil)
    assert state.status == "completed"
    assert outcomes(state) == ["answered"] * 3 + ["server_error"]


def test_lines_nobody_asked_for_are_counted(server: LlmServer) -> None:
    state = collected(server, change=lambda lines: [*lines, b"???", lines[0]])
    assert outcomes(state) == ["answered"] * 4
    assert state.error == "2 result lines belong to no request"


@pytest.mark.parametrize("text", ["one\u2028two", "one\x85two", "tab\tand\nnewline", "日本語 🙂"])
def test_lines_end_where_json_lines_end(server: LlmServer, text: str) -> None:
    state = collected(server, requests={"id-0": question(text)})
    reply = state.replies["id-0"]
    assert isinstance(reply.parsed, Mood), reply
    assert reply.parsed.item == text


@pytest.mark.parametrize(
    ("error", "outcome"),
    [("batch_expired", "timeout"), ("batch_cancelled", "server_error"), ("else", "server_error")],
)
def test_an_error_in_place_of_a_response(server: LlmServer, error: str, outcome: str) -> None:
    line = {"custom_id": "id-3", "response": None, "error": {"code": error, "message": "The app"}}
    state = collected(server, change=lambda lines: [*lines[:3], json.dumps(line).encode()])
    assert state.replies["id-3"].outcome == outcome
    assert "The app" not in state.replies["id-3"].error


def test_a_file_is_waited_for_until_it_is_processed(server: LlmServer) -> None:
    server.batches.checks_before_processed = 1
    assert outcomes(collected(server, "azure")) == ["answered"] * 4


@SERVICES
def test_a_service_that_refuses_a_batch(server: LlmServer, service: str) -> None:
    with pytest.raises(ModelUnavailable, match="FEEDBACK_LLM_KEY"):
        with_model(
            lambda: model_at(server, service, api_key="sk-wrong"),
            lambda model: model.submit(REQUESTS),
        )
    assert len(server.received) == 1


def test_nobody_takes_a_batch() -> None:
    with LlmServer(lambda _: "") as gone:
        pass
    with pytest.raises(ModelUnavailable, match="can't be reached"):
        with_model(lambda: model_at(gone), lambda model: model.submit(REQUESTS))


def test_parts_keep_order_and_both_limits() -> None:
    whole = io.BytesIO()
    write_lines(whole, REQUESTS, "moods", "/url")
    line = len(whole.getvalue()) // 4
    by_count = list(parts(REQUESTS, "moods", "/url", max_requests=3))
    by_size = list(parts(REQUESTS, "moods", "/url", max_bytes=2 * line))
    assert [list(part) for part in by_count] == [["id-0", "id-1", "id-2"], ["id-3"]]
    assert [list(part) for part in by_size] == [["id-0", "id-1"], ["id-2", "id-3"]]
    assert [len(part) for part in parts(REQUESTS, "moods", "/url", max_bytes=1)] == [1] * 4
    assert list(parts({}, "moods", "/url")) == []


def test_more_than_a_batch_holds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"bytes of one batch.*split"):
        write_lines(io.BytesIO(), REQUESTS, "moods", "/url", max_bytes=100)
    monkeypatch.setattr(batch_lines, "MAX_REQUESTS", 3)
    with pytest.raises(ValueError, match=r"4 requests.*split"):
        write_lines(io.BytesIO(), REQUESTS, "moods", "/url")


def test_a_line_is_read_as_its_own_answer_type(server: LlmServer) -> None:
    line = {"custom_id": "a", "response": {"status_code": 200, "body": {"choices": []}}}
    empty = ModelReply("server_error", started_at=None, latency_ms=0.0)  # type: ignore[arg-type]
    read = read_line(json.dumps(line).encode(), {"a": Mood}, empty)
    assert read is not None
    assert (read[0], read[1].outcome) == ("a", "server_error")
