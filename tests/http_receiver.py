"""An HTTP receiver on loopback that keeps what it is sent.

Belongs here: receiving, and answering as a test says. Does not belong here: what is expected.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, cast


@dataclass(frozen=True)
class Received:
    """One request; header names in lower case, `at` in seconds of the monotonic clock."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass(frozen=True)
class Response:
    """An answer after `delay` seconds; `drop` hangs up instead."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    delay: float = 0.0
    drop: bool = False


class HttpReceiver:
    """Takes requests at `address`. A context manager.

    `responses` are given in order, then `usual`.
    """

    def __init__(self, *responses: Response, usual: Response | None = None) -> None:
        self.responses = deque(responses)
        self.usual = usual or Response()
        self.received: list[Received] = []
        self._leaving = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, received: Received) -> Response:
        """Keep a request; what it is answered, once its delay is over."""
        with self._lock:
            self.received.append(received)
            response = self.responses.popleft() if self.responses else self.usual
        self._leaving.wait(response.delay)
        return response


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    owner: HttpReceiver

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news; a fault of the receiver is."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        owner = cast(_Server, self.server).owner
        response = owner.answer(Received("POST", self.path, headers, body, time.monotonic()))
        if response.drop:
            self.close_connection = True
            return
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    def log_message(self, format: str, *args: object) -> None:
        """Tests say what came in."""
