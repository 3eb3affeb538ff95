"""An S3-compatible server on loopback, as a process of its own.

Belongs here: moto's S3 behind a lock, so that a conditional put is as atomic as the real one, and
a guard that knows one pair of keys. Does not belong here: tests.

Run as ``python s3_emulator.py``; the first line printed is the port. ``GET /-/requests`` tells how
often each method came with and without ``If-None-Match``.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

ACCESS_KEY = "AKIAEMULATOR"
SECRET_KEY = "emulated-secret-of-nobody"
BUCKET = "feedback"
READS_ONLY = "AKIAREADSONLY"
StartResponse = Callable[..., Any]
Wsgi = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class Guarded:
    """One request at a time, and only with the known key."""

    def __init__(self, app: Wsgi) -> None:
        self._app = app
        self._lock = Lock()
        self._seen: Counter[str] = Counter()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        # A connection stays open after a request: without chunks there is no end to read up to.
        chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "")
        length = -1 if chunked else int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        if environ["PATH_INFO"] == "/-/requests":
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(self._seen).encode()]
        keys = environ.get("HTTP_AUTHORIZATION", "")
        reads = environ["REQUEST_METHOD"] in ("GET", "HEAD")
        if ACCESS_KEY not in keys and READS_ONLY not in keys:
            return _forbidden(
                start_response,
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
            )
        if READS_ONLY in keys and not reads:
            return _forbidden(start_response, "AccessDenied", "Access Denied")
        with self._lock:
            condition = environ.get("HTTP_IF_NONE_MATCH", "")
            log = "/_delta_log/" in environ["PATH_INFO"]
            self._seen[f"{environ['REQUEST_METHOD']} {'log' if log else ''} {condition}"] += 1
            return [b"".join(self._app(environ, start_response))]


def _forbidden(start_response: StartResponse, code: str, message: str) -> Iterable[bytes]:
    """A refusal as S3 words it."""
    start_response("403 Forbidden", [("Content-Type", "application/xml")])
    return [f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()]


@dataclass(frozen=True)
class S3Emulator:
    """A running emulator: its address, and storage options that open it."""

    endpoint: str

    def asked(self) -> Counter[str]:
        """Requests answered so far, by method, place (``log``) and ``If-None-Match``."""
        with urllib.request.urlopen(f"{self.endpoint}/-/requests") as answer:
            return Counter(json.load(answer))

    def options(self, **others: str) -> dict[str, str]:
        """Storage options with the keys of object_store."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            **others,
        }


@contextmanager
def emulator() -> Iterator[S3Emulator]:
    """An emulator in a process of its own, ended on the way out."""
    process = subprocess.Popen(
        [sys.executable, "-P", str(Path(__file__))], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port.isdigit(), "the emulator did not start"
        yield S3Emulator(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


def serve() -> None:
    """Serve until the process is ended."""
    import logging

    from moto.moto_server.werkzeug_app import create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # Clients keep connections open; HTTP/1.0 would make each request a new one.
    WSGIRequestHandler.protocol_version = "HTTP/1.1"
    app = create_backend_app("s3")
    server = make_server("127.0.0.1", 0, Guarded(app), threaded=True)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve()
