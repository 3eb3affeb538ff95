"""Quality of `gold_topics.categories` on labelled real texts, through the whole pipeline.

Lands the texts as a feed in the shape of their sources, runs the main job on it, and compares
what `gold_topics` holds with the labels. Run: ``python -m benchmarks.labelled_quality CSV``.

Columns read: ``id``, ``text``, ``title``, ``source``, ``mapped_labels`` (``;`` between),
``mapping_strength`` (rows marked strong count). Labels are "at least": a label that is missing
isn't proven wrong, so the precision and the F1 shown are lower bounds.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.taxonomy import CATEGORIES
from feedback_assets.launch import run_path
from feedback_assets.pipeline.assets import Compute
from resources.lakehouse.delta import DeltaLakehouse
from resources.settings import Settings

DAY = dt.date(2026, 4, 13)


def shaped(row: Mapping[str, str]) -> dict[str, Any]:
    """A labelled row as its source would export it."""
    title, text = row["title"] or None, row["text"]
    shapes: dict[str, dict[str, Any]] = {
        "app_store": {"reviewId": row["id"], "content": text, "title": title},
        "zendesk": {"id": row["id"], "subject": title, "description": text},
        "intercom": {
            "type": "conversation",
            "id": row["id"],
            "source": {"body": text, "author": {"type": "user"}},
        },
        "survey": {"response_id": row["id"], "answer": text},
        "community": {"topic_id": row["id"], "title": title or "", "body": text},
        "social": {"post_id": row["id"], "text": text},
    }
    return shapes[row["source"]]


def land(rows: Iterable[Mapping[str, str]], landing: Path) -> list[Partition]:
    """Write one file a source; returns the partitions."""
    by_source: dict[str, list[bytes]] = {}
    for row in rows:
        by_source.setdefault(row["source"], []).append(orjson.dumps(shaped(row)))
    for source, lines in by_source.items():
        folder = landing / source / DAY.isoformat()
        folder.mkdir(parents=True)
        (folder / "labelled.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    return [Partition(DAY, source) for source in by_source]


def found(lakehouse: DeltaLakehouse) -> dict[str, dict[str, Any]]:
    """Topics by native id."""
    ids = lakehouse.scan("silver_feedback", ["feedback_id", "native_id"]).read_all().to_pylist()
    native = {row["feedback_id"]: row["native_id"].removeprefix("topic-") for row in ids}
    topics = lakehouse.scan("gold_topics").read_all().to_pylist()
    return {native[row["feedback_id"]]: row for row in topics}


def report(rows: Iterable[Mapping[str, str]], topics: Mapping[str, Mapping[str, Any]]) -> None:
    """Print precision, recall and F1 by label over the strong rows, and their mean."""
    strong = [row for row in rows if row["mapping_strength"] == "strong"]
    truth = [set(row["mapped_labels"].split(";")) for row in strong]
    said = [
        set(topics[row["id"]]["categories"]) if row["id"] in topics else set() for row in strong
    ]
    scores = []
    print(f"{'label':<16}{'n':>5}{'precision':>11}{'recall':>9}{'F1':>7}")
    for label in CATEGORIES:
        support = sum(label in labels for labels in truth)
        if not support:
            continue
        right = sum(label in t and label in s for t, s in zip(truth, said, strict=True))
        claimed = sum(label in s for s in said)
        f1 = 2 * right / (support + claimed)
        scores.append(f1)
        precision = right / claimed if claimed else 0.0
        print(f"{label:<16}{support:>5}{precision:>11.3f}{right / support:>9.3f}{f1:>7.3f}")
    primary = [
        topics[row["id"]]["primary_category"] if row["id"] in topics else "" for row in strong
    ]
    hits = sum(p in t for p, t in zip(primary, truth, strict=True))
    print(f"\n{len(strong)} strong rows, macro-F1 {sum(scores) / len(scores):.3f}")
    print(f"primary category among the labels: {hits / len(strong):.3f}")


def main() -> None:
    """Land, run, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("csv", type=Path)
    path: Path = parser.parse_args().csv
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), landing=str(Path(folder) / "landing"))
        outcomes = run_path(Compute(settings), land(rows, Path(settings.landing_root)))
        for outcome in outcomes:
            print(*outcome.failures)
        report(rows, found(DeltaLakehouse(settings.lakehouse_root)))


if __name__ == "__main__":
    main()
