"""The wheel in the workspace, held against this installation's files.

Belongs here: fetching and comparing it. Does not belong here: building and uploading it, which
the asset bundle does.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from databricks.sdk import WorkspaceClient

from resources.doctor.base import Trouble

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Code:
    """This installation: its version, and where its `packages` lie, `root`/<package>."""

    version: str
    root: Path
    packages: tuple[str, ...]


def compare(client: WorkspaceClient, path: str, code: Code) -> str:
    """Its version and hash; raises `Trouble` where it was not built from `code`."""
    content = _fetched(client, path)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as wheel:
            version = _version(wheel)
            differing = sorted(_differing(wheel, code))
    except zipfile.BadZipFile as error:
        raise Trouble(f"{path} is no wheel: {error}") from error
    if version != code.version:
        raise Trouble(f"{path} has version {version}, this code {code.version}")
    if differing:
        shown = ", ".join(differing[:_SHOWN]) + " …" * (len(differing) > _SHOWN)
        raise Trouble(f"{len(differing)} files of {path} differ from this code: {shown}")
    return (
        f"{path}: version {version}, sha256 {hashlib.sha256(content).hexdigest()[:12]}, this code"
    )


def _fetched(client: WorkspaceClient, path: str) -> bytes:
    if path.startswith("dbfs:"):
        with client.dbfs.download(path.removeprefix("dbfs:")) as file:
            return bytes(file.read())
    if path.startswith("/Workspace/"):
        with client.workspace.download(path.removeprefix("/Workspace")) as file:
            return bytes(file.read())
    contents = client.files.download(path).contents
    if contents is None:
        raise Trouble(f"{path} is empty")
    return contents.read()


def _version(wheel: zipfile.ZipFile) -> str:
    for name in wheel.namelist():
        if name.endswith(".dist-info/METADATA"):
            for line in wheel.read(name).decode("utf-8").splitlines():
                if line.startswith("Version: "):
                    return line.removeprefix("Version: ").strip()
    raise Trouble("the wheel says no version")


def _differing(wheel: zipfile.ZipFile, code: Code) -> Iterator[str]:
    """Modules that only one of both has, or that are not the same, byte for byte."""
    there = {
        name
        for name in wheel.namelist()
        if name.endswith(".py") and name.split("/", 1)[0] in code.packages
    }
    here = {
        path.relative_to(code.root).as_posix()
        for package in code.packages
        for path in (code.root / package).rglob("*.py")
    }
    yield from there ^ here
    for name in there & here:
        if wheel.read(name) != (code.root / name).read_bytes():
            yield name
