"""From a file's arrival to its tickets, by the size of the partition it lands in.

    python -m benchmarks.fast_lane [--sizes 2000,20000] [--urgent 5] [--models FOLDER]

Belongs here: the clock. Does not belong here: the items (varied_feed.py).

For each size a day of one source is processed by the batch (timed), then a file of a few urgent
items lands in it. From then on the fast lane's sensor is ticked as often as its interval says, on
the real landing zone and instance, and what it asks for is run by a process of its own, start
included. Dagster's daemon is left out: it adds the seconds between its looks (a few) and between
two looks at the queue. A second file lands with the same number of items before the batch has
seen the first, and a third beside as many new calm items as the partition holds: what the screen
then has to read.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dagster as dg
import orjson
import polars as pl

from benchmarks.varied_feed import TOKEN_KEY, write_varied_feed
from feedback_assets.orchestration.instance import open_instance
from feedback_assets.orchestration.urgent_sensor import INTERVAL, urgent_feedback
from feedback_assets.pipeline.compute import Compute
from resources.lakehouse.delta import DeltaLakehouse
from resources.settings import Settings

SOURCE = "zendesk"
TODAY = dt.datetime.now(dt.UTC).date()
URGENT = [
    "The app crashes every time I open my cart since the update and I lost all my data",
    "I was charged twice for the same order and nobody has refunded me, this is outrageous",
    "The whole shop has been down since this morning, nothing loads and I cannot order",
    "Somebody took over my account and ordered with my card, I cannot log in any more",
    "Since the last version checkout fails with an error for everyone in our company",
]


def main() -> None:
    """Measure and print a line a landing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="2000,20000")
    parser.add_argument("--urgent", type=int, default=5)
    given = parser.parse_args()
    print("| items there | landed | until asked for, s | until tickets, s | steps, s |")
    for size in map(int, given.sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            _measure(Path(folder), size, given.urgent)


def _measure(folder: Path, size: int, urgent: int) -> None:
    home, landing = folder / "home", folder / "home" / "landing"
    lines = _lines(folder / "feed", 2 * size)
    place = landing / SOURCE / TODAY.isoformat()
    place.mkdir(parents=True)
    settings = Settings(home=home, automation="all")
    _write(place / "first.jsonl", lines[:size])
    began = time.monotonic()
    _run(home)
    print(
        f"| {size} | all of them, by the batch | | {time.monotonic() - began:.1f} | |", flush=True
    )
    cursor = _tick(settings, None)[1]
    for number, beside in enumerate((0, 0, size)):
        new = [_ticket(number * 100 + n, URGENT[n % len(URGENT)]) for n in range(urgent)]
        before = _linked(settings)
        _write(place / f"urgent{number}.jsonl", [*lines[size : size + beside], *new])
        arrived = time.monotonic()
        asked, cursor = False, cursor
        while not asked:
            time.sleep(INTERVAL.total_seconds())
            asked, cursor = _tick(settings, cursor)
        noticed = time.monotonic() - arrived
        _run(home, "--lane", "fast", "--day", TODAY.isoformat(), "--source", SOURCE)
        done = time.monotonic() - arrived
        landed = f"{urgent} urgent" + (f" among {beside}" if beside else "")
        linked = _linked(settings) - before
        print(
            f"| {size} | {landed}, {linked} in tickets | {noticed:.1f} | {done:.1f} | "
            f"{_steps(settings)} |",
            flush=True,
        )


def _lines(folder: Path, number: int) -> list[bytes]:
    write_varied_feed(folder, 8 * number)
    files = sorted((folder / SOURCE).rglob("*.jsonl"))
    lines = [line for file in files for line in file.read_bytes().splitlines()]
    if len(lines) < number:
        raise SystemExit(f"the feed has {len(lines)} items of {SOURCE}, not {number}")
    return lines[:number]


def _write(path: Path, lines: list[bytes]) -> None:
    drafted = path.with_name(f"_{path.name}")
    drafted.write_bytes(b"\n".join([*lines, b""]))
    drafted.replace(path)


def _ticket(number: int, text: str) -> bytes:
    return orjson.dumps(
        {
            "id": 900_000_000 + number,
            "created_at": f"{TODAY.isoformat()}T00:00:00Z",
            "subject": "",
            "description": f"{text} ({number})",
            "requester_id": 900_000_000 + number,
        }
    )


def _run(home: Path, *arguments: str) -> None:
    environment = {
        **os.environ, "FEEDBACK_HOME": str(home), "FEEDBACK_SECRET_KEY": TOKEN_KEY,
        "FEEDBACK_AUTOMATION": "all",
    }  # fmt: skip
    command = [sys.executable, "-P", "-c", "from feedback_assets.cli import app; app()", "run"]
    ended = subprocess.run(
        [*command, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise SystemExit(ended.stdout + ended.stderr)


def _tick(settings: Settings, cursor: str | None) -> tuple[bool, str | None]:
    with (
        open_instance(settings) as instance,
        dg.build_sensor_context(
            instance=instance, cursor=cursor, resources={"compute": Compute(settings)}
        ) as context,
    ):
        told = urgent_feedback(context)
        if isinstance(told, dg.SensorResult):
            return bool(told.run_requests), told.cursor
        return False, context.cursor


def _linked(settings: Settings) -> int:
    where = f"day = '{TODAY}' AND source = '{SOURCE}'"
    lakehouse = DeltaLakehouse(settings.lakehouse_root)
    return int(lakehouse.scan("ticket_items", ["feedback_id"], where).read_all().num_rows)


def _steps(settings: Settings) -> str:
    where = f"day = '{TODAY}' AND source = '{SOURCE}' AND metric = 'seconds'"
    scanned = DeltaLakehouse(settings.lakehouse_root).scan("stage_metrics", predicate=where)
    rows = pl.DataFrame(scanned.read_all())
    last = rows.filter(pl.col("run_id") == rows.sort("recorded_at")["run_id"][-1])
    told = last.sort("recorded_at").select("stage", "value").rows()
    return ", ".join(f"{stage} {value:.1f}" for stage, value in told)


if __name__ == "__main__":
    main()
