"""The files and batches of the loopback language model service.

Belongs here: uploads, batch objects, result files. Does not belong here: answering a question
(llm_server.py).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from email.parser import BytesParser
from typing import Any

Answer = Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]


class Batches:
    """Files and batches by id. `finish` ends a batch as the test wants it to end."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.checks_before_processed = 0

    def handle(self, method: str, path: str, kind: str, body: bytes) -> tuple[int, Any]:
        """Status and JSON (or bytes) for `path` below the base address; `kind` is the
        request's content type."""
        parts = path.strip("/").split("/")
        match (method, *parts):
            case ("POST", "files"):
                return 200, self._upload(kind, body)
            case ("GET", "files", file_id) if file_id in self.files:
                self.checks_before_processed -= 1
                waiting = self.checks_before_processed >= 0
                return 200, self._file(file_id, "pending" if waiting else "processed")
            case ("GET", "files", file_id, "content") if file_id in self.files:
                return 200, self.files[file_id]
            case ("POST", "batches"):
                return 200, self._create(json.loads(body))
            case ("GET", "batches", batch_id) if batch_id in self.batches:
                return 200, self.batches[batch_id]
            case ("POST", "batches", batch_id, "cancel") if batch_id in self.batches:
                self.batches[batch_id]["status"] = "cancelling"
                return 200, self.batches[batch_id]
        return 404, {"error": {"message": f"nothing at {path}", "code": "not_found"}}

    def finish(
        self,
        batch_id: str,
        status: str = "completed",
        change: Callable[[list[bytes]], list[bytes]] = list,
        answered: int | None = None,
        **fields: Any,
    ) -> None:
        """Answer the first `answered` lines (all by default), what fails in the error file,
        and end the batch. `change` may spoil the lines of the output file."""
        batch = self.batches[batch_id]
        good: list[bytes] = []
        bad: list[bytes] = []
        for line in self.files[batch["input_file_id"]].splitlines()[:answered]:
            asked = json.loads(line)
            code, body = self._answer(asked["body"])
            response = {"status_code": code, "request_id": "req_batch", "body": body}
            result = {"custom_id": asked["custom_id"], "response": response, "error": None}
            text = json.dumps(result, ensure_ascii=False).encode()
            (good if code == 200 else bad).append(text)
        now = int(time.time())
        batch.update(status=status, output_file_id=self._keep(change(good)), completed_at=now)
        batch.update(error_file_id=self._keep(bad), **fields)

    def _keep(self, lines: list[bytes]) -> str | None:
        if not lines:
            return None
        file_id = f"file-{len(self.files)}"
        self.files[file_id] = b"\n".join(lines) + b"\n"
        return file_id

    def _upload(self, kind: str, body: bytes) -> dict[str, Any]:
        message = BytesParser().parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
        parts = {
            part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
            for part in message.walk()
            if not part.is_multipart()
        }
        assert parts["purpose"] == b"batch"
        content = parts["file"]
        assert isinstance(content, bytes)
        file_id = f"file-{len(self.files)}"
        self.files[file_id] = content
        return self._file(file_id, "pending" if self.checks_before_processed else "processed")

    def _file(self, file_id: str, status: str) -> dict[str, Any]:
        return {
            "id": file_id,
            "object": "file",
            "bytes": len(self.files[file_id]),
            "created_at": int(time.time()),
            "filename": "batch.jsonl",
            "purpose": "batch",
            "status": status,
        }

    def _create(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert asked["input_file_id"] in self.files
        batch_id = f"batch_{len(self.batches)}"
        self.batches[batch_id] = {
            "id": batch_id,
            "object": "batch",
            "endpoint": asked["endpoint"],
            "input_file_id": asked["input_file_id"],
            "completion_window": asked["completion_window"],
            "created_at": int(time.time()),
            "status": "in_progress",
        }
        return self.batches[batch_id]
