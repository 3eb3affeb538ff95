"""What can go wrong in the workspace, as tests ask for it.

Belongs here: kinds of trouble and their meaning. Does not belong here: how they come about.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Faults:
    """Trouble that a run meets; times in seconds."""

    slow_start: float = 0.0
    """Compute stays PENDING as long."""
    no_compute: str | None = None
    """Compute never starts; the cloud's message. INTERNAL_ERROR."""
    lost_after: float | None = None
    """The process is killed (-9) so long after its start. INTERNAL_ERROR."""
    skipped: str | None = None
    """The run is not begun, for this reason. SKIPPED."""
    pretend_success: bool = False
    """SUCCESS is reported although no process was started."""
    slow_messages: float = 0.0
    """Message files (``1.json``, ...) are seen by clients only when so old."""


@dataclass
class RequestTrouble:
    """What the next `times` requests meet whose ``METHOD /path`` holds `where`."""

    status: int | None = None
    """HTTP status of the answer; None hangs up without one."""
    times: int = 1
    where: str = ""
    after_work: bool = False
    """The request is carried out first, and only its answer is lost."""
    retry_after: int | None = None
    """Seconds in a Retry-After header."""
