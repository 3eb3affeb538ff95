"""Items per second of tier 1's four stages, one after the other on one core.

Texts are the varied sample feed's (`varied_feed`), cleaned as silver cleans them, each cut at a
word so that their mean comes to about 120 characters, no two alike. Prints the median and the best
of a few rounds: whatever else the machine does only slows a round down.

Run: ``python -m benchmarks.tier1_speed [--items N] [--batch N] [--rounds N]``.
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import tempfile
import time
from pathlib import Path

import pyarrow as pa
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from benchmarks.varied_feed import write_varied_feed
from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.model_store import load_suspicion, train_and_keep, version_in_force
from feedback_assets.gold.reading import read_safely, watched
from feedback_assets.gold.stages import STAGES, Stamp
from feedback_assets.gold.suspicion import FILE as SUSPICION
from feedback_assets.gold.suspicion import Suspicion
from feedback_assets.silver.text import clean_text
from resources.connectors import SOURCES
from resources.connectors.base import UnreadableItem
from resources.landing.payloads import Record
from resources.landing.records import read_records

STAMP = Stamp("measured", dt.datetime(2026, 4, 13, tzinfo=dt.UTC))
EXAMPLES = Path(__file__).parents[1] / "golden_set" / "train"
LONGEST, SHORTEST = 150, 60
"""Characters of a text: longer ones are cut, shorter ones left out, which makes the mean 120."""


def varied_items(count: int) -> list[tuple[str, str, str, float | None]]:
    """`count` different texts with their source, language and rating."""
    found: dict[str, tuple[str, str, str, float | None]] = {}
    with tempfile.TemporaryDirectory() as folder:
        write_varied_feed(Path(folder), 3 * count)
        paths = sorted(Path(folder).glob("*/*/*.jsonl"))
        for path in paths:
            connector = SOURCES[path.parts[-3]]
            with path.open("rb") as stream:
                for outcome in read_records(stream, path.name, connector.containers):
                    if not isinstance(outcome, Record):
                        continue
                    try:
                        item = connector.read(outcome.value)
                    except UnreadableItem:
                        continue
                    text = clean_text(item.title, item.body, item.is_html)
                    if len(text) > LONGEST:
                        text = text[: text.rfind(" ", SHORTEST, LONGEST) or LONGEST]
                    if len(text) >= SHORTEST:
                        found[text] = (connector.source, text, item.language or "en", item.rating)
    items = list(found.values())
    if len(items) < count:
        raise ValueError(f"the feed gives {len(items)} different texts, not {count}: ask for less")
    # In steps, so that all sources and days come in turn and not the first ones only.
    step = len(items) / count
    return [items[int(number * step)] for number in range(count)]


def batches(items: list[tuple[str, str, str, float | None]], size: int) -> list[pa.RecordBatch]:
    """The items in batches of `size`, as the stages read them."""
    made = []
    for first in range(0, len(items), size):
        part = items[first : first + size]
        sources, texts, languages, ratings = zip(*part, strict=True)
        made.append(
            pa.record_batch(
                {
                    "day": pa.array([STAMP.produced_at.date()] * len(part), pa.date32()),
                    "source": pa.array(sources, pa.string()),
                    "feedback_id": pa.array([str(first + i) for i in range(len(part))]),
                    "text": pa.array(texts, pa.string()),
                    "language": pa.array(languages, pa.string()),
                    "rating": pa.array(ratings, pa.float64()),
                }
            )
        )
    return made


def run(
    batch: pa.RecordBatch, model: TriageClassifier, guard: Suspicion, seconds: dict[str, float]
) -> None:
    """All stages over one batch as the steps run them, each fed with what those before it found.

    The first one's time is that of looking for attempts to instruct the reader.
    """
    started = time.process_time()
    batch = watched(batch, guard)
    seconds["gold_translation"] += time.process_time() - started
    for name, stage in STAGES.items():
        known = (*stage.inputs, *stage.optional, "attempts", "suspect")
        given = batch.select([c for c in known if c in batch.schema.names])
        started = time.process_time()
        made, _ = read_safely(given, lambda shown: stage.infer(shown, model, STAMP))  # noqa: B023
        seconds[name] += time.process_time() - started
        names = made.schema.names if name != "gold_sentiment" else ["sentiment"]
        for column in set(names) - set(batch.schema.names):
            batch = batch.append_column(column, made.column(column))


def main() -> None:
    """Train, make the feed, time the stages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    items = varied_items(asked.items)
    mean = sum(len(text) for _, text, _, _ in items) / len(items)
    feed = batches(items, asked.batch)
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(limits=1):
        started = time.process_time()
        model = train_and_keep(EXAMPLES, Path(folder))
        print(f"trained in {time.process_time() - started:.1f} CPU seconds")
        guard = load_suspicion(Path(folder), version_in_force(Path(folder), SUSPICION))
        run(feed[0], model, guard, dict.fromkeys(STAGES, 0.0))
        rounds = []
        for _ in range(asked.rounds):
            seconds = dict.fromkeys(STAGES, 0.0)
            for batch in feed:
                run(batch, model, guard, seconds)
            rounds.append(seconds)
    print(f"{len(items):,} different texts, {mean:.0f} characters on average, CPU time")
    for name in (*STAGES, "all"):
        took = [sum(s.values()) if name == "all" else s[name] for s in rounds]
        median, best = len(items) / statistics.median(took), len(items) / min(took)
        print(f"{name:<22}{median:>10,.0f} items/s, best {best:>8,.0f}")


if __name__ == "__main__":
    main()
