"""Fast lane and batch on real runs: the same tables in the end, and no item twice."""

from __future__ import annotations

from feedback_assets.contracts.tables import TABLES
from tests.fast_lane.conftest import CALM, PARTITION, URGENT, Lanes
from tests.shop import failures

PER_ITEM = [
    "bronze_feedback", "silver_feedback", "gold_translation", "gold_sentiment", "gold_topics",
    "gold_root_cause", "gold_recommendation", "gold_feedback", "feedback_clusters", "triage",
    "validated_feedback",
]  # fmt: skip


def test_urgent_items_get_their_tickets_and_no_other_item_is_touched(lanes: Lanes) -> None:
    lanes.land("a.jsonl", [*CALM, *URGENT], 1)
    result = lanes.fast()
    assert result.success, failures(result)
    urgent = lanes.taken()
    assert len(urgent) == len(URGENT)
    assert len(lanes.ids("bronze_feedback")) == len(CALM) + len(URGENT)
    for table in PER_ITEM[1:]:
        assert set(lanes.ids(table)) == urgent, table
    assert set(lanes.ids("ticket_items")) == urgent


def test_the_batch_does_the_rest_and_nothing_twice(lanes: Lanes) -> None:
    lanes.land("a.jsonl", [*CALM, *URGENT], 1)
    fast = lanes.fast()
    assert fast.success, failures(fast)
    clusters = {row["feedback_id"]: row["cluster_id"] for row in lanes.rows("feedback_clusters")}
    issues = lanes.issues()
    batch = lanes.run(PARTITION)
    assert batch.success, failures(batch)
    everything = len(CALM) + len(URGENT)
    for table in PER_ITEM:
        assert len(set(lanes.ids(table))) == len(lanes.ids(table)) == everything, table
    found = {row["feedback_id"]: row["cluster_id"] for row in lanes.rows("feedback_clusters")}
    assert found.items() >= clusters.items()
    assert len(set(lanes.ids("ticket_items"))) == len(lanes.ids("ticket_items"))
    opened = [row["idempotency_key"] for row in lanes.rows("tickets")]
    assert len(set(opened)) == len(opened) == lanes.issues() >= issues


def test_after_the_batch_the_fast_lane_finds_nothing_to_do(lanes: Lanes) -> None:
    lanes.land("a.jsonl", [*CALM, *URGENT], 1)
    batch = lanes.run(PARTITION)
    assert batch.success, failures(batch)
    before = {table: lanes.lakehouse.version(table) for table in PER_ITEM[1:]}
    fast = lanes.fast()
    assert fast.success, failures(fast)
    assert lanes.taken() == set()
    assert {table: lanes.lakehouse.version(table) for table in PER_ITEM[1:]} == before


def test_urgent_items_join_a_partition_that_is_done(lanes: Lanes) -> None:
    lanes.land("a.jsonl", CALM, 1)
    assert lanes.run(PARTITION).success
    files = {table: {file["path"] for file in lanes.lakehouse.files(table)} for table in PER_ITEM}
    lanes.land("b.jsonl", URGENT, 101)
    fast = lanes.fast()
    assert fast.success, failures(fast)
    for table in PER_ITEM:
        assert len(lanes.ids(table)) == len(CALM) + len(URGENT)
        # What stood there is not written anew.
        assert {file["path"] for file in lanes.lakehouse.files(table)} > files[table]
    assert set(lanes.ids("ticket_items")) >= lanes.taken()


def test_the_end_is_what_the_batch_alone_would_have_made(lanes: Lanes) -> None:
    lanes.land("a.jsonl", [*CALM, *URGENT], 1)
    assert lanes.fast().success
    assert lanes.run(PARTITION).success
    both = {table: _said(lanes, table) for table in PER_ITEM}
    for table in ("silver_feedback", *PER_ITEM[2:], "urgent_items"):
        lanes.lakehouse.replace(TABLES[table], f"source = '{PARTITION.source}'", iter(()))
    assert lanes.run(PARTITION).success
    for table in PER_ITEM:
        assert both[table] == _said(lanes, table), table


def _said(lanes: Lanes, table: str) -> list[dict[str, object]]:
    """Rows without what tells runs apart."""
    rows = []
    for row in lanes.rows(table):
        told = {n: v for n, v in row.items() if n not in ("ingested_at", "run_id")}
        if "provenance" in told:
            told["provenance"] = {
                n: v for n, v in told["provenance"].items() if n not in ("produced_at", "run_id")
            }
        rows.append(told)
    return rows
