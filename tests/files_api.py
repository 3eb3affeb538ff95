"""The part of a workspace's Files API that reads volumes, on loopback, over a folder.

Belongs here: listing directories and reading files as the service words it. Does not belong
here: writing, jobs, and tests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

FILES, DIRECTORIES = "/api/2.0/fs/files", "/api/2.0/fs/directories"
VOLUME = "/Volumes/main/feedback/landing"
TOKEN = "token-of-nobody"


class _Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    root: Path
    page = 2

    def do_GET(self) -> None:
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return self._refuse(401, "UNAUTHENTICATED", "no such token")
        url = urlsplit(self.path)
        path = unquote(url.path)
        if path.startswith(DIRECTORIES):
            return self._list(path.removeprefix(DIRECTORIES), url.query.partition("page_token=")[2])
        if (file := self._place(path.removeprefix(FILES))) is not None and file.is_file():
            return self._answer(200, file.read_bytes(), "application/octet-stream")
        return self._refuse(404, "NOT_FOUND", "The file being accessed is not found.")

    def _list(self, path: str, token: str) -> None:
        folder = self._place(path.rstrip("/"))
        if folder is None or not folder.is_dir():
            return self._refuse(404, "NOT_FOUND", "The directory being accessed is not found.")
        start = int(token or 0)
        every = sorted(folder.iterdir())
        contents = [
            {
                "path": f"{path.rstrip('/')}/{entry.name}" + ("/" if entry.is_dir() else ""),
                "name": entry.name,
                "is_directory": entry.is_dir(),
                **({} if entry.is_dir() else {"file_size": entry.stat().st_size}),
                "last_modified": int(entry.stat().st_mtime * 1000),
            }
            for entry in every[start : start + self.page]
        ]
        more = {"next_page_token": str(start + self.page)} if start + self.page < len(every) else {}
        self._answer(200, json.dumps({"contents": contents, **more}).encode(), "application/json")

    def _place(self, path: str) -> Path | None:
        if path != VOLUME and not path.startswith(VOLUME + "/"):
            return None
        return self.root / path.removeprefix(VOLUME).strip("/")

    def _refuse(self, status: int, code: str, message: str) -> None:
        body = json.dumps({"error_code": code, "message": message}).encode()
        self._answer(status, body, "application/json")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", self.date_time_string())
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Tests print nothing."""


@contextmanager
def files_api(root: Path) -> Iterator[str]:
    """The address of a workspace whose one volume shows what lies in `root`."""
    handler = type("Api", (_Api,), {"root": root})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
