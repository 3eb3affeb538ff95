"""Signing in with Entra ID, against a loopback stand-in for a machine's identity endpoint."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from resources.llm.base import ModelRequestForbidden, ModelUnavailable
from resources.llm.requests_allowed import allow_model_requests, forbid_model_requests
from tests.llm_server import API_KEY, LlmServer
from tests.resources.llm.questions import ask, ask_many, model_at, question, with_model


class _Identity(BaseHTTPRequestHandler):
    """The App Service identity endpoint: hands out the server's key as a token."""

    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        expires = str(int(time.time()) + 3600)
        token = {
            "access_token": API_KEY,
            "expires_on": expires,
            "resource": "https://cognitiveservices.azure.com",
            "token_type": "Bearer",
        }
        body = json.dumps(token).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Identity]]:
    """This machine has a managed identity, and nothing else to sign in with."""
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
    _Identity.asked = 0
    with HTTPServer(("127.0.0.1", 0), _Identity) as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{server.server_port}/token")
        monkeypatch.setenv("IDENTITY_HEADER", "secret")
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        with allow_model_requests():
            yield _Identity
        server.shutdown()


@pytest.mark.parametrize("service", ["azure", "openai"])
def test_a_token_is_fetched_once_and_sent(
    server: LlmServer, identity: type[_Identity], service: str
) -> None:
    attempts = ask_many(server, 5, service=service, api_key=None, entra_id=True)
    assert [replies[-1].outcome for replies in attempts] == ["answered"] * 5
    assert identity.asked == 1
    sent = {name.lower(): value for name, value in server.received[0].headers.items()}
    assert sent["authorization"] == f"Bearer {API_KEY}"
    assert "api-key" not in sent


@pytest.mark.usefixtures("identity")
def test_without_a_token_nothing_is_asked(
    server: LlmServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:1/token")
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    [reply] = ask(server, service="azure", api_key=None, entra_id=True)
    assert reply.outcome == "rejected"
    assert "az login" in reply.error
    with pytest.raises(ModelUnavailable, match="az login"):
        with_model(
            lambda: model_at(server, "azure", api_key=None, entra_id=True),
            lambda model: model.submit({"a": question()}),
        )
    assert server.received == []


@pytest.mark.usefixtures("identity")
def test_the_switch_stops_sign_in_too(server: LlmServer) -> None:
    with forbid_model_requests(), pytest.raises(ModelRequestForbidden):
        ask(server, service="azure", api_key=None, entra_id=True)
