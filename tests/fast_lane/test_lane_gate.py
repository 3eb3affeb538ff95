"""The gate holds for the fast lane, and what it held back follows once the gate opens."""

from __future__ import annotations

import pytest

from feedback_assets.audit.lanes import LeftToBatch, left_to_batch
from feedback_assets.contracts.tables import TABLES
from feedback_assets.orchestration.backlog import Backlog
from feedback_assets.pipeline.gate import closed, contract_check_name
from feedback_assets.pipeline.lanes import under_way
from tests.fast_lane.conftest import CALM, PARTITION, URGENT, Lanes
from tests.shop import failures


def test_a_failed_check_keeps_the_fast_lanes_tickets_back(
    lanes: Lanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.shop.BAD", PARTITION)
    lanes.compute.step = "triage"
    lanes.land("a.jsonl", [*CALM, *URGENT], 1)
    spoiled = lanes.fast()
    assert set(failures(spoiled)) == {"triage_triage_contract"}
    assert lanes.issues() == 0
    assert contract_check_name("triage") in closed(lanes.lakehouse, [PARTITION])[PARTITION]
    assert len(under_way(lanes.lakehouse)[PARTITION]) == len(URGENT)

    lanes.compute.step = None
    mended = lanes.fast()
    assert mended.success, failures(mended)
    assert set(lanes.ids("ticket_items")) == lanes.taken()
    assert under_way(lanes.lakehouse) == {}


@pytest.mark.slow  # three runs of all assets and checks
def test_a_part_is_no_whole(lanes: Lanes) -> None:
    lanes.land("a.jsonl", [*CALM, *URGENT], 1)
    result = lanes.fast()
    assert result.success, failures(result)
    day, source = PARTITION.day, PARTITION.source
    assert left_to_batch(lanes.lakehouse) == (LeftToBatch(day, source, len(CALM), len(URGENT)),)
    assert Backlog(lanes.settings).new() == [PARTITION]
    (made,) = (
        event.asset_materialization
        for event in lanes.instance.get_records_for_run(result.run_id).records
        for event in [event.event_log_entry]
        if event.asset_materialization
        and event.asset_materialization.asset_key.to_user_string() == "gold_topics"
    )
    told = {name: value.value for name, value in made.metadata.items()}
    assert (told["lane"], told["rows_in"], told["rows_out"]) == ("fast", len(URGENT), len(URGENT))

    # Rows that go missing from a part are missed like those of a whole.
    lanes.lakehouse.replace(TABLES["gold_topics"], f"source = '{source}'", iter(()))
    assert not lanes.judge(PARTITION, "gold_topics", "gold_topics_contract").success

    assert lanes.run(PARTITION).success
    assert left_to_batch(lanes.lakehouse) == ()
