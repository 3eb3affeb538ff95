"""Profiles of partitions on a real engine: what is counted, and what no garbage breaks."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.tables import GOLD_FEEDBACK, TABLES
from feedback_assets.pipeline.gate import data_versions
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.pipeline.step import StepContext, run_step
from feedback_assets.quality.features import ITEM_FEATURES, binned
from feedback_assets.quality.profile_step import MOST, PROFILE, profile
from tests.audit.lake import CALL, DEFAULTS, NOON
from tests.conftest import rows

HERE = Partition(dt.date(2026, 4, 13), "app_store")
NEXT = Partition(dt.date(2026, 4, 14), "app_store")
SAME = "The parcel is late"
Row = dict[str, Any]


def put(runtime: Runtime, name: str, *told: Row) -> None:
    """Rows of one table, the contract's columns from `DEFAULTS`."""
    table = TABLES[name]
    filled = [{c: {**DEFAULTS, **row}.get(c) for c in table.column_names} for row in told]
    runtime.lakehouse.append(table, [pa.RecordBatch.from_pylist(filled, schema=table.schema)])


def items(runtime: Runtime, *told: Row, until: str = "gold_feedback") -> None:
    """Items named i0, i1, ... unless they say otherwise, in each table up to `until`."""
    named = [
        {"feedback_id": f"i{n}", "native_id": f"n{n}", "origin": f"f#{n}", **row}
        for n, row in enumerate(told)
    ]
    for name in ("bronze_feedback", "silver_feedback", "gold_topics", "gold_feedback"):
        put(runtime, name, *named)
        if name == until:
            return


def profiled(runtime: Runtime, *partitions: Partition) -> dict[Partition, dict[str, Row]]:
    """By partition and feature: items by bin."""
    report = run_step(PROFILE, partitions, runtime)
    assert all(counts["rows_quarantined"] == 0 for counts in report.counts.values())
    found: dict[Partition, dict[str, Row]] = {p: defaultdict(dict) for p in partitions}
    for row in rows(runtime, "feedback_profile"):
        bins = found[Partition(row["day"], row["source"])][row["feature"]]
        assert row["bin"] not in bins
        bins[row["bin"]] = row["items"]
    return {partition: dict(features) for partition, features in found.items()}


def values(runtime: Runtime) -> dict[str, float]:
    """Of the features of one number a day, the number."""
    made = rows(runtime, "feedback_profile")
    return {row["feature"]: row["value"] for row in made if row["value"] is not None}


@pytest.fixture
def taught(runtime: Runtime, tmp_path: Path) -> Runtime:
    """A runtime whose training examples know four words."""
    train = tmp_path / "golden" / "train"
    train.mkdir(parents=True)
    (train / "a.jsonl").write_bytes(orjson.dumps({"text": "the parcel is late"}))
    return dataclasses.replace(runtime, golden_set=tmp_path / "golden")


VARIED: Sequence[Row] = (
    {"text": SAME, "rating": 0.0, "category_confidence": 0.0},
    {"text": f"{SAME} today", "rating": 0.2, "category_confidence": 0.1},
    {"text": "Der Versand dauert ewig", "language": "de", "rating": 0.79},
    {"text": "ok", "sentiment": "positive", "severity": "low", "rating": 1.0,
     "category_confidence": 1.0},
    {"text": "👍 [EMAIL_1a2b3c4d]", "sentiment": "neutral", "rating": None,
     "rating_original": "11 of 1..5", "created_at": dt.datetime(9999, 12, 31, tzinfo=dt.UTC)},
    {"text": "x" * 1_000_000, "rating": None, "rating_original": None, "created_at": None,
     "primary_category": "search", "category_confidence": 0.3},
    {"text": "not\0a word\0", "provenance": {**DEFAULTS["provenance"], "tier": "language_model"},
     "created_at": NOON + dt.timedelta(hours=24)},
)  # fmt: skip
EXPECTED: dict[str, dict[str, int]] = {
    "category": {"payment": 6, "search": 1},
    "sentiment": {"negative": 5, "positive": 1, "neutral": 1},
    "severity": {"high": 6, "low": 1},
    "language": {"en": 6, "de": 1},
    "rating": {"0.0-0.2": 2, "0.2-0.4": 1, "0.6-0.8": 1, "0.8-1.0": 1, "none": 2},
    "text_length": {"16-31": 4, "1-15": 2, "32768+": 1},
    "unknown_words": {"0%": 1, "11-25%": 1, "51-100%": 4, "none": 1},
    "confidence": {
        "payment|0.0-0.1": 1, "payment|0.1-0.2": 1, "payment|0.9-1.0": 4, "search|0.3-0.4": 1,
    },
    "tier": {"classifier": 6, "language_model": 1},
    "volume": {"": 7},
    "future_dates": {"": 1},
    "unread_ratings": {"": 1},
    "no_words": {"": 1},
    "landed": {"": 7},
    "payloads": {"": 7},
    "submitted": {"": 7},
    "one_text": {"": 7},
}  # fmt: skip


def test_each_item_counts_in_one_bin_of_each_feature(taught: Runtime) -> None:
    items(taught, *VARIED)
    found = profiled(taught, HERE)[HERE]
    assert {name: found[name] for name in EXPECTED} == EXPECTED
    assert found["word"]["parcel"] == 2
    assert found["unknown_word"]["today"] == 1
    assert "parcel" not in found["unknown_word"]
    assert "email" not in found["word"]
    assert values(taught) == {"volume": 7.0}

    frame = binned(StepContext([HERE], taught))
    assert frame.columns == ["day", "source", "feedback_id", *ITEM_FEATURES]
    one_by_one = frame.toArrow()
    assert sorted(one_by_one["feedback_id"].to_pylist()) == [f"i{n}" for n in range(len(VARIED))]
    for feature in ITEM_FEATURES:
        assert Counter(one_by_one[feature].to_pylist()) == EXPECTED[feature]


def test_an_item_without_topics_was_made_by_nobody(runtime: Runtime) -> None:
    items(runtime, {}, until="silver_feedback")
    put(runtime, "gold_feedback", {"feedback_id": "i0"})
    assert profiled(runtime, HERE)[HERE]["tier"] == {"none": 1}


def test_one_text_is_seen_where_it_was_resubmitted(runtime: Runtime) -> None:
    again = {"duplicate_of": "i0", "feedback_id": ""}
    items(runtime, *[again | {"feedback_id": f"d{n}"} for n in range(5)], until="silver_feedback")
    items(runtime, {}, {"content_hash": "other"})
    found = profiled(runtime, HERE)[HERE]
    assert (found["volume"], found["submitted"], found["one_text"]) == ({"": 2}, {"": 7}, {"": 6})


def test_what_could_not_be_read_counts_as_landed(runtime: Runtime) -> None:
    items(runtime, {}, {}, until="bronze_feedback")
    put(runtime, "quarantine", *[{"table": "bronze_feedback"}] * 3)
    put(runtime, "quarantine", *[{"table": "silver_feedback"}] * 2, {"table": "gold_feedback"})
    put(runtime, "quarantine", {"table": "bronze_feedback", "day": dt.date(2026, 4, 20)})
    found = profiled(runtime, HERE, NEXT)
    assert found == {
        HERE: {"landed": {"": 5}, "payloads": {"": 2}, "quarantined": {"": 5}}, NEXT: {},
    }  # fmt: skip


def test_fields_of_payloads_by_type(runtime: Runtime) -> None:
    items(
        runtime, {"payload": '{"id": 1, "text": "x"}'}, {"payload": '{"id": "1"}'},
        {"payload": "1,2", "payload_format": "csv", "payload_header": "id,text"},
        until="bronze_feedback",
    )  # fmt: skip
    found = profiled(runtime, HERE)[HERE]
    assert found["field"] == {"id: number": 1, "id: string": 2, "text: string": 2}


def test_the_most_frequent_words_are_kept_ties_by_name(taught: Runtime) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    many = [f"{a}{b}q" for a in letters for b in letters][: MOST["word"] + 50]
    items(taught, {"text": " ".join(many)}, {"text": f"{many[-1]} late"})
    found = profiled(taught, HERE)[HERE]
    kept = sorted([*many, "late"], key=lambda word: (word != many[-1], word))
    assert sorted(found["word"]) == sorted(kept[: MOST["word"]])
    assert sorted(found["unknown_word"]) == sorted(
        [word for word in kept if word != "late"][: MOST["unknown_word"]]
    )
    assert found["word"][many[-1]] == 2


def call(item: str, outcome: str, minute: int, **fields: Any) -> Row:
    """A call for an item, some minutes after noon."""
    return {
        **CALL, "feedback_id": item, "outcome": outcome, "input_hash": f"hash-{item}",
        "settled": outcome != "rate_limited", "cost": 0.5,
        "started_at": NOON + dt.timedelta(minutes=minute), **fields,
    }  # fmt: skip


def test_answers_as_each_question_was_last_asked(runtime: Runtime) -> None:
    items(runtime, {}, {}, {}, {}, {})
    put(
        runtime, "model_calls",
        # Mended by a repair.
        call("i0", "malformed", 0, settled=False),
        call("i0", "answered", 1, purpose="repair"),
        # Asked again under another prompt: what the first made of it counts no more.
        call("i1", "unfounded", 0, input_hash="old", prompt_version="v1"),
        call("i1", "answered", 5),
        # At another stage it is another question.
        call("i1", "refused", 5, stage="sentiment"),
        call("i2", "filtered", 0),
        call("i2", "rate_limited", 0),
        # Asked again and not answered yet.
        call("i3", "answered", 0, input_hash="old"),
        call("i3", "rate_limited", 9),
        call("i4", "answered", 0, day=NEXT.day),
    )  # fmt: skip
    found = profiled(runtime, HERE)[HERE]
    assert found["answer"] == {"usable": 2, "unusable": 1}
    assert found["content_filter"] == {"passed": 3, "filtered": 1}
    assert values(runtime)["cost_per_item"] == pytest.approx(7 * 0.5 / 5)
    assert found["cost_per_item"] == {"": 5}


def test_without_calls_or_prices_there_is_no_cost(runtime: Runtime) -> None:
    items(runtime, {})
    put(runtime, "model_calls", call("i0", "answered", 0, cost=0.0))
    found = profiled(runtime, HERE)[HERE]
    assert found["answer"] == {"usable": 1}
    assert "cost_per_item" not in found


def test_seconds_are_those_of_the_gold_stages_last_runs(runtime: Runtime) -> None:
    items(runtime, {}, {})
    later = NOON + dt.timedelta(hours=1)
    took = {"metric": "seconds"}
    put(
        runtime, "stage_metrics",
        {**took, "stage": "gold_topics", "value": 90.0},
        {**took, "stage": "gold_topics", "value": 3.0, "recorded_at": later},
        {**took, "stage": "gold_feedback", "value": 1.0},
        {**took, "stage": "silver_feedback", "value": 70.0},
        {**took, "stage": "gold_topics", "value": 70.0, "day": NEXT.day},
        {"metric": "rows_out", "stage": "gold_topics", "value": 70.0},
    )  # fmt: skip
    profiled(runtime, HERE, NEXT)
    assert values(runtime) == {"volume": 2.0, "seconds_per_item": 2.0}


def test_without_training_examples_words_are_only_counted(runtime: Runtime, tmp_path: Path) -> None:
    items(runtime, {"text": SAME})
    blind = dataclasses.replace(runtime, golden_set=tmp_path)
    report = run_step(PROFILE, [HERE], blind)
    assert any("no training examples" in note for note in report.notes)
    features = {row["feature"] for row in rows(runtime, "feedback_profile")}
    assert "word" in features
    assert not features & {"unknown_word", "unknown_words"}


def test_a_profile_bears_the_version_it_was_taken_of(runtime: Runtime) -> None:
    items(runtime, {})
    (version,) = data_versions(runtime.lakehouse, GOLD_FEEDBACK, [HERE]).values()
    run_step(PROFILE, [HERE], runtime)
    assert {row["profiled_version"] for row in rows(runtime, "feedback_profile")} == {version}

    begun = profile(StepContext([HERE], runtime))
    put(runtime, "gold_feedback", {"feedback_id": "i1"})
    assert set(begun.toArrow()["profiled_version"].to_pylist()) == {version}
    assert data_versions(runtime.lakehouse, GOLD_FEEDBACK, [HERE])[HERE] != version


def test_nothing_has_no_profile(runtime: Runtime) -> None:
    assert profiled(runtime, HERE, NEXT) == {HERE: {}, NEXT: {}}
    items(runtime, {"day": NEXT.day})
    found = profiled(runtime, HERE, NEXT)
    assert found[HERE] == {}
    assert found[NEXT]["volume"] == {"": 1}
