"""A tracker that is a folder: one readable Markdown file an issue, `<QUEUE>-<n>.md`.

Belongs here: where files lie, their numbers and locks. Does not belong here: a file's layout
(local_file.py), and what a body says, which comes as Markdown and is kept as it is.

A file opens with YAML front matter, of which people edit `status`: `closed`, `done` or `resolved`
close the issue. Notes are appended under *Added later*, each behind a hidden marker.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from resources.tracker.base import IssueDraft, IssueStatus, Refused
from resources.tracker.local_file import (
    carried_key,
    document,
    encodable,
    queue_name,
    status_of,
    text_of,
    with_note,
)

_KEY = re.compile(r"[A-Z0-9_]+-[1-9][0-9]*")
_NUMBERS = ".numbers.json"
_NO_LINKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM)
_log = logging.getLogger(__name__)


class LocalTracker:
    """Issues as files of `folder`, which is made when the first is created.

    Several processes may use one folder. Unlike most trackers, `create` finds the issue of a key
    it has already created and returns that.
    """

    name = "local"
    finds_at_once = True

    def __init__(
        self,
        folder: Path,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        lock_seconds: float = 30,
    ) -> None:
        """Nothing is read or written yet. `lock_seconds`: how long to wait for another process."""
        self.folder = folder
        self._now = now
        self._lock_seconds = lock_seconds
        self._seen: dict[str, tuple[tuple[int, int], str | None]] = {}

    def create(self, draft: IssueDraft) -> str:
        """Write the issue's file and return its key, or the key of the one already written.

        Raises `Refused` when the folder can't be written to, or another process keeps it.
        """
        with self._alone():
            return self.find(draft.idempotency_key) or self._written(draft)

    def find(self, idempotency_key: str) -> str | None:
        """The key of the issue that carries `idempotency_key`, if there is one.

        A file whose front matter no longer parses is still found, by its text.
        """
        found: dict[str, tuple[tuple[int, int], str | None]] = {}
        for path in self._files():
            try:
                stat = path.stat()
                stamp = (stat.st_mtime_ns, stat.st_size)
                known = self._seen.get(path.stem)
                found[path.stem] = (
                    known if known and known[0] == stamp else (stamp, carried_key(text_of(path)))
                )
            except FileNotFoundError:
                # A person deleted it since it was listed.
                continue
        self._seen = found
        wanted = encodable(idempotency_key)
        return next((key for key, (_, carried) in found.items() if carried == wanted), None)

    def add(self, key: str, note_key: str, note: str) -> None:
        """Append a note to the issue's file, unless its `note_key` already stands there.

        The rest of the file stays as it is, also where a person edited it. Raises `Refused` when
        there is no such issue.
        """
        path = self._path(key)
        if path is None:
            raise Refused(f"there is no ticket {key!r} in {self.folder}")
        with self._alone():
            text = text_of(path)
            noted = with_note(text, note_key, note)
            if noted != text:
                self._replace(path, noted)

    def statuses(self, keys: Sequence[str]) -> Mapping[str, IssueStatus]:
        """Where each of `keys` stands; those without a file are absent.

        An issue whose file can't be read counts as open; its status begins with ``unreadable``
        and says what to mend, which is logged as a warning too. Where a person closed an issue
        without a `resolved_at`, the file's last change stands for it.
        """
        paths = {key: path for key in keys if (path := self._path(key)) is not None}
        return {key: status_of(key, path) for key, path in paths.items()}

    def _path(self, key: str) -> Path | None:
        path = self.folder / f"{key}.md"
        return path if _KEY.fullmatch(key) and path.is_file() else None

    def _files(self) -> Iterator[Path]:
        return (path for path in sorted(self.folder.glob("*.md")) if _KEY.fullmatch(path.stem))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the folder's lock. What fails before anything is written becomes `Refused`."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / ".lock", timeout=self._lock_seconds)
            lock.acquire()
        except Timeout as error:
            raise Refused(
                f"{self.folder} is held by another process; nothing was written, try again"
            ) from error
        except OSError as error:
            raise Refused(f"{self.folder} can't be written to: {error}") from error
        try:
            yield
        finally:
            lock.release()

    def _written(self, draft: IssueDraft) -> str:
        queue = queue_name(draft.queue)
        numbers = self._numbers()
        number = numbers.get(queue, 0) + 1
        while True:
            key = f"{queue}-{number}"
            self._replace(self._numbers_file, json.dumps(numbers | {queue: number}))
            text = document(key, draft, self._now())
            file = self._drafted(text)
            try:
                _put_if_absent(file, self.folder / f"{key}.md", text)
                return key
            except FileExistsError:
                number += 1
            except OSError as error:
                raise Refused(f"{key}.md can't be made in {self.folder}: {error}") from error
            finally:
                file.unlink()

    @property
    def _numbers_file(self) -> Path:
        return self.folder / _NUMBERS

    def _numbers(self) -> dict[str, int]:
        """The highest number each queue ever gave, so that a deleted issue's key isn't reused."""
        numbers: dict[str, int] = {}
        if self._numbers_file.exists():
            try:
                numbers = {
                    str(q): int(n) for q, n in json.loads(text_of(self._numbers_file)).items()
                }
            except (ValueError, AttributeError, TypeError):
                _log.warning("%s can't be read; counting the files instead", self._numbers_file)
        for path in self._files():
            queue, _, number = path.stem.rpartition("-")
            numbers[queue] = max(numbers.get(queue, 0), int(number))
        return numbers

    def _replace(self, path: Path, text: str) -> None:
        file = self._drafted(text)
        try:
            os.replace(file, path)
        except OSError as error:
            file.unlink()
            raise Refused(f"{path} can't be written to: {error}") from error

    def _drafted(self, text: str) -> Path:
        """A hidden file that holds all of `text`, safe on disk."""
        path = self.folder / f".draft-{secrets.token_hex(6)}"
        try:
            with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            path.unlink(missing_ok=True)
            raise Refused(f"{self.folder} can't be written to: {error}") from error
        return path


def _put_if_absent(drafted: Path, path: Path, text: str) -> None:
    """Make `path` of `drafted`, which holds `text`. Raises `FileExistsError` where there is one."""
    try:
        # A hard link, unlike a rename, fails when the name is taken.
        os.link(drafted, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # Mounted volumes know no links. A file of theirs shows when it is closed, so whole too.
        with path.open("x", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
