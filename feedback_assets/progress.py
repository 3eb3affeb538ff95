"""Steps as they run, on a terminal.

Belongs here: turning a runtime's progress calls into lines. Does not belong here: what runs.
"""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text


class StepLines:
    """A line a step: a moving count while it runs, a mark and the seconds when it is done."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=8, transient=True)
        self._started: dict[str, float] = {}

    def __enter__(self) -> StepLines:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def __call__(self, step: str, rows: int, ended: bool) -> None:
        """The progress callback of a runtime."""
        started = self._started.setdefault(step, time.monotonic())
        seconds = time.monotonic() - started
        line = f"{step:<22}{rows:>10,} rows {seconds:>6.1f} s"
        if ended:
            del self._started[step]
            self._live.update(Text(""))
            self._console.print(Text.assemble(("  ✓ ", "green"), line))
        else:
            self._live.update(Text.assemble(("  … ", "yellow"), line))
