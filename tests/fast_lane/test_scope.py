"""Whose an item is, by the ledger alone."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from feedback_assets.contracts.ledgers import URGENT_ITEMS
from feedback_assets.contracts.partitions import Partition
from feedback_assets.pipeline.lanes import (
    LEFT_TO_THE_FAST_LANE,
    WHOLE,
    lane_of,
    record_through,
    scope_of,
    under_way,
)
from resources.lakehouse.delta import DeltaLakehouse
from resources.settings import Settings
from tests.conftest import DAY

PARTITION, OTHER = Partition(DAY, "zendesk"), Partition(DAY, "survey")
NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def lakehouse(settings: Settings) -> DeltaLakehouse:
    return DeltaLakehouse(settings.lakehouse_root)


def take(lakehouse: DeltaLakehouse, item: str, ago: dt.timedelta) -> None:
    row = {
        "day": PARTITION.day, "source": PARTITION.source, "feedback_id": item,
        "origin": f"f#{item}", "rule_ids": ["severe"], "through": False,
        "received_at": None, "recorded_at": NOW - ago,
        "run_id": "r",
    }  # fmt: skip
    lakehouse.append(URGENT_ITEMS, [pa.RecordBatch.from_pylist([row], schema=URGENT_ITEMS.schema)])


def test_without_the_fast_lane_a_run_is_about_everything(lakehouse: DeltaLakehouse) -> None:
    assert scope_of("batch", lakehouse, [PARTITION]) == WHOLE
    assert scope_of("fast", lakehouse, [PARTITION]).empty


def test_each_lane_leaves_the_other_its_items(lakehouse: DeltaLakehouse) -> None:
    take(lakehouse, "a", dt.timedelta(minutes=1))
    assert scope_of("fast", lakehouse, [PARTITION], now=NOW).only == {"a"}
    batch = scope_of("batch", lakehouse, [PARTITION], now=NOW)
    assert (batch.others, batch.origins, batch.first) == ({"a"}, {"f#a"}, frozenset())
    assert scope_of("batch", lakehouse, [OTHER], now=NOW) == WHOLE


def test_what_is_through_is_the_batchs_again_and_came_first(lakehouse: DeltaLakehouse) -> None:
    take(lakehouse, "a", dt.timedelta(minutes=1))
    record_through(lakehouse, [PARTITION], frozenset({"a"}), "r")
    batch = scope_of("batch", lakehouse, [PARTITION], now=NOW)
    assert batch.whole
    assert batch.first == {"a"}
    assert scope_of("fast", lakehouse, [PARTITION]).empty
    assert scope_of("fast", lakehouse, [PARTITION], last_step=True).only == {"a"}
    assert under_way(lakehouse) == {}


def test_what_a_dead_run_took_is_the_batchs_after_a_while(lakehouse: DeltaLakehouse) -> None:
    take(lakehouse, "a", LEFT_TO_THE_FAST_LANE + dt.timedelta(seconds=1))
    assert scope_of("batch", lakehouse, [PARTITION], now=NOW).whole
    # It is still tried again.
    assert scope_of("fast", lakehouse, [PARTITION], now=NOW).only == {"a"}
    assert [item.feedback_id for item in under_way(lakehouse)[PARTITION]] == ["a"]


def test_a_runs_tag_names_its_lane() -> None:
    assert lane_of({"feedback/lane": "fast"}) == "fast"
    assert lane_of({}) == "batch"
