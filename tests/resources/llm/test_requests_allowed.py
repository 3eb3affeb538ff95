"""The switch that keeps tests from a real model."""

from __future__ import annotations

import threading

import pytest

from resources.llm.base import ModelRequestForbidden
from resources.llm.openai_model import connect
from resources.llm.requests_allowed import (
    allow_model_requests,
    check_request_allowed,
    forbid_model_requests,
)
from tests.llm_server import LlmServer
from tests.resources.llm.questions import ask, question, with_model


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1", "[::1]"])
def test_loopback_passes(host: str) -> None:
    with forbid_model_requests():
        check_request_allowed(host)


@pytest.mark.parametrize(
    "host", ["api.openai.com", "10.0.0.1", "localhost.example.org", "127.0.0.1.example.org", "::2"]
)
def test_all_else_is_stopped(host: str) -> None:
    with forbid_model_requests(), pytest.raises(ModelRequestForbidden, match="forbidden"):
        check_request_allowed(host)


def test_the_switch_goes_back_and_holds_in_threads() -> None:
    seen: list[bool] = []

    def look() -> None:
        try:
            check_request_allowed("api.openai.com")
        except ModelRequestForbidden:
            seen.append(True)
        else:
            seen.append(False)

    def look_in_a_thread() -> None:
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()

    with forbid_model_requests():
        look_in_a_thread()
        with allow_model_requests():
            look_in_a_thread()
        look_in_a_thread()
    assert seen == [True, False, True]


@pytest.mark.parametrize("service", ["openai", "azure"])
@pytest.mark.parametrize("use", ["ask", "submit"])
def test_a_model_elsewhere_is_not_asked(service: str, use: str) -> None:
    def model() -> object:
        return connect(
            model="m",
            service="azure" if service == "azure" else "openai",
            endpoint="https://models.invalid/v1",
            api_key="k",
        )

    async def work(made: object) -> None:
        if use == "ask":
            await made.ask(question())  # type: ignore[attr-defined]
        else:
            await made.submit({"a": question()})  # type: ignore[attr-defined]

    with forbid_model_requests(), pytest.raises(ModelRequestForbidden, match=r"models\.invalid"):
        with_model(model, work)


def test_a_model_on_loopback_is_asked(server: LlmServer) -> None:
    with forbid_model_requests():
        [reply] = ask(server)
    assert reply.outcome == "answered"
