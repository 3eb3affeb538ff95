"""The gate, in every way a ticket can be made, on a real Dagster instance.

A bad partition opens no ticket and the good one beside it does.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.asset_daemon_cursor import AssetDaemonCursor

from feedback_assets.contracts.ledgers import GATE_STATUS
from feedback_assets.orchestration.automation import tickets_follow
from feedback_assets.pipeline.gate import REQUIRED_CHECKS, closed, openings
from feedback_assets.pipeline.gate_overrides import revoke
from resources.compute.connect import SailEngine
from tests.backfills import launching_here, run_backfill
from tests.shop import (
    BAD,
    CHECK,
    FAILED,
    GOOD,
    ITEMS,
    LAST,
    Shop,
    at,
    failures,
    let_pass,
    unreadable,
)


def only_good_opened(shop: Shop) -> None:
    assert shop.tickets_of(GOOD) == ITEMS
    assert shop.tickets_of(BAD) == 0
    assert shop.made("tickets") == {GOOD.key}


# Ways to make a ticket.


def test_in_the_same_run(shop: Shop) -> None:
    shop.compute.step = "validated_feedback"
    bad = shop.run(BAD, only=LAST)
    assert set(failures(bad)) == {"validated_feedback_validated_feedback_contract"}
    assert shop.run(GOOD, only=LAST).success
    only_good_opened(shop)


def test_in_a_later_run_over_a_range(spoiled: Shop) -> None:
    result = spoiled.run(GOOD, BAD, only=["tickets"])
    told = failures(result)["tickets"]
    assert f"refused 1 of 2 partitions: {BAD.key}: {FAILED}" in told
    only_good_opened(spoiled)


@pytest.mark.parametrize("only", [LAST, ["tickets"]])
def test_in_a_backfill_of_a_range(home: Path, engine: SailEngine, only: list[str]) -> None:
    with launching_here(at(home)) as instance:
        shop = Shop(at(home), engine, instance)
        shop.compute.step = "validated_feedback"
        if "validated_feedback" not in only:
            shop.run(BAD, only=["validated_feedback"])
        assert run_backfill(shop, [GOOD, BAD], only) == {
            GOOD.key: dg.DagsterRunStatus.SUCCESS,
            BAD.key: dg.DagsterRunStatus.FAILURE,
        }
        only_good_opened(shop)


def test_in_a_backfill_whose_partitions_share_a_run(home: Path, engine: SailEngine) -> None:
    settings = at(home).model_copy(update={"partitions_per_run": 30})
    with launching_here(settings) as instance:
        shop = Shop(settings, engine, instance)
        shop.compute.step = "validated_feedback"
        # The run fails for the partition that was refused; the other one's tickets are there.
        assert run_backfill(shop, [GOOD, BAD], LAST) == {
            f"{GOOD.key} to {BAD.key}": dg.DagsterRunStatus.FAILURE
        }
        only_good_opened(shop)
        assert shop.verdicts("validated_feedback")[GOOD.key] == ("SUCCEEDED", True)
        assert shop.verdicts("validated_feedback")[BAD.key] == ("FAILED", True)


def test_by_hand_on_the_one_asset(spoiled: Shop) -> None:
    by_hand = spoiled.defs.resolve_implicit_global_asset_job_def()
    for partition in (GOOD, BAD):
        result = by_hand.execute_in_process(
            instance=spoiled.instance,
            asset_selection=[dg.AssetKey("tickets")],
            partition_key=partition.key,
            raise_on_error=False,
        )
        assert result.success == (partition == GOOD)
    assert FAILED in failures(result)["tickets"]
    only_good_opened(spoiled)


# Declarative automation.


def asked_for(shop: Shop) -> list[str]:
    """Partitions whose tickets the automation asks for now; it gets them."""
    asked = shop.tick()
    for request in asked:
        assert [key.to_user_string() for key in request.asset_selection or ()] == ["tickets"]
        result = shop.grant(request)
        assert result.success, failures(result)
    return sorted(str(request.partition_key) for request in asked)


def test_by_declarative_automation(shop: Shop) -> None:
    assert tickets_follow.default_status is dg.DefaultSensorStatus.STOPPED
    # What was made before it was turned on is not flooded with runs.
    assert asked_for(shop) == []
    assert asked_for(shop) == []
    shop.compute.step = "validated_feedback"
    shop.run(GOOD, BAD, only=["validated_feedback"])
    assert asked_for(shop) == [GOOD.key]
    assert asked_for(shop) == []
    only_good_opened(shop)
    # Made again, it follows; made along with its upstream, it has nothing left to follow.
    shop.compute.step = None
    shop.run(BAD, only=["validated_feedback"])
    assert asked_for(shop) == [BAD.key]
    shop.run(BAD, only=LAST)
    assert asked_for(shop) == []


def test_the_gate_holds_where_automation_asks_wrongly(spoiled: Shop) -> None:
    wrong = dg.RunRequest(asset_selection=[dg.AssetKey("tickets")], partition_key=BAD.key)
    result = spoiled.grant(wrong)
    assert FAILED in failures(result)["tickets"]
    assert spoiled.tickets_of(BAD) == 0


def test_automation_follows_an_override_and_its_end(shop: Shop) -> None:
    assert asked_for(shop) == []
    shop.compute.step = "validated_feedback"
    shop.run(BAD, only=LAST)
    assert asked_for(shop) == []
    override = let_pass(shop)
    assert asked_for(shop) == [BAD.key]
    revoke(shop.lakehouse, override.override_id, "eli")
    shop.run(BAD, only=["validated_feedback"])
    assert asked_for(shop) == []


def test_a_new_day_floods_nothing_and_forgets_nothing(shop: Shop) -> None:
    now = datetime.now(UTC)
    cursor: AssetDaemonCursor | None = None

    def requested(days: int) -> set[str | None]:
        nonlocal cursor
        told = dg.evaluate_automation_conditions(
            shop.defs,
            shop.instance,
            asset_selection=dg.AssetSelection.assets("tickets"),
            cursor=cursor,
            evaluation_time=now + timedelta(days=days),
        )
        cursor = told.cursor
        return set(told.get_requested_partitions(dg.AssetKey("tickets")))

    assert requested(0) == requested(1) == set()
    shop.compute.step = "validated_feedback"
    shop.run(BAD, only=["validated_feedback"])
    assert requested(1) == requested(2) == set()
    let_pass(shop)
    assert requested(3) == {BAD.key}
    assert requested(4) == set()


# Repair, crashes, and checks that are missing.


def test_new_data_open_the_gate_without_leftovers(spoiled: Shop) -> None:
    assert not spoiled.run(BAD, only=["tickets"]).success
    spoiled.compute.step = None
    again = spoiled.run(BAD, only=LAST)
    assert again.success, failures(again)
    assert spoiled.tickets_of(BAD) == ITEMS
    assert openings(spoiled.lakehouse, [BAD])[BAD].overridden == ()
    assert spoiled.verdicts("validated_feedback")[BAD.key] == ("SUCCEEDED", True)
    assert spoiled.run(BAD, only=["tickets"]).success
    assert spoiled.tickets_of(BAD) == ITEMS


def test_a_check_that_crashes_closes_the_gate_until_it_is_run_again(shop: Shop) -> None:
    assert asked_for(shop) == []
    with unreadable(shop, "triage", BAD):
        crashed = shop.judge(BAD, "triage", "triage_contract")
        assert set(failures(crashed)) == {"triage_triage_contract"}
    # An earlier verdict on these very data had passed.
    result = shop.run(BAD, only=["tickets"])
    assert "triage_contract: failed: the check itself failed" in failures(result)["tickets"]
    assert f"run {crashed.run_id}" in closed(shop.lakehouse, [BAD])[BAD]
    assert asked_for(shop) == []
    assert shop.judge(BAD, "triage", "triage_contract").success
    assert closed(shop.lakehouse, [BAD]) == {}
    assert shop.run(BAD, only=["tickets"]).success
    assert shop.tickets_of(BAD) == ITEMS


def test_the_check_run_again_alone_is_followed_by_automation(shop: Shop) -> None:
    assert asked_for(shop) == []
    with unreadable(shop, "validated_feedback", BAD):
        shop.judge(BAD, "validated_feedback", CHECK)
    shop.run(BAD, only=["triage", *LAST], without_checks=True)
    assert asked_for(shop) == []
    for check, table in REQUIRED_CHECKS.items():
        if table in ("triage", "validated_feedback"):
            assert shop.judge(BAD, table, check).success
    assert asked_for(shop) == [BAD.key]
    assert shop.tickets_of(BAD) == ITEMS


def test_a_check_that_was_not_run_counts_as_not_passed(shop: Shop) -> None:
    shop.run(BAD, only=["validated_feedback"], without_checks=True)
    result = shop.run(BAD, only=["tickets"])
    assert f"{CHECK}: verdict is older than the data" in failures(result)["tickets"]
    # And one that never was, as when a check is new.
    rows = shop.lakehouse.scan("gate_status", predicate="`check` <> 'triage_contract'").read_all()
    shop.lakehouse.replace(GATE_STATUS, f"day >= '{GOOD.day}'", rows.to_batches())
    result = shop.run(GOOD, only=["tickets"])
    assert "triage_contract: no verdict, run the check" in failures(result)["tickets"]
    assert shop.tickets_of(BAD) == shop.tickets_of(GOOD) == 0
