"""A job of many ends, for tests of the workspace; its text goes into a wheel.

Belongs here: what a task's process may do other than succeed. Does not belong here: Pipes
(pipes_job.py).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time


def done() -> int:
    """Succeed; what is returned matters to nobody."""
    print("done", sys.argv[1:])
    return 1


def fails() -> None:
    """Raise."""
    raise KeyError("no such table")


def exits() -> None:
    """Exit with a code."""
    sys.exit(3)


def leaves() -> None:
    """End the process behind Python's back, with a code that says all is well."""
    os._exit(0)


def sleeps() -> None:
    """Sleep in a process of its own, and here."""
    child = subprocess.Popen(["sleep", "60"])
    print(child.pid, flush=True)
    time.sleep(60)
