"""Quality of `gold_topics` and `gold_sentiment` on labelled real texts, through the pipeline.

Lands the texts as a feed in the shape of their sources, runs the main job on it, and compares
what the gold tables hold with the labels: F1 by category; the expected calibration error of the
confidence in the primary category; what share of the categories stands by itself, and whether
their precision holds (with Clopper and Pearson's interval of 90%). Run:
``python -m benchmarks.labelled_quality CSV``.

Columns read: ``id``, ``text``, ``title``, ``source``, ``mapped_labels`` (``;`` between),
``mapping_strength`` (rows marked strong count), ``sentiment``. Labels are "at least": a label that
is missing isn't proven wrong, so the precision and the F1 shown are lower bounds.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.taxonomy import CATEGORIES, SENTIMENTS
from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.guarantee import PRECISION, interval
from feedback_assets.gold.model_store import load, version_in_force
from feedback_assets.gold.topics import standing
from feedback_assets.gold.training_metrics import calibration_error
from feedback_assets.launch import run_path
from feedback_assets.pipeline.compute import Compute
from resources.lakehouse.base import Lakehouse
from resources.lakehouse.opening import open_lakehouse
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


def found(lakehouse: Lakehouse, table: str) -> dict[str, dict[str, Any]]:
    """Findings by native id."""
    ids = lakehouse.scan("silver_feedback", ["feedback_id", "native_id"]).read_all().to_pylist()
    native = {row["feedback_id"]: row["native_id"].removeprefix("topic-") for row in ids}
    findings = lakehouse.scan(table).read_all().to_pylist()
    return {native[row["feedback_id"]]: row for row in findings}


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
    print(f"\n{len(strong)} strong rows, macro-F1 {sum(scores) / len(scores):.3f}")


def report_doubt(
    rows: Iterable[Mapping[str, str]],
    topics: Mapping[str, Mapping[str, Any]],
    model: TriageClassifier,
) -> None:
    """Print how well the confidence in the primary category tells right from wrong."""
    known = [row for row in rows if row["mapping_strength"] == "strong" and row["id"] in topics]
    said = [topics[row["id"]] for row in known]
    confidence = np.array([finding["confidence"] for finding in said])
    right = np.array(
        [
            finding["primary_category"] in row["mapped_labels"].split(";")
            for row, finding in zip(known, said, strict=True)
        ]
    )
    stands = standing(
        model,
        [finding["primary_category"] for finding in said],
        confidence,
        [finding["severity"] for finding in said],
        np.array([finding["severity_confidence"] for finding in said]),
    )
    print(f"primary category among the labels: {right.mean():.3f}, said {confidence.mean():.3f}")
    print(f"expected calibration error: {calibration_error(confidence, right):.3f}")
    decided, held = int(stands.areas.sum()), int(right[stands.areas].sum())
    print(f"category stands by itself: {decided / len(said):.3f} of the rows", end="")
    if decided:
        low, high = interval(held, decided)
        print(f", right {held / decided:.3f} [{low:.3f}, {high:.3f}]", end="")
    print(f"; target {PRECISION['category']}")
    print(f"category and severity stand: {(stands.areas & stands.severity).mean():.3f}")


def report_tone(rows: Iterable[Mapping[str, str]], tones: Mapping[str, Mapping[str, Any]]) -> None:
    """Print how the tone compares with the labels, of rows that bear one."""
    known = [row for row in rows if row["sentiment"] and row["id"] in tones]
    if not known:
        return
    right = np.array([tones[row["id"]]["sentiment"] == row["sentiment"] for row in known])
    stands = np.array(
        [tones[row["id"]]["provenance"]["validation_state"] == "valid" for row in known]
    )
    print(f"\ntone of {len(known)} rows right: {right.mean():.3f}")
    for tone in SENTIMENTS:
        labelled = sum(row["sentiment"] == tone for row in known)
        named = sum(tones[row["id"]]["sentiment"] == tone for row in known)
        print(f"  {tone}: {labelled} by the labels, {named} found")
    if stands.any():
        low, high = interval(int(right[stands].sum()), int(stands.sum()))
        held = f"right {right[stands].mean():.3f} [{low:.3f}, {high:.3f}]"
        print(f"stands by itself: {stands.mean():.3f}, {held}; target {PRECISION['sentiment']}")


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
        lakehouse = open_lakehouse(settings)
        topics = found(lakehouse, "gold_topics")
        report(rows, topics)
        models = settings.models_folder
        report_doubt(rows, topics, load(models, version_in_force(models)))
        report_tone(rows, found(lakehouse, "gold_sentiment"))


if __name__ == "__main__":
    main()
