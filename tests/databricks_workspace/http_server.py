"""HTTP for the workspace: a server on loopback, routes, the token, errors as Databricks words them.

Belongs here: reading requests, finding who answers, troubles on the way. Does not belong here:
what any address means (files.py and the like).
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.databricks_workspace.faults import RequestTrouble

_TROUBLES = {
    429: ("REQUEST_LIMIT_EXCEEDED", "Current request has exceeded the rate limit."),
    500: ("INTERNAL_ERROR", "An internal error occurred."),
    503: ("TEMPORARILY_UNAVAILABLE", "The service is temporarily unavailable."),
}


class ApiError(Exception):
    """An error that a client is answered, with its HTTP status and Databricks' error code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True)
class Request:
    """One request; `path` is decoded and without its query."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as an object; ApiError 400 where it is none."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise ApiError(400, "MALFORMED_REQUEST", "The request's body is no JSON object.")
        return value

    def wanted(self, name: str) -> str:
        """A query parameter that must be there."""
        if name not in self.query:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"Missing required field: {name}")
        return self.query[name]


@dataclass(frozen=True)
class Answer:
    """What a client gets: bytes and headers, where JSON is not enough."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Reply = Answer | dict[str, Any]
Route = tuple[str, str, Callable[..., Reply]]


class Server:
    """Serves routes at `address`; a route is method, pattern of the whole path, function.

    Named groups of the pattern are handed to the function after the request.
    """

    def __init__(self, token: str) -> None:
        self.token = token
        self.routes: list[tuple[str, re.Pattern[str], Callable[..., Reply]]] = []
        self.troubles: list[RequestTrouble] = []
        self.asked: list[str] = []
        self.unknown: list[str] = []
        self._lock = threading.Lock()
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.owner = self

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def add(self, routes: list[Route]) -> None:
        """Serve these too."""
        self.routes.extend((method, re.compile(path), answer) for method, path, answer in routes)

    def start(self) -> None:
        """Serve until `stop`, in a thread."""
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Serve no more."""
        self._http.shutdown()
        self._http.server_close()

    def answer(self, request: Request) -> Answer | None:
        """The answer to a request, errors included; None hangs up."""
        trouble = self._trouble(f"{request.method} {request.path}")
        if trouble is None:
            return self._carried_out(request)
        if trouble.after_work:
            self._carried_out(request)
        if trouble.status is None:
            return None
        code, message = _TROUBLES.get(trouble.status, ("INTERNAL_ERROR", "Trouble."))
        answer = _error(ApiError(trouble.status, code, message))
        if trouble.retry_after is not None:
            answer.headers["Retry-After"] = str(trouble.retry_after)
        return answer

    def _carried_out(self, request: Request) -> Answer:
        try:
            self._check_token(request.headers.get("authorization"))
            reply = self._route(request)
        except ApiError as error:
            return _error(error)
        if isinstance(reply, Answer):
            return reply
        return Answer(json.dumps(reply).encode(), headers={"Content-Type": "application/json"})

    def _route(self, request: Request) -> Reply:
        for method, pattern, answer in self.routes:
            if method == request.method and (found := pattern.fullmatch(request.path)):
                return answer(request, **found.groupdict())
        self.unknown.append(f"{request.method} {request.path}")
        raise ApiError(404, "ENDPOINT_NOT_FOUND", f"No API found for '{self.unknown[-1]}'")

    def _check_token(self, given: str | None) -> None:
        if not given or not given.startswith("Bearer "):
            raise ApiError(
                401, "UNAUTHENTICATED",
                "Credential was not sent or was of an unsupported type for this API.",
            )  # fmt: skip
        if given.removeprefix("Bearer ") != self.token:
            raise ApiError(403, "PERMISSION_DENIED", "Invalid access token.")

    def _trouble(self, line: str) -> RequestTrouble | None:
        with self._lock:
            self.asked.append(line)
            for trouble in self.troubles:
                if trouble.times > 0 and trouble.where in line:
                    trouble.times -= 1
                    return trouble
        return None


def _error(error: ApiError) -> Answer:
    body = json.dumps({"error_code": error.code, "message": error.message}).encode()
    return Answer(body, error.status, {"Content-Type": "application/json"})


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    owner: Server

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news; a fault of the workspace is."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body leave in two writes; waiting for the first's receipt would cost 40 ms each.
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        request = Request(self.command, unquote(parts.path), query, headers, body)
        answer = cast(_Http, self.server).owner.answer(request)
        if answer is None:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in answer.headers:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def __getattr__(self, name: str) -> Any:
        # The base class asks for do_GET and the like; all are served alike.
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def log_message(self, format: str, *args: object) -> None:
        """Tests say what came in."""
