"""How well clusters match the sample feed's stories, and how fast they are made.

Belongs here: reading the sample, its labels, the measures. Run ``python -m
benchmarks.cluster_quality``; with ``FEEDBACK_REAL_FEED`` set, or ``../shared/real_feed``
standing beside the repository, the largest clusters of that unlabelled feed are printed too.

The vocabulary was written with the sample feed in sight: its numbers are no forecast. A quarter
of the sub-categories is replaced at random, as a classifier errs.
"""

from __future__ import annotations

import argparse
import csv
import html
import os
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from feedback_assets.contracts.taxonomy import SUB_CATEGORIES, TAXONOMY
from feedback_assets.triage.clustering import SCHEMA, THRESHOLD, assign
from resources.connectors import SOURCES
from resources.connectors.base import SourceItem, UnreadableItem

ROOT = Path(__file__).parent.parent
STORIES = {
    "paylink": ("payment", "payment_method"),
    "delay_pt": ("delivery", "late"),
    "double_charge": ("payment", "wrong_charge"),
    "search_filters": ("search", "filters_and_sorting"),
    "refund_missing": ("returns", "refund_missing"),
    "login_code": ("account_access", "two_factor"),
    "slow_app": ("performance", "slow_loading"),
    "crash_ios": ("reliability", "crash"),
    "returns_docs": ("documentation", "outdated_docs"),
    "signup": ("onboarding", "registration"),
    "damaged": ("delivery", "damaged_or_wrong"),
}
ERRS = 0.25
Row = dict[str, str | None]


def unpacked(path: Path) -> bytes:
    """The file's bytes, out of gzip where it is."""
    with pa.input_stream(path) as stream:
        content: bytes = stream.read()
    return content


def records(path: Path, containers: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """The records of one landing file, those that are readable."""
    name = path.name.removesuffix(".gz")
    if name.endswith(".parquet"):
        yield from pq.read_table(path).to_pylist()
    elif name.endswith(".csv"):
        lines = unpacked(path).decode("utf-8-sig").splitlines(keepends=True)
        mark = ";" if lines[0].count(";") > lines[0].count(",") else ","
        yield from csv.DictReader(lines, delimiter=mark)
    else:
        raw = unpacked(path)
        for part in raw.splitlines() if name.endswith(".jsonl") else [raw]:
            try:
                loaded = orjson.loads(part)
            except orjson.JSONDecodeError:
                continue
            held = next((loaded[key] for key in containers if key in loaded), [loaded])
            yield from (record for record in held if isinstance(record, dict))


def read(landing: Path) -> Iterator[tuple[str, str, SourceItem]]:
    """(source, day, item) of every readable item, by day."""
    for path in sorted(landing.glob("*/*/*"), key=lambda path: (path.parts[-2], path)):
        connector = SOURCES[path.parts[-3]]
        for record in records(path, connector.containers):
            try:
                yield path.parts[-3], path.parts[-2], connector.read(record)
            except UnreadableItem:
                continue


def row(number: int, item: SourceItem, sub_category: str | None) -> Row:
    """The item as `assign` takes it."""
    text = "\n".join(filter(None, (item.title, item.body)))
    if item.is_html:
        text = html.unescape(re.sub(r"<[^>]+>", " ", text))
    return {
        "feedback_id": str(number),
        "text": text,
        "root_cause_summary": "",
        "sub_category": sub_category,
        "product": None,
    }


def clustered(groups: Mapping[str, list[Row]], threshold: float) -> dict[str, dict[str, Any]]:
    """The result row of each item, one call a group."""
    schema = pa.schema([(name, pa.string()) for name in next(iter(groups.values()))[0]])
    return {
        result["feedback_id"]: result
        for rows in groups.values()
        for result in assign(
            pa.Table.from_pylist(rows, schema=schema), SCHEMA.empty_table(), threshold
        ).to_pylist()
    }


def sample(seed: int) -> tuple[dict[str, list[Row]], dict[str, str]]:
    """The sample feed's items by category, and each one's story."""
    told: dict[tuple[str, str], str] = {}
    for path in sorted((ROOT / "sample_feed" / "stories").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            told |= {(r["source"], r["native_id"]): r["story"] for r in csv.DictReader(lines)}
    chance = random.Random(seed)
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    stories: dict[str, str] = {}
    landed = sorted(
        read(ROOT / "sample_feed" / "landing"),
        key=lambda each: (each[1], str(each[2].created_at), str(each[2].native_id)),
    )
    for number, (source, _, item) in enumerate(landed):
        story = told.get((source, item.native_id or ""), "")
        if story in STORIES:
            category, sub = STORIES[story]
            if chance.random() < ERRS:
                others = TAXONOMY.categories[category].sub_categories
                sub = chance.choice([other for other in others if other != sub])
            groups[category].append(row(number, item, sub))
            stories[str(number)] = story
    return groups, stories


def pairs(counts: Iterable[int]) -> int:
    """How many pairs lie within groups of these sizes."""
    return sum(count * (count - 1) // 2 for count in counts)


def report(stories: Mapping[str, str], found: Mapping[str, Mapping[str, Any]]) -> str:
    """One line of measures: pairwise precision and recall, purity, clusters."""
    of = {key: found[key]["cluster_id"] or f"alone {key}" for key in stories}
    both = Counter((stories[key], of[key]) for key in stories)
    clusters, wanted = Counter(of.values()), Counter(stories.values())
    main: Counter[str] = Counter()
    for (_, cluster), count in both.items():
        main[cluster] = max(main[cluster], count)
    by_story = [
        pairs(n for (told, _), n in both.items() if told == story) / max(1, pairs([count]))
        for story, count in wanted.items()
    ]
    return (
        f"precision {pairs(both.values()) / max(1, pairs(clusters.values())):.3f}"
        f"  recall {pairs(both.values()) / pairs(wanted.values()):.3f}"
        f" (mean over stories {sum(by_story) / len(by_story):.3f})"
        f"  purity {main.total() / len(of):.3f}  clusters {len(clusters)}"
        f" of which single {sum(count == 1 for count in clusters.values())}"
    )


def real_feed(folder: Path, largest: int) -> None:
    """Prints the largest clusters of an unlabelled feed, one call a source."""
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for number, (source, _, item) in enumerate(read(folder / "landing")):
        groups[source].append(row(number, item, None))
    texts = {str(r["feedback_id"]): str(r["text"]) for rows in groups.values() for r in rows}
    found = clustered(groups, THRESHOLD)
    members: defaultdict[str | None, list[str]] = defaultdict(list)
    for key, result in found.items():
        members[result["cluster_id"]].append(key)
    nothing = len(members.pop(None, []))
    print(f"\n{len(found)} real items: {nothing} without content, {len(members)} clusters")
    for keys in sorted(members.values(), key=len, reverse=True)[:largest]:
        print(f"{len(keys):4}  {found[keys[0]]['cluster_label']}")
        for key in keys[1:4]:
            print(f"      {found[key]['similarity']:.2f}  {' '.join(texts[key].split())[:90]}")


def speed(groups: Mapping[str, list[Row]], count: int, alike: bool) -> float:
    """Processor seconds for `count` items: stories with a word changed, or random words."""
    chance = random.Random(1)
    texts = [str(r["text"]) for rows in groups.values() for r in rows]
    syllables = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
    strange = ["".join(chance.choices(syllables, k=chance.randint(2, 4))) for _ in range(20_000)]
    known = [word for text in texts for word in text.split()]
    rows: list[Row] = []
    for number in range(count):
        words = chance.choice(texts).split()
        if not alike:
            length = chance.randint(6, 30)
            words = [
                chance.choice(strange if chance.random() < 0.7 else known) for _ in range(length)
            ]
        elif chance.random() < 0.5:
            words[chance.randrange(len(words))] = chance.choice(strange)
        rows.append({
            "feedback_id": str(number), "text": " ".join(words), "root_cause_summary": "",
            "sub_category": chance.choice(SUB_CATEGORIES[:6]), "product": None,
        })  # fmt: skip
    table = pa.Table.from_pylist(rows)
    table = table.cast(pa.schema([(name, pa.string()) for name in table.column_names]))
    started = time.process_time()
    assign(table, SCHEMA.empty_table())
    return time.process_time() - started


def main() -> None:
    """Prints the measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speed", type=int, default=0, metavar="N", help="items to time too")
    parser.add_argument("--largest", type=int, default=10, help="real clusters to print")
    arguments = parser.parse_args()
    for seed in (7, 8, 9):
        groups, stories = sample(seed)
        print(f"sample, seed {seed}: {report(stories, clustered(groups, THRESHOLD))}")
    pooled = {"all": [r for rows in groups.values() for r in rows]}
    print(f"  all in one category: {report(stories, clustered(pooled, THRESHOLD))}")
    for threshold in (0.35, 0.45, 0.5, 0.55):
        print(f"  threshold {threshold}: {report(stories, clustered(groups, threshold))}")
    folder = Path(os.environ.get("FEEDBACK_REAL_FEED", ROOT.parent / "shared" / "real_feed"))
    if (folder / "landing").is_dir():
        real_feed(folder, arguments.largest)
    for alike in (True, False) if arguments.speed else ():
        seconds = speed(groups, arguments.speed, alike)
        kind = "alike" if alike else "diverse"
        print(f"{kind}: {arguments.speed / seconds:,.0f} items/s of processor time")


if __name__ == "__main__":
    main()
