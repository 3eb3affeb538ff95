"""Troubles of a service, met through the real client."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resources.llm.base import ModelReply, Usage
from resources.llm.openai_model import connect
from tests.llm_server import API_KEY, LlmServer
from tests.llm_server_troubles import (
    DROP_BEFORE,
    DROP_MIDDLE,
    Trouble,
    answer_text,
    content_filter_400,
    failure,
    http_date,
    too_many,
)
from tests.resources.llm.questions import Mood, ask, ask_many, question


def outcomes(replies: list[ModelReply]) -> list[str]:
    return [reply.outcome for reply in replies]


@pytest.mark.parametrize("service", ["openai", "azure"])
def test_a_request_is_what_the_service_expects(server: LlmServer, service: str) -> None:
    [reply] = ask(server, question(temperature=None, seed=7), service=service)
    [received] = server.received
    body = received.body
    assert body is not None
    path = "/v1" if service == "openai" else "/openai/deployments/moods"
    assert received.path.split("?")[0] == f"{path}/chat/completions"
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    schema = body["response_format"]["json_schema"]
    assert (schema["name"], schema["strict"]) == ("Mood", True)
    assert schema["schema"]["additionalProperties"] is False
    assert schema["schema"]["required"] == ["mood", "item"]
    assert (body["seed"], body["max_completion_tokens"]) == (7, 50)
    assert "temperature" not in body
    assert reply.usage == Usage(input=13, cached=6, output=14)
    assert (reply.model_version, reply.request_id) == ("moods-2026-01-01", "req_1")
    assert reply.latency_ms > 0


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(codec=None), min_size=1))
def test_any_text_arrives_or_is_replaced_one_for_one(server: LlmServer, text: str) -> None:
    [reply] = ask(server, question(text))
    assert isinstance(reply.parsed, Mood)
    sent = reply.parsed.item
    assert len(sent) == len(text)
    assert all(a == b or "\ud800" <= a <= "\udfff" for a, b in zip(text, sent, strict=True))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "0.3"}, 0.3),
        ({"retry-after-ms": "300"}, 0.3),
        ({"retry-after": http_date(2), "date": http_date(1)}, 1.0),
    ],
)
def test_retry_after_is_obeyed(server: LlmServer, headers: dict[str, str], seconds: float) -> None:
    server.troubles.append(too_many(headers))
    start = time.monotonic()
    first, second = ask(server)
    assert time.monotonic() - start >= seconds
    assert (first.outcome, first.status) == ("rate_limited", 429)
    assert first.retry_after == pytest.approx(seconds, abs=1.0 if seconds == 1.0 else 0.01)
    assert second.outcome == "answered"


def test_a_pause_holds_every_request_back(server: LlmServer) -> None:
    server.troubles.append(too_many({"retry-after-ms": "400"}))
    start = time.monotonic()
    attempts = ask_many(server, 10)
    assert time.monotonic() - start >= 0.4
    assert server.statuses == {429: 1, 200: 10}
    assert all(replies[-1].outcome == "answered" for replies in attempts)


def test_a_pause_longer_than_patience_is_not_waited_out(server: LlmServer) -> None:
    server.troubles.append(too_many({"retry-after": "86400"}))
    start = time.monotonic()
    attempts = ask_many(server, 5, max_wait_seconds=1)
    assert time.monotonic() - start < 5
    assert len(server.received) == 1
    assert [outcomes(replies) for replies in attempts] == [["rate_limited"]] * 5
    assert "not sent" in attempts[-1][-1].error
    assert attempts[-1][-1].status is None


def test_waits_of_one_question_are_bounded(server: LlmServer) -> None:
    server.troubles.extend([too_many({"retry-after-ms": "200"})] * 9)
    replies = ask(server, max_attempts=10, max_wait_seconds=0.5)
    assert outcomes(replies) == ["rate_limited"] * 3


@pytest.mark.parametrize(
    ("trouble", "outcome"),
    [
        (failure(500), "server_error"),
        (failure(503, "overloaded"), "server_error"),
        (failure(409), "server_error"),
        (failure(408), "timeout"),
        (DROP_BEFORE, "connection_error"),
        (DROP_MIDDLE, "connection_error"),
        (Trouble(body=b"<html>gateway</html>"), "server_error"),
        (Trouble(body=b"[" * 100_000), "server_error"),
        (Trouble(body={"choices": []}), "server_error"),
        (Trouble(body={"choices": [{"message": "hello"}]}), "server_error"),
        (Trouble(delay=0.5), "timeout"),
    ],
)
def test_each_attempt_is_one_request_and_one_reply(
    server: LlmServer, trouble: Trouble, outcome: str
) -> None:
    server.troubles.append(trouble)
    replies = ask(server, timeout_seconds=0.3)
    assert outcomes(replies) == [outcome, "answered"]
    assert len(server.received) == 2
    assert replies[0].error


@pytest.mark.parametrize("service", ["openai", "azure"])
def test_a_filtered_question_is_told_from_a_bad_one(server: LlmServer, service: str) -> None:
    server.troubles.append(content_filter_400())
    [reply] = ask(server, service=service)
    assert (reply.outcome, reply.status) == ("filtered", 400)


@pytest.mark.parametrize(
    ("trouble", "advice"),
    [
        (failure(403), "role"),
        (failure(404, "DeploymentNotFound"), "FEEDBACK_LLM_MODEL.*code DeploymentNotFound"),
        (failure(400, "unsupported_value", param="temperature"), "param temperature"),
        (failure(413), "fewer items"),
        (failure(422), "does not accept"),
        (failure(429, "insufficient_quota"), "billing"),
        (Trouble(302, {"location": "http://127.0.0.1:1/"}, {}), "status 302"),
    ],
)
def test_a_refusal_for_good_says_what_to_do(
    server: LlmServer, trouble: Trouble, advice: str
) -> None:
    server.troubles.append(trouble)
    [reply] = ask(server)
    assert reply.outcome == "rejected"

    assert re.search(advice, reply.error), reply.error


@pytest.mark.parametrize("service", ["openai", "azure"])
def test_a_wrong_key_is_refused_once(server: LlmServer, service: str) -> None:
    [reply] = ask(server, service=service, api_key="sk-wrong")
    assert (reply.outcome, reply.status) == ("rejected", 401)
    assert "FEEDBACK_LLM_KEY" in reply.error


@pytest.mark.parametrize("text", ["", "  ", "no json", "[1]", '{"mood": "negative"', "null"])
def test_an_answer_that_does_not_parse_is_malformed(server: LlmServer, text: str) -> None:
    server.troubles.append(answer_text(text))
    [reply] = ask(server)
    assert (reply.outcome, reply.text, reply.parsed) == ("malformed", text, None)
    assert reply.usage.input > 0


def test_nobody_answers() -> None:
    with LlmServer(lambda _: "") as gone:
        pass
    replies = ask(gone)
    assert outcomes(replies) == ["connection_error"] * 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"service": "azure", "endpoint": "https://host"}, "credentials"),
        ({"service": "azure", "api_key": "k"}, "FEEDBACK_LLM_ENDPOINT"),
        ({"service": "openai"}, "credentials"),
        ({"service": "openai", "endpoint": "host/v1"}, "FEEDBACK_LLM_ENDPOINT"),
        ({"service": "openai", "endpoint": "https://me:pw@host"}, "bare address"),
        ({"service": "openai", "endpoint": "https://host?key=1"}, "bare address"),
        ({"service": "openai", "endpoint": "https://host", "max_in_flight": 0}, "max_in_flight"),
        ({"service": "openai", "endpoint": "https://host", "tokens_per_minute": -1}, "tokens"),
        ({"endpoint": "https://host", "api_key": "k", "entra_id": True}, "not both"),
    ],
)
def test_what_does_not_fit_is_refused_at_once(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        connect(model="m", **options)  # type: ignore[arg-type]


def test_keys_of_the_environment_are_not_sent(
    server: LlmServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-someone-else")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1")
    [reply] = ask(server, api_key=None)
    assert reply.status == 401
    assert "sk-of-someone-else" not in str(server.received)
    assert API_KEY not in str(server.received)
