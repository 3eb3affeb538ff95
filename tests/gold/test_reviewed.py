"""Reviewers' decisions out of a real lakehouse, as examples."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from feedback_assets.contracts.tables import TABLES
from feedback_assets.contracts.taxonomy import CATEGORIES
from feedback_assets.gold.model_store import train_and_keep
from feedback_assets.gold.reviewed import (
    LARGEST_SHARE,
    LARGEST_SHARE_OF_ONE,
    decided_examples,
    held_out,
    judging_decisions,
)
from feedback_assets.gold.training_heads import labels_of
from resources.lakehouse.delta import DeltaLakehouse

EXAMPLES = Path(__file__).parents[2] / "golden_set" / "train"
DAY = dt.date(2026, 6, 1)
SEARCH = CATEGORIES.index("search")
MADE = dt.datetime(2026, 6, 1, 8, tzinfo=dt.UTC)
FOUND = {
    "categories": ["payment"], "primary_category": "payment", "sub_category": "declined",
    "severity": "medium", "severity_confidence": 0.5, "category_scores": [],
    "sentiment": "negative", "root_cause_type": "checkout_friction", "root_cause_summary": "",
    "action": "simplify_flow", "action_detail": "", "confidence": 0.5, "rationale": "",
    "evidence_spans": [],
}  # fmt: skip
EMPTY: dict[str, Any] = {
    "native_id": "n", "received_at": MADE, "content_hash": "", "revision": 1, "pii_types": [],
    "source_metadata": [], "origin": "feed.jsonl#1", "language": "en",
}  # fmt: skip


@pytest.fixture
def lakehouse(tmp_path: Path) -> DeltaLakehouse:
    return DeltaLakehouse(str(tmp_path / "lakehouse"))


def put(lakehouse: DeltaLakehouse, table: str, rows: list[dict[str, Any]]) -> None:
    schema = TABLES[table].schema
    whole = [{field.name: row.get(field.name) for field in schema} for row in rows]
    lakehouse.append(TABLES[table], [pa.RecordBatch.from_pylist(whole, schema=schema)])


def find(lakehouse: DeltaLakehouse, texts: dict[str, str], made: dt.datetime = MADE) -> None:
    """Items with one and the same finding, made at `made`."""
    keys: list[dict[str, Any]] = [
        {"day": DAY, "source": "survey", "feedback_id": item} for item in texts
    ]
    items = [key | {"text": texts[key["feedback_id"]]} | EMPTY for key in keys]
    put(lakehouse, "silver_feedback", items)
    provenance = {"produced_at": made}
    for table in ("gold_topics", "gold_sentiment", "gold_root_cause", "gold_recommendation"):
        put(lakehouse, table, [key | FOUND | {"provenance": provenance} for key in keys])


def decide(
    lakehouse: DeltaLakehouse, item: str, decision: str, hour: int = 9, **fields: Any
) -> None:
    row = {
        "day": DAY, "source": "survey", "feedback_id": item, "decision": decision,
        "reviewer": "ada", "decided_at": MADE.replace(hour=hour), **fields,
    }  # fmt: skip
    put(lakehouse, "review_decisions", [row])


def teaching(text: str) -> str:
    """`text`, with as many dots after it as it takes to be one that teaches."""
    dotted = (text + "." * dots for dots in itertools.count())
    return next(each for each in dotted if not held_out(each))


def judging(text: str) -> str:
    """The same, to be one that judges."""
    dotted = (text + "." * dots for dots in itertools.count())
    return next(each for each in dotted if held_out(each))


def by_id(examples: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["id"].removeprefix("review:"): row for row in examples}


def test_no_decisions_no_examples(lakehouse: DeltaLakehouse) -> None:
    assert decided_examples(lakehouse) == []


def test_what_a_decision_teaches(lakehouse: DeltaLakehouse) -> None:
    names = ("kept", "bad", "area", "tone", "it's")
    find(lakehouse, {name: teaching(f"text of {name}") for name in names})
    decide(lakehouse, "kept", "approve")
    decide(lakehouse, "bad", "reject")
    decide(lakehouse, "area", "edit", categories=["returns", "payment"], action="refund_customer")
    decide(lakehouse, "tone", "edit", sentiment="neutral", severity="low")
    decide(lakehouse, "it's", "approve")
    found = by_id(decided_examples(lakehouse))
    assert set(found) == {"kept", "area", "tone", "it's"}
    kept, area, tone = found["kept"], found["area"], found["tone"]
    assert (kept["text"], kept["source"], kept["rating"]) == (
        teaching("text of kept"),
        "survey",
        None,
    )
    assert kept["categories"] == ("payment",)
    assert (kept["sub_category"], kept["root_cause_type"]) == ("declined", "checkout_friction")
    assert kept["traits"] == ("approved",)
    # The first area corrected leads, and the model's sub-category is none of its.
    assert (area["primary_category"], area["sub_category"]) == ("returns", "")
    assert set(area["categories"]) == {"returns", "payment"}
    assert (area["sentiment"], area["root_cause_type"]) == ("negative", "")
    assert (area["action"], area["traits"]) == ("refund_customer", ("edited",))
    assert (tone["sentiment"], tone["severity"]) == ("neutral", "low")
    assert (tone["sub_category"], tone["root_cause_type"]) == ("declined", "")
    labels = labels_of([kept, area])
    assert labels.sub_category[1] == -1
    assert labels.cause.tolist()[1] == -1


def test_the_latest_decision_holds(lakehouse: DeltaLakehouse) -> None:
    find(lakehouse, {"a": teaching("one"), "b": teaching("two")})
    decide(lakehouse, "a", "approve", hour=9)
    decide(lakehouse, "a", "reject", hour=11)
    decide(lakehouse, "b", "edit", hour=12, severity="high")
    decide(lakehouse, "b", "approve", hour=10)
    found = by_id(decided_examples(lakehouse))
    assert set(found) == {"b"}
    assert found["b"]["severity"] == "high"


def test_a_decision_older_than_the_finding_confirms_nothing(lakehouse: DeltaLakehouse) -> None:
    find(lakehouse, {"a": teaching("one"), "b": teaching("two")}, made=MADE.replace(hour=20))
    decide(lakehouse, "a", "approve")
    decide(lakehouse, "b", "edit", categories=["payment"], sentiment="neutral", severity="critical")
    found = by_id(decided_examples(lakehouse))
    assert set(found) == {"b"}
    assert found["b"]["sub_category"] == ""


def test_reviewers_take_turns_and_none_swamps(lakehouse: DeltaLakehouse) -> None:
    names = [f"{who}-{n:02}" for who in ("ada", "bo", "cy", "di") for n in range(30)]
    find(lakehouse, {name: teaching(f"text {name}") for name in names})
    for name in names:
        who, number = name.split("-")
        decide(
            lakehouse, name, "approve", reviewer=who,
            decided_at=MADE + dt.timedelta(minutes=60 + int(number)),
        )  # fmt: skip
    labelled = 100
    found = list(by_id(decided_examples(lakehouse, labelled)))
    assert len(found) == LARGEST_SHARE * labelled
    each = [sum(name.startswith(who) for name in found) for who in ("ada", "bo", "cy", "di")]
    assert max(each) - min(each) <= 1
    assert "ada-29" in found
    assert "ada-00" not in found
    for name in names:
        if not name.startswith("ada"):
            decide(lakehouse, name, "reject", hour=23)
    alone = decided_examples(lakehouse, labelled)
    assert len(alone) == LARGEST_SHARE_OF_ONE * labelled
    assert len(decided_examples(lakehouse)) == 30


def test_equal_texts_count_once(lakehouse: DeltaLakehouse) -> None:
    find(lakehouse, {"a": teaching("the same"), "b": teaching("the same"), "c": " "})
    for item, hour in (("a", 9), ("b", 10), ("c", 11)):
        decide(lakehouse, item, "approve", hour=hour)
    assert list(by_id(decided_examples(lakehouse))) == ["b"]


def test_a_text_teaches_or_judges(lakehouse: DeltaLakehouse) -> None:
    texts = {str(n): f"complaint number {n} about the till" for n in range(60)}
    find(lakehouse, texts)
    find(lakehouse, {"again": judging("said twice"), "once": judging("said twice").upper()})
    for item in (*texts, "again", "once"):
        decide(lakehouse, item, "approve")
    decide(lakehouse, "old", "approve", hour=8)
    taught = {row["text"] for row in decided_examples(lakehouse)}
    judged = [one.example["text"] for one in judging_decisions(lakehouse, MADE.replace(hour=9))]
    assert not taught & set(judged)
    assert taught | set(judged) >= set(texts.values())
    assert 5 <= len(judged) <= 30
    assert sum(text.casefold() == judging("said twice") for text in judged) == 1
    assert judging_decisions(lakehouse, MADE.replace(hour=10)) == []


def test_what_is_like_a_golden_item_teaches_nothing(lakehouse: DeltaLakehouse) -> None:
    golden = "the parcel was left in the rain and the box fell apart on the doorstep"
    near, other = teaching(golden.replace("rain", "snow")), teaching("the search finds nothing")
    find(lakehouse, {"near": near, "other": other})
    for item in ("near", "other"):
        decide(lakehouse, item, "approve")
    assert set(by_id(decided_examples(lakehouse))) == {"near", "other"}
    assert set(by_id(decided_examples(lakehouse, apart_from=[golden]))) == {"other"}


def test_the_next_training_run_learns_from_them(lakehouse: DeltaLakehouse, tmp_path: Path) -> None:
    few = tmp_path / "examples"
    few.mkdir()
    for path in sorted(EXAMPLES.glob("*.jsonl"))[:4]:
        (few / path.name).symlink_to(path)
    text = "the wobblefrob will not settle"
    find(lakehouse, {str(n): teaching(f"{text}, {n} times") for n in range(12)})
    before = train_and_keep(few, tmp_path / "models", lakehouse)
    assert before.metrics["reviewed"] == 0
    for n in range(12):
        decide(
            lakehouse, str(n), "edit", categories=["search"], sentiment="negative", severity="low"
        )
    after = train_and_keep(few, tmp_path / "models", lakehouse)
    assert after.version != before.version
    assert (after.metrics["reviewed"], after.metrics["reviewed_edited"]) == (12, 12)
    assert after.metrics["examples"] == before.metrics["examples"]
    search = [model.predict([text]).categories[0, SEARCH] for model in (before, after)]
    assert search[1] > 0.5 > search[0]
