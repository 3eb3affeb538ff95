"""Volumes and DBFS as folders, and the paths by which the workspace knows them.

Belongs here: which path means which file, and what is outside. Does not belong here: HTTP.

A volume is the folder ``<folder>/Volumes/<catalog>/<schema>/<volume>``. It is known by that real
path, since code on a cluster opens volumes as files and a test can mount nothing at
``/Volumes``; and by ``/Volumes/<catalog>/<schema>/<volume>``, which processes of the workspace
understand where Python opens the file (cluster_process.py), native code does not.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path, PurePosixPath

from tests.databricks_workspace.http_server import ApiError

_MESSAGES = re.compile(r"\d+\.json")
# A volume shows a file once it is closed; here that is when it was left alone for a moment.
_CLOSED_SECONDS = 0.05


class Storage:
    """The files of a workspace below `folder`; `slow_messages` as in Faults."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(os.path.realpath(folder))
        self.volumes = self.folder / "Volumes"
        self.dbfs = self.folder / "dbfs"
        self.dbfs.mkdir(parents=True)
        self.slow_messages = 0.0
        self.known: dict[str, Path] = {}
        """Volumes by their full names."""

    def add_volume(self, full_name: str) -> Path:
        """Create a volume ``catalog.schema.volume``; its folder."""
        folder = self.volumes.joinpath(*full_name.split("."))
        folder.mkdir(parents=True, exist_ok=True)
        self.known[full_name] = folder
        return folder

    def in_volume(self, path: str) -> Path:
        """The file or folder of an absolute path; ApiError where no volume holds it."""
        pure = PurePosixPath(path)
        if ".." in pure.parts or not pure.is_absolute():
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"Invalid path: {path}")
        if pure.is_relative_to("/Volumes"):
            pure = PurePosixPath(self.folder, *pure.parts[1:])
        if not pure.is_relative_to(self.volumes):
            raise ApiError(403, "PERMISSION_DENIED", f"No volume of this workspace: {path}")
        names = pure.relative_to(self.volumes).parts[:3]
        if ".".join(names) not in self.known:
            raise ApiError(404, "NOT_FOUND", f"Volume '{'.'.join(names)}' does not exist.")
        return Path(pure)

    def in_dbfs(self, path: str) -> Path:
        """The file or folder of ``/a/b`` or ``dbfs:/a/b``; ApiError where it is no path."""
        pure = PurePosixPath(path.removeprefix("dbfs:"))
        if ".." in pure.parts or not pure.is_absolute():
            message = f"Path must be absolute: {path}"
            raise ApiError(400, "INVALID_PARAMETER_VALUE", message)
        return self.dbfs.joinpath(*pure.parts[1:])

    def library(self, path: str) -> Path | None:
        """The file of a library or Python file, as tasks name them; None where there is none."""
        try:
            if path.startswith("dbfs:/"):
                file = self.in_dbfs(path)
            elif path.startswith("/dbfs/"):
                file = self.in_dbfs(path.removeprefix("/dbfs"))
            else:
                file = self.in_volume(path)
        except ApiError:
            return None
        return file if file.is_file() else None

    def visible(self, file: Path) -> bool:
        """Whether clients see a file already; processes on a cluster always do."""
        if not file.is_file():
            return False
        if not _MESSAGES.fullmatch(file.name):
            return True
        age = time.time() - file.stat().st_mtime
        return age >= max(self.slow_messages, _CLOSED_SECONDS)
