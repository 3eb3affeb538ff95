"""The Files API, for volumes.

Belongs here: what each request on files and directories of a volume does and is answered.
Does not belong here: which paths are volumes (storage.py).
"""

from __future__ import annotations

import shutil
from email.utils import formatdate
from pathlib import Path

from tests.databricks_workspace.http_server import Answer, ApiError, Reply, Request, Route
from tests.databricks_workspace.storage import Storage


class FilesApi:
    """Files and directories of volumes; `page_size` is the longest page of a listing."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.page_size = 1000

    def routes(self) -> list[Route]:
        """What is served."""
        files, directories = (
            r"/api/2\.0/fs/files(?P<path>/.+)",
            r"/api/2\.0/fs/directories(?P<path>/.+)",
        )
        return [
            ("PUT", files, self._upload),
            ("GET", files, self._download),
            ("HEAD", files, self._metadata),
            ("DELETE", files, self._delete),
            ("PUT", directories, self._make),
            ("GET", directories, self._list),
            ("HEAD", directories, self._directory_metadata),
            ("DELETE", directories, self._remove),
        ]

    def _upload(self, request: Request, path: str) -> Reply:
        file = self._storage.in_volume(path)
        if file.is_dir():
            raise ApiError(409, "ALREADY_EXISTS", f"A directory is at {path}.")
        if file.exists() and request.query.get("overwrite") != "true":
            raise ApiError(409, "ALREADY_EXISTS", f"The file being created already exists: {path}")
        if not file.parent.is_dir():
            raise ApiError(404, "NOT_FOUND", f"The directory being accessed is not found: {path}")
        # No reader may meet half a file.
        partial = file.with_name(f".{file.name}.partial")
        partial.write_bytes(request.body)
        partial.replace(file)
        return Answer(status=204)

    def _file(self, path: str) -> Path:
        file = self._storage.in_volume(path)
        if not self._storage.visible(file):
            raise ApiError(404, "NOT_FOUND", f"The file being accessed is not found: {path}")
        return file

    def _download(self, request: Request, path: str) -> Reply:
        file = self._file(path)
        body = file.read_bytes()
        start = request.headers.get("range", "bytes=0-").removeprefix("bytes=").rstrip("-")
        return Answer(body[int(start) :], headers=_file_headers(file))

    def _metadata(self, request: Request, path: str) -> Reply:
        file = self._file(path)
        size = str(file.stat().st_size)
        return Answer(headers={**_file_headers(file), "Content-Length": size})

    def _delete(self, request: Request, path: str) -> Reply:
        self._file(path).unlink()
        return Answer(status=204)

    def _make(self, request: Request, path: str) -> Reply:
        folder = self._storage.in_volume(path)
        if folder.is_file():
            raise ApiError(409, "ALREADY_EXISTS", f"A file is at {path}.")
        folder.mkdir(parents=True, exist_ok=True)
        return Answer(status=204)

    def _directory(self, path: str) -> Path:
        folder = self._storage.in_volume(path)
        if not folder.is_dir():
            raise ApiError(404, "NOT_FOUND", f"The directory being accessed is not found: {path}")
        return folder

    def _list(self, request: Request, path: str) -> Reply:
        children = sorted(self._directory(path).iterdir())
        entries = [
            {
                "path": f"{path.rstrip('/')}/{child.name}",
                "name": child.name,
                "is_directory": child.is_dir(),
                "last_modified": int(child.stat().st_mtime * 1000),
                **({} if child.is_dir() else {"file_size": child.stat().st_size}),
            }
            for child in children
            if child.is_dir() or self._storage.visible(child)
        ]
        start = int(request.query.get("page_token") or 0)
        size = min(int(request.query.get("page_size") or self.page_size), self.page_size)
        page = {"contents": entries[start : start + size]}
        more = start + size < len(entries)
        return {**page, "next_page_token": str(start + size)} if more else page

    def _directory_metadata(self, request: Request, path: str) -> Reply:
        self._directory(path)
        return Answer()

    def _remove(self, request: Request, path: str) -> Reply:
        folder = self._directory(path)
        if any(self._storage.visible(child) or child.is_dir() for child in folder.iterdir()):
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"The directory is not empty: {path}")
        shutil.rmtree(folder)
        return Answer(status=204)


def _file_headers(file: Path) -> dict[str, str]:
    modified = formatdate(file.stat().st_mtime, usegmt=True)
    return {"Content-Type": "application/octet-stream", "Last-Modified": modified}
