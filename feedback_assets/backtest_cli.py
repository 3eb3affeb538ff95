"""`feedback backtest`: how good the drift checks are on one's own history.

Belongs here: what is typed, and the order of reading, measuring and showing. Does not belong
here: the measuring (quality/backtest.py).
"""

from __future__ import annotations

import sys
import time
import uuid
from typing import Annotated

import orjson
import typer

from feedback_assets.command_line import console, errors, fail, source_of
from resources.settings import Settings


def backtest(
    replicates: Annotated[int, typer.Option(min=10, help="Drawn partitions a source")] = 1000,
    items: Annotated[int, typer.Option(min=1, help="Items a day")] = 200,
    source: Annotated[str | None, typer.Option(help="Only this source")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines")] = False,
) -> None:
    """Replay the history; report false alarms, power and delay of each drift check."""
    from rich.markdown import Markdown

    from feedback_assets.pipeline.runtime import build_runtime
    from feedback_assets.quality.backtest import measure
    from feedback_assets.quality.backtest_data import read_history
    from feedback_assets.quality.backtest_replay import replay
    from feedback_assets.quality.backtest_report import as_figures, as_markdown

    wanted, started = source_of(source), time.monotonic()
    try:
        runtime = build_runtime(Settings(), f"backtest-{uuid.uuid4().hex[:8]}")
        # The engine ends with the process: to stop it would end a session others may share.
        history = read_history(runtime, wanted)
    except ValueError as error:
        fail(str(error))
    rules = runtime.quality_rules
    done = measure(history, rules, items, replicates)
    done.replayed = replay(history.partitions, history.profiles, rules)
    if as_json:
        sys.stdout.write(orjson.dumps(as_figures(done)).decode() + "\n")
    elif console.is_terminal:
        console.print(Markdown(as_markdown(done, rules)))
    else:
        sys.stdout.write(as_markdown(done, rules) + "\n")
    errors.print(f"{time.monotonic() - started:.0f} s")
