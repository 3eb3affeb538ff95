"""Keys and customers' words appear in no error and no log, whatever a service sends back."""

from __future__ import annotations

import logging
import traceback
from typing import Any

import pytest

from resources.llm.base import ModelUnavailable
from resources.llm.service_errors import outcome_of
from tests.llm_server import API_KEY, LlmServer
from tests.llm_server_troubles import Trouble, answer_text, failure
from tests.resources.llm.questions import Mood, ask, model_at, question, with_model

WORDS = "my card 4111 was charged twice"
PROMPT = "Say how the customer feels, secretly."
ECHO = f"cannot process '{WORDS}' after '{PROMPT}' with key {API_KEY}"
EVERYWHERE = failure(400, ECHO, ECHO, type=ECHO, param=ECHO, innererror={"code": ECHO})

TROUBLES = [
    *(failure(status, ECHO, ECHO, type=ECHO, param=ECHO) for status in (400, 403, 404, 429, 500)),
    EVERYWHERE,
    Trouble(400, body=ECHO.encode()),
    Trouble(400, body={"error": ECHO}),
    Trouble(400, body={"detail": [{"msg": ECHO, "input": WORDS}]}),
    Trouble(400, body={"error": {"code": API_KEY, "message": ECHO}}),
    Trouble(body={"choices": ECHO}),
    Trouble(body=ECHO.encode()),
    answer_text(ECHO),
    answer_text(f'{{"mood": "{WORDS}", "{WORDS}": 1}}'),
]


def assert_clean(text: str) -> None:
    for secret in (API_KEY, WORDS, PROMPT, "4111"):
        assert secret not in text


@pytest.mark.parametrize("service", ["openai", "azure"])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_errors_repeat_nothing(server: LlmServer, service: str, trouble: Trouble) -> None:
    server.troubles.append(trouble)
    replies = ask(server, question(WORDS, system=PROMPT), service=service, max_attempts=1)
    assert replies[-1].error
    assert_clean(replies[-1].error)


def test_names_and_numbers_of_an_error_are_kept() -> None:
    error = {"code": "unsupported_value", "type": "invalid_request_error", "param": "messages[0]"}
    outcome, text = outcome_of(400, {"error": error})
    assert outcome == "rejected"
    assert all(value in text for value in error.values())


@pytest.mark.parametrize("service", ["openai", "azure"])
def test_logs_repeat_nothing_even_at_debug(
    server: LlmServer, service: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.troubles.extend([failure(500, ECHO, ECHO), EVERYWHERE])
    asked = question(WORDS, system=PROMPT)
    ask(server, asked, service=service)

    async def work(model: Any) -> None:
        batch_id = await model.submit({"a": asked})
        server.batches.finish(batch_id)
        await model.collect(batch_id, {"a": Mood})

    with_model(lambda: model_at(server, service), work)
    assert len(caplog.records) > 10
    assert_clean(caplog.text)


def test_an_exception_of_a_batch_repeats_nothing(server: LlmServer) -> None:
    server.batches.handle = lambda *_: (400, EVERYWHERE.body)  # type: ignore[method-assign]
    with pytest.raises(ModelUnavailable) as raised:
        with_model(lambda: model_at(server), lambda model: model.submit({"a": question(WORDS)}))
    assert_clean("".join(traceback.format_exception(raised.value)))


def test_a_model_shows_no_key(server: LlmServer) -> None:
    model = model_at(server)
    assert_clean(repr(model) + str(model))
