"""A REST service on loopback that answers by route.

Belongs here: routing and answering JSON. Does not belong here: what a service says.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, cast
from urllib.parse import parse_qsl, urlsplit

import orjson


@dataclass(frozen=True)
class Asked:
    """One request: its query, its body, and the body read as JSON where it is."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass(frozen=True)
class Told:
    """An answer: a status with JSON, or bytes, after `delay` seconds."""

    content: Any = field(default_factory=dict)
    status: int = 200
    delay: float = 0.0


Route = Callable[[Asked], Told] | Told


class RestServer:
    """Answers ``"GET /path"`` by `routes`; the longest path that begins the asked one wins.

    What has no route is told as Databricks does. A context manager.
    """

    def __init__(self, routes: Mapping[str, Route]) -> None:
        self.routes = dict(routes)
        self.asked: list[Asked] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, asked: Asked) -> Told:
        self.asked.append(asked)
        wanted = f"{asked.method} {asked.path}"
        fitting = [route for route in self.routes if wanted.startswith(route)]
        if not fitting:
            return Told({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": f"no {wanted}"}, 404)
        route = self.routes[max(fitting, key=len)]
        return route(asked) if callable(route) else route


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    owner: RestServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        parts = urlsplit(self.path)
        asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query)), body)
        told = cast(_Server, self.server).owner.answer(asked)
        time.sleep(told.delay)
        raw = isinstance(told.content, bytes)
        content = told.content if raw else orjson.dumps(told.content)
        try:
            self.send_response(told.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)
        except ConnectionError:
            # The client had no more patience: what some tests are about.
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Tests say what came in."""
