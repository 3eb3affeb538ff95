"""The landing zone: folders ``<root>/<source>/<YYYY-MM-DD>/`` that others write files into.

Belongs here: listing and opening files, on a disk or an object store. Does not belong here:
what is in them.
"""

from __future__ import annotations

import datetime as dt
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from typing import BinaryIO, cast

from pyarrow import fs


@dataclass(frozen=True, slots=True)
class LandingFile:
    """One file: `path` relative to the root, size in bytes, last change in UTC."""

    path: str
    source: str
    day: dt.date
    size: int
    modified: dt.datetime


class LandingZone:
    """Landing files under `root`, a folder or an object store URL. Reads only."""

    def __init__(self, root: str) -> None:
        if "://" in root:
            self._fs, self._root = fs.FileSystem.from_uri(root)
        else:
            self._fs, self._root = fs.LocalFileSystem(), root.rstrip("/")

    def files(self, source: str, day: dt.date) -> list[LandingFile]:
        """Files landed for a day and source, by name. Names starting with . or _ are not yet
        landed: writers use them while they write.
        """
        return sorted(self._in(source, day), key=lambda file: file.path)

    def walk(self, sources: tuple[str, ...]) -> Iterator[LandingFile]:
        """All files of `sources`; folders whose name isn't a day are passed over."""
        for source in sources:
            for day in self._days(source):
                yield from self.files(source, day)

    def open(self, path: str) -> BinaryIO:
        """A file's bytes, as they are (not unpacked)."""
        raw = self._fs.open_input_file(posixpath.join(self._root, path))
        return cast(BinaryIO, BufferedReader(cast(RawIOBase, raw)))

    def _days(self, source: str) -> list[dt.date]:
        days = []
        for info in self._list(source):
            if info.type == fs.FileType.Directory:
                try:
                    days.append(dt.date.fromisoformat(info.base_name))
                except ValueError:
                    continue
        return sorted(days)

    def _in(self, source: str, day: dt.date) -> Iterator[LandingFile]:
        folder = posixpath.join(source, day.isoformat())
        for info in self._list(folder):
            if info.type == fs.FileType.File and not info.base_name.startswith((".", "_")):
                modified = info.mtime or dt.datetime.fromtimestamp(0)
                yield LandingFile(
                    posixpath.join(folder, info.base_name),
                    source,
                    day,
                    info.size,
                    modified.astimezone(dt.UTC),
                )

    def _list(self, folder: str) -> list[fs.FileInfo]:
        selector = fs.FileSelector(posixpath.join(self._root, folder), allow_not_found=True)
        return list(self._fs.get_file_info(selector))
