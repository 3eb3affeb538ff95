"""Each check by itself: what it found, its time limit, and that none hides the next."""

from __future__ import annotations

import time

from resources.doctor.base import Check, Line, Skip, Trouble, examine


def found() -> str:
    return "all there"


def hangs() -> str:
    time.sleep(30)
    return "too late"


def skips() -> str:
    raise Skip("nothing set")


def knows_better() -> str:
    raise Trouble("half of it", "do this")


def breaks() -> str:
    raise KeyError("lost")


def test_no_check_keeps_the_next_from_being_made() -> None:
    looks = (breaks, hangs, skips, knows_better, found)
    started = time.monotonic()
    lines = list(examine(Check(look.__name__, look, "do that", seconds=0.3) for look in looks))
    assert time.monotonic() - started < 5
    assert lines == [
        Line("breaks", "failed", "KeyError: 'lost'", "do that"),
        Line("hangs", "failed", "no answer in 0.3 s", "do that"),
        Line("skips", "skipped", "nothing set"),
        Line("knows_better", "failed", "half of it", "do this"),
        Line("found", "ok", "all there"),
    ]
