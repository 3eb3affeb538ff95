"""Ways to list folders and open files below a root, wherever it lies.

Belongs here: one class for each kind of storage, all with the same two methods. Does not belong
here: which folders there are and what their names mean (zone.py).

Object stores are read by the client that commits the tables (deltalake's), so that one set of
options opens both, and a bucket that isn't there is an error rather than an empty listing.
"""

from __future__ import annotations

import datetime as dt
import posixpath
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast

from pyarrow import fs

from resources.storage.options import StorageOptions
from resources.storage.roots import kind_of, plain_path
from resources.storage.troubles import told_plainly

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

REMOTE_BUFFER = 4 << 20
"""Bytes asked of an object store at a time; each read of a buffer is a request."""
_IN_MEMORY = 32 << 20
_EPOCH = dt.datetime.fromtimestamp(0, dt.UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands in a folder: a folder, or a file with its size in bytes and last change."""

    name: str
    is_folder: bool
    size: int = 0
    modified: dt.datetime = _EPOCH


class Folders(Protocol):
    """Folders and files below a root. Paths are relative to it, with forward slashes."""

    def list(self, folder: str) -> list[Entry]:
        """What stands in `folder`; nothing where it does not exist."""
        ...

    def open(self, path: str) -> BinaryIO:
        """A file's bytes. Raises `FileNotFoundError`."""
        ...


def folders_under(root: str, options: StorageOptions) -> Folders:
    """Folders below `root`. Raises `ValueError` for an address of a kind that is not known.

    A volume that this machine mounts is read as a folder, any other by the Files API.
    """
    root = plain_path(root)
    kind = kind_of(root)
    if kind == "folder" or (kind == "volume" and _is_mounted(root)):
        return LocalFolders(root)
    if kind == "volume":
        return VolumeFolders(root)
    return StoreFolders(root, options)


def _is_mounted(root: str) -> bool:
    # /Volumes/<catalog>/<schema>/<volume>: what is above a volume can't be listed everywhere.
    return Path(*Path(root).parts[:5]).is_dir()


class LocalFolders:
    """Folders of a file system."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._fs = fs.LocalFileSystem()

    def list(self, folder: str) -> list[Entry]:
        """What stands in `folder`."""
        return _entries(self._fs, posixpath.join(self._root, folder))

    def open(self, path: str) -> BinaryIO:
        """A file's bytes."""
        return _buffered(self._fs.open_input_file(posixpath.join(self._root, path)), 8192)


class StoreFolders:
    """Folders of an object store, which are common beginnings of keys."""

    def __init__(self, root: str, options: StorageOptions) -> None:
        # Loaded here: a folder on a disk needs none of it.
        from deltalake.fs import DeltaStorageHandler

        self._root, self._options = root, options
        with told_plainly(root, options):
            self._fs = fs.PyFileSystem(DeltaStorageHandler(root, options.plain()))

    def list(self, folder: str) -> list[Entry]:
        """What stands in `folder`."""
        with told_plainly(self._root, self._options):
            return _entries(self._fs, folder)

    def open(self, path: str) -> BinaryIO:
        """A file's bytes, fetched as they are read."""
        with told_plainly(self._root, self._options):
            return _buffered(self._fs.open_input_file(path), REMOTE_BUFFER)


class VolumeFolders:
    """Folders of a Unity Catalog volume, through the workspace's Files API.

    The workspace and the credentials are found by Databricks' unified authentication.
    """

    def __init__(self, root: str, client: WorkspaceClient | None = None) -> None:
        from databricks.sdk import WorkspaceClient

        self._root = root
        try:
            self._client = client or WorkspaceClient()
        except ValueError as error:
            raise ValueError(
                f"{root} is not mounted on this machine, and no workspace is known to ask for it: "
                f"set DATABRICKS_HOST and credentials, or a profile. {error}"
            ) from None

    def list(self, folder: str) -> list[Entry]:
        """What stands in `folder`."""
        from databricks.sdk.errors import NotFound

        place = posixpath.join(self._root, folder)
        try:
            return [_volume_entry(e) for e in self._client.files.list_directory_contents(place)]
        except NotFound:
            # A day without files has no folder; a volume that isn't there is a mistake.
            self._refuse_missing_volume()
            return []

    def open(self, path: str) -> BinaryIO:
        """A file's bytes, fetched whole before they are read: a broken transfer is an error."""
        from databricks.sdk.errors import NotFound

        place = posixpath.join(self._root, path)
        with ExitStack() as opened:
            held = opened.enter_context(tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))
            try:
                fetched = self._client.files.download(place).contents
            except NotFound:
                raise FileNotFoundError(place) from None
            assert fetched is not None
            with fetched:
                shutil.copyfileobj(fetched, held, REMOTE_BUFFER)
            held.seek(0)
            opened.pop_all()
        return cast(BinaryIO, held)

    def _refuse_missing_volume(self) -> None:
        from databricks.sdk.errors import NotFound

        volume = "/".join(self._root.split("/")[:5])
        try:
            next(iter(self._client.files.list_directory_contents(volume)), None)
        except NotFound:
            raise FileNotFoundError(
                f"{self._root}: there is no volume {volume} in {self._client.config.host}, or it "
                "may not be read; create it, or grant READ VOLUME"
            ) from None


def _volume_entry(entry: Any) -> Entry:
    modified = dt.datetime.fromtimestamp((entry.last_modified or 0) / 1000, dt.UTC)
    return Entry(
        str(entry.name or posixpath.basename(str(entry.path).rstrip("/"))).rstrip("/"),
        bool(entry.is_directory),
        int(entry.file_size or 0),
        modified,
    )


def _entries(filesystem: fs.FileSystem, folder: str) -> list[Entry]:
    return [
        Entry(
            info.base_name,
            info.type == fs.FileType.Directory,
            info.size or 0,
            (info.mtime or _EPOCH).astimezone(dt.UTC),
        )
        for info in _listed(filesystem, folder)
    ]


def _listed(filesystem: fs.FileSystem, folder: str) -> Iterator[fs.FileInfo]:
    kinds = (fs.FileType.Directory, fs.FileType.File)
    selector = fs.FileSelector(folder, allow_not_found=True)
    found = filesystem.get_file_info(selector)
    # Tools that show a bucket as folders mark one by an empty object of its own name.
    return (info for info in found if info.type in kinds and info.path.rstrip("/") != folder)


def _buffered(raw: Any, size: int) -> BinaryIO:
    return cast(BinaryIO, BufferedReader(cast(RawIOBase, raw), size))
