"""One event loop for a process's language model, in a thread of its own.

Belongs here: running coroutines from plain code. Does not belong here: what they do.

A client's connections and what it has learned of the service's limits belong to one loop; with
a loop for each stage they would be lost between stages.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class BackgroundLoop:
    """An event loop that starts when first used and ends with the process."""

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` returns. May be called from any thread but the loop's own.

        An interrupt of the caller cancels the work.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._running())
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                loop = asyncio.new_event_loop()
                threading.Thread(
                    target=loop.run_forever, name="language-model", daemon=True
                ).start()
                self._loop = loop
            return self._loop
