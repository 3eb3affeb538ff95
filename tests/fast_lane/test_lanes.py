"""Fast lane and batch on real runs: the same tables in the end, and no item twice."""

from __future__ import annotations

import datetime as dt

import dagster as dg
import pytest

from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.tables import TABLES
from feedback_assets.orchestration.urgent_sensor import urgent_feedback
from tests.fast_lane.conftest import CALM, PARTITION, URGENT, Lanes
from tests.shop import failures

PER_ITEM = [
    "bronze_feedback", "silver_feedback", "gold_translation", "gold_sentiment", "gold_topics",
    "gold_root_cause", "gold_recommendation", "gold_feedback", "feedback_clusters", "triage",
    "validated_feedback",
]  # fmt: skip
EVERYTHING = len(CALM) + len(URGENT)


def test_from_the_landing_zone_by_the_sensor_to_tickets(lanes: Lanes) -> None:
    today = Partition(dt.datetime.now(dt.UTC).date(), PARTITION.source)
    lanes.land("a.jsonl", [*CALM, *URGENT], 1, today)
    requests: list[dg.RunRequest] = []
    cursor = None
    for _look in range(2):
        with dg.build_sensor_context(
            instance=lanes.instance, cursor=cursor, resources={"compute": lanes.compute}
        ) as context:
            told = urgent_feedback(context)
        cursor = told.cursor if isinstance(told, dg.SensorResult) else context.cursor
        requests += (told.run_requests or []) if isinstance(told, dg.SensorResult) else []
    (request,) = requests
    result = lanes.fast(Partition.parse(str(request.partition_key)))
    assert result.success, failures(result)
    urgent = lanes.taken()
    assert len(urgent) == len(URGENT)
    # No other item is touched.
    assert len(lanes.ids("bronze_feedback")) == len(CALM) + len(URGENT)
    for table in PER_ITEM[1:]:
        assert set(lanes.ids(table)) == urgent, table
    assert set(lanes.ids("ticket_items")) == urgent
    assert lanes.issues() > 0


def test_first_the_fast_lane_then_the_batch_and_nothing_twice(lanes: Lanes) -> None:
    lanes.land("a.jsonl", [*CALM, *URGENT], 1)
    fast = lanes.fast()
    assert fast.success, failures(fast)
    clusters = {row["feedback_id"]: row["cluster_id"] for row in lanes.rows("feedback_clusters")}
    issues = lanes.issues()
    batch = lanes.run(PARTITION)
    assert batch.success, failures(batch)
    for table in PER_ITEM:
        assert len(set(lanes.ids(table))) == len(lanes.ids(table)) == EVERYTHING, table
    found = {row["feedback_id"]: row["cluster_id"] for row in lanes.rows("feedback_clusters")}
    assert found.items() >= clusters.items()
    assert len(set(lanes.ids("ticket_items"))) == len(lanes.ids("ticket_items"))
    opened = [row["idempotency_key"] for row in lanes.rows("tickets")]
    assert len(set(opened)) == len(opened) == lanes.issues() >= issues


@pytest.mark.slow  # three runs, so that both ways can be held against each other
def test_the_end_is_what_the_batch_alone_would_have_made(lanes: Lanes) -> None:
    lanes.land("a.jsonl", [*CALM, *URGENT], 1)
    assert lanes.fast().success
    assert lanes.run(PARTITION).success
    both = {table: _said(lanes, table) for table in PER_ITEM}
    for table in (*PER_ITEM[1:], "urgent_items"):
        lanes.lakehouse.replace(TABLES[table], f"source = '{PARTITION.source}'", iter(()))
    assert lanes.run(PARTITION).success
    for table in PER_ITEM:
        assert both[table] == _said(lanes, table), table


@pytest.mark.slow  # three runs of all assets and checks
def test_first_the_batch_then_nothing_then_what_is_new(lanes: Lanes) -> None:
    lanes.land("a.jsonl", [*CALM, URGENT[0]], 1)
    batch = lanes.run(PARTITION)
    assert batch.success, failures(batch)
    files = {table: {file["path"] for file in lanes.lakehouse.files(table)} for table in PER_ITEM}
    fast = lanes.fast()
    assert fast.success, failures(fast)
    assert lanes.taken() == set()
    lanes.land("b.jsonl", URGENT[1:], 101)
    fast = lanes.fast()
    assert fast.success, failures(fast)
    assert len(lanes.taken()) == 1
    for table in PER_ITEM:
        assert len(set(lanes.ids(table))) == len(lanes.ids(table)) == EVERYTHING
        # What stood there is not written anew.
        assert {file["path"] for file in lanes.lakehouse.files(table)} > files[table]
    assert set(lanes.ids("ticket_items")) >= lanes.taken()


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
