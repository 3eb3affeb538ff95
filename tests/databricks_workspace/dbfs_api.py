"""The DBFS API.

Belongs here: what each request on DBFS does and is answered, with the service's limits. Does not
belong here: which path means which file (storage.py).
"""

from __future__ import annotations

import base64
import binascii
import itertools
import shutil
from pathlib import Path
from typing import Any

from tests.databricks_workspace.http_server import ApiError, Reply, Request, Route
from tests.databricks_workspace.storage import Storage

BLOCK_BYTES = 1024 * 1024
"""Most that one request writes or reads (documented limit)."""
DEFAULT_READ_BYTES = BLOCK_BYTES // 2
"""What a read without a length gets (documented default: 0.5 MB)."""


class DbfsApi:
    """Files of DBFS."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._handles: dict[int, Path] = {}
        self._numbers = itertools.count(1)

    def routes(self) -> list[Route]:
        """What is served."""
        root = r"/api/2\.0/dbfs/"
        return [
            ("POST", root + "mkdirs", self._mkdirs),
            ("POST", root + "put", self._put),
            ("POST", root + "delete", self._delete),
            ("POST", root + "create", self._create),
            ("POST", root + "add-block", self._add_block),
            ("POST", root + "close", self._close),
            ("GET", root + "get-status", self._status),
            ("GET", root + "list", self._list),
            ("GET", root + "read", self._read),
        ]

    def _target(self, body: dict[str, Any]) -> Path:
        if "path" not in body:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", "Missing required field: path")
        return self._storage.in_dbfs(str(body["path"]))

    def _existing(self, request: Request) -> tuple[str, Path]:
        path = request.wanted("path")
        file = self._storage.in_dbfs(path)
        if not (file.is_dir() or self._storage.visible(file)):
            message = f"No file or directory exists on path {path}."
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)
        return path, file

    def _mkdirs(self, request: Request) -> Reply:
        folder = self._target(request.json())
        if folder.is_file():
            raise ApiError(400, "RESOURCE_ALREADY_EXISTS", f"A file exists: {folder.name}")
        folder.mkdir(parents=True, exist_ok=True)
        return {}

    def _new_file(self, body: dict[str, Any]) -> Path:
        file = self._target(body)
        if file.is_dir() or (file.exists() and not body.get("overwrite")):
            message = f"A file or directory already exists at the input path {body['path']}."
            raise ApiError(400, "RESOURCE_ALREADY_EXISTS", message)
        file.parent.mkdir(parents=True, exist_ok=True)
        return file

    def _put(self, request: Request) -> Reply:
        body = request.json()
        data = _decoded(body.get("contents", ""))
        self._new_file(body).write_bytes(data)
        return {}

    def _create(self, request: Request) -> Reply:
        file = self._new_file(request.json())
        file.write_bytes(b"")
        handle = next(self._numbers)
        self._handles[handle] = file
        return {"handle": handle}

    def _open(self, body: dict[str, Any]) -> Path:
        if body.get("handle") not in self._handles:
            message = f"No handle exists with id {body.get('handle')}."
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)
        return self._handles[body["handle"]]

    def _add_block(self, request: Request) -> Reply:
        body = request.json()
        with self._open(body).open("ab") as file:
            file.write(_decoded(body.get("data", "")))
        return {}

    def _close(self, request: Request) -> Reply:
        body = request.json()
        self._open(body)
        del self._handles[body["handle"]]
        return {}

    def _delete(self, request: Request) -> Reply:
        body = request.json()
        file = self._target(body)
        if file.is_dir() and not body.get("recursive") and any(file.iterdir()):
            raise ApiError(400, "IO_ERROR", f"The directory is not empty: {body['path']}")
        if file.is_dir():
            shutil.rmtree(file)
        else:
            file.unlink(missing_ok=True)
        return {}

    def _status(self, request: Request) -> Reply:
        path, file = self._existing(request)
        return _entry(path, file)

    def _list(self, request: Request) -> Reply:
        path, file = self._existing(request)
        if file.is_file():
            return {"files": [_entry(path, file)]}
        children = [c for c in sorted(file.iterdir()) if c.is_dir() or self._storage.visible(c)]
        return {"files": [_entry(f"{path.rstrip('/')}/{c.name}", c) for c in children]}

    def _read(self, request: Request) -> Reply:
        path, file = self._existing(request)
        if file.is_dir():
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"Cannot read a directory: {path}")
        offset = int(request.query.get("offset", 0))
        length = int(request.query.get("length", DEFAULT_READ_BYTES))
        if length > BLOCK_BYTES:
            raise ApiError(400, "MAX_READ_SIZE_EXCEEDED", f"Cannot read over {BLOCK_BYTES} bytes.")
        if offset < 0 or length < 0:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", "Negative offset or length.")
        data = file.read_bytes()[offset : offset + length]
        return {"bytes_read": len(data), "data": base64.b64encode(data).decode()}


def _decoded(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ApiError(400, "MALFORMED_REQUEST", "The contents are no base64.") from None
    if len(data) > BLOCK_BYTES:
        raise ApiError(400, "MAX_BLOCK_SIZE_EXCEEDED", f"A block has at most {BLOCK_BYTES} bytes.")
    return data


def _entry(path: str, file: Path) -> dict[str, Any]:
    about = file.stat()
    return {
        "path": path.removeprefix("dbfs:"),
        "is_dir": file.is_dir(),
        "file_size": 0 if file.is_dir() else about.st_size,
        "modification_time": int(about.st_mtime * 1000),
    }
