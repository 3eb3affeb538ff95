"""What has arrived since the last look: the landing sensor's memory, without Dagster.

Belongs here: comparing two looks at the landing zone. Does not belong here: starting runs.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import orjson

from feedback_assets.contracts.partitions import Partition
from resources.landing.zone import LandingFile


@dataclass
class Arrivals:
    """What was last seen of each file: its size and time, and whether its run was asked for.

    A file counts as arrived when two looks see the same size and time, and it was not changed
    within `settle`: a file still being written is left for the next look, and one that grows
    later arrives again. `news` are the files that the last look found to have arrived.
    """

    seen: dict[str, tuple[int, float, bool]] = field(default_factory=dict)
    news: dict[Partition, list[LandingFile]] = field(default_factory=dict)

    @classmethod
    def from_cursor(cls, cursor: str | None) -> Arrivals:
        """The memory that `cursor` holds; none for none."""
        return cls({p: (s, m, d) for p, (s, m, d) in orjson.loads(cursor or "{}").items()})

    def cursor(self) -> str:
        """The memory as text."""
        return orjson.dumps(self.seen).decode()

    def update(
        self, files: Iterable[LandingFile], now: dt.datetime, settle: dt.timedelta
    ) -> dict[Partition, str]:
        """Take a look; returns partitions with newly arrived files, each with a mark of them.

        The mark changes whenever the partition's files do. Files that are gone are forgotten.
        """
        found = list(files)
        looked: dict[str, tuple[int, float, bool]] = {}
        self.news = {}
        for file in found:
            partition = Partition(file.day, file.source)
            state = (file.size, file.modified.timestamp())
            before = self.seen.get(file.path)
            unchanged = before is not None and before[:2] == state
            asked = bool(before and unchanged and before[2])
            settled = unchanged or now - file.modified >= settle
            if settled and not asked:
                self.news.setdefault(partition, []).append(file)
                asked = True
            looked[file.path] = (*state, asked)
        self.seen = looked
        marked = marks(found)
        return {partition: marked[partition] for partition in self.news}

    def ask_again(self, partitions: Iterable[Partition]) -> None:
        """Take back that the last look's news of `partitions` were asked for."""
        for partition in partitions:
            for file in self.news.pop(partition, ()):
                size, modified, _ = self.seen[file.path]
                self.seen[file.path] = (size, modified, False)


def marks(files: Iterable[LandingFile]) -> dict[Partition, str]:
    """A mark of each partition's files, which changes whenever one is added, grows or changes."""
    hashes: dict[Partition, hashlib._Hash] = {}
    for file in files:
        mark = hashes.setdefault(Partition(file.day, file.source), hashlib.sha256())
        mark.update(f"{file.path}\x00{file.size}\x00{file.modified.timestamp()}\n".encode())
    return {partition: mark.hexdigest()[:16] for partition, mark in hashes.items()}
