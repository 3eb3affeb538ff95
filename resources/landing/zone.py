"""The landing zone: folders ``<root>/<source>/<YYYY-MM-DD>/`` that others write files into.

Belongs here: which files have landed, by the names of folders and files. Does not belong here:
how they are listed and opened (folders.py), and what is in them.
"""

from __future__ import annotations

import datetime as dt
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

from resources.landing.folders import Folders, folders_under
from resources.storage.options import NO_OPTIONS, StorageOptions


@dataclass(frozen=True, slots=True)
class LandingFile:
    """One file: `path` relative to the root, size in bytes, last change in UTC."""

    path: str
    source: str
    day: dt.date
    size: int
    modified: dt.datetime


class LandingZone:
    """Landing files under `root`, a folder, a volume or an object store URL. Reads only.

    Opened when first used, so that it can be sent to the machines that read its files; sent, it
    shows none of its options' values.
    """

    def __init__(self, root: str, options: StorageOptions = NO_OPTIONS) -> None:
        self._root, self._options = root, options

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
        return self._folders.open(path)

    @cached_property
    def _folders(self) -> Folders:
        return folders_under(self._root, self._options)

    def __reduce__(self) -> tuple[type[LandingZone], tuple[str, StorageOptions]]:
        return LandingZone, (self._root, self._options)

    def _days(self, source: str) -> list[dt.date]:
        days = []
        for entry in self._folders.list(source):
            if entry.is_folder:
                try:
                    days.append(dt.date.fromisoformat(entry.name))
                except ValueError:
                    continue
        return sorted(days)

    def _in(self, source: str, day: dt.date) -> Iterator[LandingFile]:
        folder = posixpath.join(source, day.isoformat())
        for entry in self._folders.list(folder):
            if not entry.is_folder and not entry.name.startswith((".", "_")):
                path = posixpath.join(folder, entry.name)
                yield LandingFile(path, source, day, entry.size, entry.modified)
