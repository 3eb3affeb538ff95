"""What `feedback run` still has to do: landing partitions whose files it hasn't been through,
or was through when labels meant something else.

Belongs here: remembering what was processed. Does not belong here: processing.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import orjson

from feedback_assets.contracts.partitions import SOURCES, Partition
from feedback_assets.contracts.taxonomy import taxonomy_hash
from feedback_assets.orchestration.arrivals import marks
from resources.landing.opening import open_landing
from resources.landing.zone import LandingFile
from resources.settings import Settings


class Backlog:
    """Partitions by the mark of their landing files, as last processed and as they are now."""

    def __init__(self, settings: Settings, files: Iterable[LandingFile] | None = None) -> None:
        """`files` spares a look at the landing zone where one was just taken."""
        self._path: Path = settings.home.absolute() / "processed.json"
        self._place = f"{settings.landing_root} -> {settings.lakehouse_root}"
        self._done = self._read().get(self._place, {})
        found = marks(open_landing(settings).walk(SOURCES) if files is None else files)
        # What was read under other labels is not done: it is read again.
        self.landed = {partition: f"{mark} {taxonomy_hash()}" for partition, mark in found.items()}

    def new(self) -> list[Partition]:
        """Partitions with files that are new or have changed, or all where labels have."""
        return sorted(p for p in self.landed if not self.is_done(p))

    def is_done(self, partition: Partition) -> bool:
        """Whether `feedback run` has been through the partition's files as they are now."""
        return self._done.get(partition.key) == self.landed.get(partition)

    def record(self, partitions: Iterable[Partition]) -> None:
        """Remember `partitions` as processed in the state they were listed in."""
        everything = self._read()
        done = everything.setdefault(self._place, {})
        done.update({p.key: self.landed[p] for p in partitions if p in self.landed})
        self._path.parent.mkdir(parents=True, exist_ok=True)
        drafted = self._path.with_suffix(".new")
        drafted.write_bytes(orjson.dumps(everything))
        drafted.replace(self._path)
        self._done = done

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            found: dict[str, dict[str, str]] = orjson.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        return found
