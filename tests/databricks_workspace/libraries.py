"""Libraries of a task, installed as a cluster does it, without a network.

Belongs here: wheels (unpacked once for each content), requirements from PyPI (only looked at:
the test's environment must hold them), Databricks' words for what is wrong. Does not belong
here: running anything.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import threading
import zipfile
from email.parser import Parser
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.tags import sys_tags
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from tests.databricks_workspace.storage import Storage


class InstallationFailed(Exception):
    """A library that can't be installed."""

    def __init__(self, message: str) -> None:
        super().__init__(
            "Library installation failed for library due to user error. Error messages:\n" + message
        )


class Libraries:
    """Unpacked wheels below `folder`."""

    def __init__(self, storage: Storage, folder: Path) -> None:
        self._storage = storage
        self._folder = folder
        self._lock = threading.Lock()

    def install(self, wanted: list[str]) -> dict[str, Path]:
        """Install wheels' paths and PyPI requirements; package name -> folder of its wheel.

        InstallationFailed where a file or package is missing or can't be installed.
        """
        wheels: dict[str, Path] = {}
        for library in wanted:
            path = library.partition("[")[0].strip()
            if path.endswith(".whl"):
                name, folder = self._unpacked(path)
                wheels[name] = folder
            else:
                _must_be_there(library)
        return wheels

    def _unpacked(self, path: str) -> tuple[str, Path]:
        if not path.startswith(("dbfs:/", "/dbfs/", "/Volumes/", str(self._storage.volumes))):
            raise InstallationFailed(
                "Python wheels must be stored in UC Volumes, dbfs, s3, adls, gs or as a workspace "
                f"file/local file. The URI is '{path}'"
            )
        file = self._storage.library(path)
        if file is None:
            raise InstallationFailed(f"The file does not exist: '{path}'")
        try:
            name, _, _, tags = parse_wheel_filename(file.name)
        except InvalidWheelFilename as error:
            raise InstallationFailed(f"'{path}': {error}") from error
        if tags.isdisjoint(sys_tags()):
            raise InstallationFailed(f"'{path}' is not a supported wheel on this platform.")
        content = file.read_bytes()
        folder = self._folder / hashlib.sha256(content).hexdigest()[:16]
        with self._lock:
            if not folder.exists():
                self._unpack(file, name, folder)
        return name, folder

    def _unpack(self, file: Path, name: str, folder: Path) -> None:
        try:
            with zipfile.ZipFile(file) as wheel:
                names = wheel.namelist()
                if any(".data/" in name or name.startswith(("/", "..")) for name in names):
                    raise InstallationFailed(f"'{file.name}' holds files for other places.")
                metadata = next((n for n in names if n.endswith(".dist-info/METADATA")), None)
                if metadata is None or not any(n.endswith(".dist-info/WHEEL") for n in names):
                    raise InstallationFailed(f"'{file.name}' has no METADATA or no WHEEL.")
                said = Parser().parsestr(wheel.read(metadata).decode()).get("Name", "")
                if canonicalize_name(said) != name:
                    raise InstallationFailed(f"'{file.name}' holds the package '{said}'.")
                partial = folder.with_suffix(".partial")
                wheel.extractall(partial)
        except zipfile.BadZipFile as error:
            raise InstallationFailed(f"Wheel '{file.name}' is invalid: {error}") from error
        partial.rename(folder)


def _must_be_there(text: str) -> None:
    try:
        wanted = Requirement(text)
    except InvalidRequirement as error:
        raise InstallationFailed(f"Invalid requirement: '{text}': {error}") from error
    missing = InstallationFailed(
        f"Could not find a version that satisfies the requirement {text} (this workspace has no "
        "network: only what the test's environment holds can be installed)"
    )
    if wanted.url:
        raise missing
    try:
        version = importlib.metadata.version(wanted.name)
    except importlib.metadata.PackageNotFoundError:
        raise missing from None
    if not wanted.specifier.contains(version, prereleases=True):
        raise missing
