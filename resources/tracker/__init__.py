"""Trackers by name. Each is imported when it is asked for, so that none costs the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from resources.tracker.base import Tracker


def _local(folder: Path) -> Tracker:
    from resources.tracker.local import LocalTracker

    return LocalTracker(folder)


TRACKERS: dict[str, Callable[..., Tracker]] = {"local": _local}
