"""A language model's service on loopback, for tests and benchmarks.

Belongs here: HTTP, the Chat Completions protocol as OpenAI and Azure OpenAI speak it, counts of
what came in. Does not belong here: what is answered (the caller's function), troubles and limits
(llm_server_troubles.py), batches (llm_server_batches.py).
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self, cast
from urllib.parse import urlsplit

from tests.llm_server_batches import Batches
from tests.llm_server_troubles import Quota, Trouble

API_KEY = "sk-test-1f3d5b7a9c"
_PREFIX = re.compile(r"^/(v1|openai(/deployments/[^/]+)?)(?=/)")


@dataclass(frozen=True)
class Received:
    """One request as it came in; `body` is None where it is no JSON."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any] | None


class LlmServer:
    """Answers with `answer(request body)`, the text of an answer. A context manager.

    `troubles` are met first, one a chat request. Limits are per minute, judged over
    `window` seconds; `latency` is in seconds. Requests need `API_KEY`, and are kept in
    `received` unless a long run says otherwise.
    """

    def __init__(
        self,
        answer: Callable[[dict[str, Any]], str],
        *,
        latency: float = 0.0,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        flavour: Literal["sliding", "bucket"] = "sliding",
        window: float = 60.0,
        keep_requests: bool = True,
    ) -> None:
        self._answer = answer
        self._keep_requests = keep_requests
        self._latency = latency
        limits = {"requests": requests_per_minute, "tokens": tokens_per_minute}
        self._quotas = {k: Quota(n, flavour, window) for k, n in limits.items() if n is not None}
        self._lock = threading.Lock()
        self._busy = 0
        self.troubles: deque[Trouble] = deque()
        self.received: list[Received] = []
        self.statuses: Counter[int] = Counter()
        self.admitted_at: list[float] = []
        self.most_at_once = 0
        self.batches = Batches(lambda asked: (200, self.completion(asked)))
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self

    @property
    def address(self) -> str:
        """The Azure endpoint; OpenAI's base address is this with ``/v1``."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def completion(self, asked: dict[str, Any], trouble: Trouble | None = None) -> dict[str, Any]:
        """The chat completion for a request's body."""
        message = {"role": "assistant", "content": None, "refusal": None}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        changed = dict(trouble.choice) if trouble else {}
        if "message" in changed:
            message.update(changed.pop("message"))
        else:
            message["content"] = self._answer(asked)
        choice.update(changed)
        read, written = _tokens(asked["messages"]), _tokens(message["content"])
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": f"{asked['model']}-2026-01-01",
            "choices": [choice],
            "usage": {
                "prompt_tokens": read,
                "completion_tokens": written,
                "total_tokens": read + written,
                "prompt_tokens_details": {"cached_tokens": read // 2},
            },
        }

    def arrived(self, received: Received) -> None:
        """Count a request in."""
        with self._lock:
            self._busy += 1
            self.most_at_once = max(self.most_at_once, self._busy)
            if self._keep_requests:
                self.received.append(received)

    def left(self, status: int) -> None:
        """Count a response out."""
        with self._lock:
            self._busy -= 1
            self.statuses[status] += 1

    def admit(self, asked: dict[str, Any]) -> tuple[float, dict[str, str]]:
        """Seconds until the limits let a request in (0: it is in), and the headers to send.

        Tokens are counted as services do: the question, and all the room for the answer.
        """
        room = asked.get("max_completion_tokens", 0)
        amounts = {"requests": 1, "tokens": _tokens(asked["messages"]) + room}
        with self._lock:
            wait = max((q.wait_for(amounts[k]) for k, q in self._quotas.items()), default=0.0)
            if wait == 0:
                self.admitted_at.append(time.monotonic())
                for kind, quota in self._quotas.items():
                    quota.use(amounts[kind])
            headers = {k: v for kind, q in self._quotas.items() for k, v in q.headers(kind).items()}
        return wait, headers

    def next_trouble(self) -> Trouble | None:
        """The trouble the next chat request meets."""
        with self._lock:
            return self.troubles.popleft() if self.troubles else None

    def respond(self, asked: dict[str, Any]) -> Trouble:
        """The whole response to a chat request, as status, headers and body."""
        trouble = self.next_trouble()
        if trouble is not None:
            time.sleep(trouble.delay)
            body = self.completion(asked, trouble) if trouble.body is None else trouble.body
            return Trouble(trouble.status, trouble.headers, body, drop=trouble.drop)
        wait, headers = self.admit(asked)
        if wait > 0:
            error = {"message": "Rate limit reached", "code": "rate_limit_exceeded"}
            return Trouble(429, {**headers, "retry-after": f"{wait:.3f}"}, {"error": error})
        time.sleep(self._latency)
        return Trouble(200, headers, self.completion(asked))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    owner: LlmServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news; a fault of the server is."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        self._body = self._read_body()
        owner = cast(_Server, self.server).owner
        owner.arrived(Received(self.command, self.path, dict(self.headers), self._asked()))
        status = 0
        try:
            response = self._response(owner)
            status = response.status
            if response.drop == "before":
                self.close_connection = True
            else:
                self._send(response)
        finally:
            owner.left(status)

    def _response(self, owner: LlmServer) -> Trouble:
        path = _PREFIX.sub("", urlsplit(self.path).path)
        key = self.headers.get("api-key") or self.headers.get("authorization") or ""
        if key.removeprefix("Bearer ") != API_KEY:
            return Trouble(401, body={"error": {"message": f"wrong key {key}", "code": "no_key"}})
        if path == "/chat/completions":
            return owner.respond(self._asked() or {})
        kind = self.headers.get("content-type", "")
        status, body = owner.batches.handle(self.command, path, kind, self._body)
        return Trouble(status, body=body)

    def _asked(self) -> dict[str, Any] | None:
        if not self._body or "json" not in self.headers.get("content-type", ""):
            return None
        return cast(dict[str, Any], json.loads(self._body))

    def _read_body(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _send(self, response: Trouble) -> None:
        raw = isinstance(response.body, bytes)
        body = response.body if raw else json.dumps(response.body).encode()
        assert isinstance(body, bytes)
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "x-request-id": "req_1",
            **response.headers,
        }
        head = f"HTTP/1.1 {response.status} .\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in headers.items()
        )
        if response.drop == "middle":
            body = body[: len(body) // 2]
            self.close_connection = True
        # In one write: two would wait for each other's acknowledgement.
        self.wfile.write(head.encode() + b"\r\n" + body)


def _tokens(value: Any) -> int:
    texts = [m["content"] for m in value] if isinstance(value, list) else [value or ""]
    return max(1, sum(map(len, texts)) // 4)
