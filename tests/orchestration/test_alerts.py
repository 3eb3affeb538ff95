"""Sensors that tell people, tick by tick: real tables, a real instance, a receiver on loopback."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from feedback_assets.definitions import build_defs
from feedback_assets.orchestration import alert_sensors
from feedback_assets.orchestration.alert_sensors import (
    tell_failed_gates,
    tell_failed_runs,
    tell_missed_deadlines,
    tell_opened_reviews,
)
from feedback_assets.orchestration.jobs import feedback_to_tickets
from feedback_assets.pipeline.assets import DAY_AND_SOURCE
from feedback_assets.pipeline.compute import Compute
from feedback_assets.pipeline.gate import override_verdict
from feedback_assets.pipeline.gate_overrides import revoke
from resources.compute.connect import SailEngine
from resources.notifier.base import NotDelivered
from resources.settings import Settings
from tests.http_receiver import HttpReceiver, Response
from tests.orchestration.told_house import CHECK, DAYS, HOUR, NOW, House

LONG_AGO = NOW - dt.timedelta(days=3)
GONE = Response(status=404)


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with HttpReceiver() as receiver:
        yield receiver


@pytest.fixture
def house(settings: Settings, receiver: HttpReceiver) -> Iterator[House]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield House(settings, receiver, instance)


@pytest.mark.parametrize("sensor", alert_sensors.SENSORS, ids=lambda sensor: sensor.name)
def test_nothing_is_told_where_nothing_is(house: House, sensor: dg.SensorDefinition) -> None:
    assert house.tick(sensor) == "nothing to tell"
    nobody = house.settings.model_copy(update={"webhook_url": None})
    assert "FEEDBACK_SLACK_WEBHOOK_URL" in house.tick(sensor, nobody)
    assert house.messages() == []
    assert sensor.default_status is dg.DefaultSensorStatus.STOPPED
    assert sensor.description


def test_a_failed_gate_is_told_once_and_whole(house: House) -> None:
    house.judge(DAYS[0])
    house.judge(DAYS[0], passed=True, check="silver_feedback_contract")
    assert house.tick(tell_failed_gates).startswith("sent to webhook: ")
    (message,) = house.messages()
    assert message["kind"] == "gate"
    assert message["title"] == f"{CHECK} failed on survey 2026-06-01"
    assert "2 keys twice" in message["text"]
    assert "feedback gate show --day 2026-06-01 --source survey" in message["text"]
    assert message["partitions"] == ["2026-06-01|survey"]
    told = [message[name] for name in ("check", "value", "threshold", "run_id")]
    assert told == [CHECK, 2.0, 0.0, "run-1"]
    page = "http://d/assets/validated_feedback?view="
    assert [link["url"] for link in message["links"]] == [
        f"{page}checks&checkDetail={CHECK}&partition=2026-06-01%7Csurvey",
        f"{page}partitions&partition=2026-06-01%7Csurvey",
        "http://d/runs/run-1",
    ]
    assert house.tick(tell_failed_gates) == "all of it was told before"
    assert house.messages() == []
    (row,) = house.rows("notifications")
    assert (row["kind"], row["title"], row["channels"]) == ("gate", message["title"], ["webhook"])


def test_alike_partitions_are_told_together(house: House) -> None:
    for value, partition in enumerate(DAYS, 1):
        house.judge(partition, value=float(value))
    house.judge(DAYS[0], check="drift_category", value=0.61, threshold=0.24)
    house.tick(tell_failed_gates)
    (message,) = house.messages()
    assert message["title"] == "3 partitions can't open tickets"
    drift, contract = message["parts"]
    headline, said = contract["text"].splitlines()[:2]
    assert headline == f"{CHECK} failed on 3 partitions of survey, 2026-06-01 to 2026-06-03"
    assert said == "furthest off, 2026-06-03: 3 keys twice"
    assert contract["value"] == 3.0
    assert contract["partitions"] == [partition.key for partition in DAYS]
    # Drift is judged on gold_feedback; its check stands on the profile.
    assert "/assets/feedback_profile?view=checks&checkDetail=drift_cat" in drift["links"][0]["url"]
    assert message["check"] is None


def test_what_was_repaired_and_fails_anew_is_told_anew(house: House) -> None:
    house.judge(DAYS[0], at=NOW - 5 * HOUR)
    house.tick(tell_failed_gates)
    house.judge(DAYS[0], at=NOW - 4 * HOUR)
    assert house.tick(tell_failed_gates) == "all of it was told before"
    house.judge(DAYS[0], passed=True, at=NOW - 3 * HOUR)
    assert house.tick(tell_failed_gates) == "nothing to tell"
    house.judge(DAYS[0], at=NOW - 2 * HOUR)
    house.tick(tell_failed_gates)
    assert len(house.messages()) == 2
    assert house.tick(tell_failed_gates) == "all of it was told before"


def test_other_data_are_told_once_they_are_judged(house: House) -> None:
    house.judge(DAYS[0], at=NOW - 2 * HOUR)
    house.tick(tell_failed_gates)
    house.change(DAYS[0])
    assert house.tick(tell_failed_gates) == "nothing to tell"
    house.judge(DAYS[0], at=NOW - HOUR)
    house.tick(tell_failed_gates)
    assert len(house.messages()) == 2


def test_a_clock_that_is_set_back_repeats_nothing(house: House) -> None:
    house.judge(DAYS[0], at=NOW + HOUR)
    house.tick(tell_failed_gates)
    assert len(house.messages()) == 1
    house.judge(DAYS[0], at=NOW)
    assert house.tick(tell_failed_gates) == "all of it was told before"


def test_an_overridden_gate_is_told_when_the_override_ends(house: House) -> None:
    house.judge(DAYS[0])
    given = override_verdict(
        house.lakehouse, DAYS[0], CHECK, operator="Ada", reason="known", hours=1, most_hours=9
    )
    assert house.tick(tell_failed_gates) == "nothing to tell"
    revoke(house.lakehouse, given.override_id, "Ada")
    house.tick(tell_failed_gates)
    assert len(house.messages()) == 1


def test_history_and_checks_that_close_no_gate_are_not_told(house: House) -> None:
    house.judge(DAYS[0], at=LONG_AGO)
    house.judge(DAYS[1], check="tickets_contract")
    assert house.tick(tell_failed_gates) == "nothing to tell"


def test_values_of_rows_stay_in_the_house(house: House) -> None:
    said = "text: isin: 1 row, such as my parcel; never came; mend these rows"
    house.judge(DAYS[0], detail=said)
    house.tick(tell_failed_gates)
    (message,) = house.messages()
    assert "text: isin: 1 row (which values: see the check)" in message["text"]
    assert "parcel" not in json.dumps(message)


def test_what_a_channel_did_not_take_is_sent_to_it_again(house: House) -> None:
    house.judge(DAYS[0])
    with HttpReceiver(GONE) as slack:
        both = house.and_slack(slack)
        with pytest.raises(NotDelivered, match=r"slack .*HTTP 404") as trouble:
            house.tick(tell_failed_gates, both)
        assert "services" not in str(trouble.value)
        assert len(house.messages()) == len(slack.received) == 1
        assert house.tick(tell_failed_gates, both).startswith("sent to slack: ")
        assert house.messages() == []
        assert slack.received[0].body == slack.received[1].body
        assert house.tick(tell_failed_gates, both) == "all of it was told before"
    assert sorted(row["channels"] for row in house.rows("notifications")) == [
        ["slack"],
        ["webhook"],
    ]


def asset(name: str, raises: Exception | None = None) -> dg.AssetsDefinition:
    @dg.asset(name=name)
    def made() -> None:
        if raises is not None:
            raise raises

    return made


def failing(check: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset="validated_feedback", name=check, blocking=True)
    def judge() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=False)

    return judge


def refusing(reason: str) -> dg.Failure:
    return dg.Failure("refused", metadata={"refused": dg.MetadataValue.json({"p": reason})})


def fail(house: House, *made: Any) -> str:
    result = dg.materialize([*made], instance=house.instance, raise_on_error=False)
    assert not result.success
    return result.run_id


def test_runs_that_only_the_gate_stopped_are_not_told_twice(house: House) -> None:
    fail(house, asset("validated_feedback"), failing(CHECK))
    fail(house, asset("tickets", refusing("drift_volume: no verdict; drift_cost: failed: 3")))
    assert house.tick(tell_failed_runs) == "nothing to tell"


def test_other_failed_runs_are_told_by_the_type_of_their_error(house: House) -> None:
    text = "my parcel never came"
    gate = fail(house, asset("validated_feedback", KeyError(text)), asset("odd"), failing(CHECK))
    mixed = fail(house, asset("validated_feedback"), failing(CHECK), asset("broken", OSError(text)))
    check = fail(house, asset("validated_feedback"), failing("closes_no_gate"))
    unjudged = fail(house, asset("tickets", refusing("drift_volume: no verdict, run the check")))
    house.tick(tell_failed_runs)
    (message,) = house.messages()
    assert message["title"] == "4 runs failed"
    assert text not in json.dumps(message)
    told = {part["run_id"]: part["text"].splitlines()[0] for part in message["parts"]}
    assert told[gate].endswith("failed: validated_feedback (KeyError)")
    assert told[mixed].endswith("failed: broken (OSError)")
    assert told[check].endswith("(DagsterAssetCheckFailedError)")
    assert told[unjudged].endswith("failed: tickets (Failure)")
    assert f"http://d/runs/{gate}" in [link["url"] for link in message["links"]]
    assert house.tick(tell_failed_runs) == "all of it was told before"
    fail(house, asset("broken", OSError(text)))
    house.tick(tell_failed_runs)
    assert len(house.messages()) == 1


@pytest.mark.filterwarnings("ignore:Non-compliant tag keys")
def test_alike_runs_are_told_together_with_their_partitions(house: House) -> None:
    @dg.asset(partitions_def=DAY_AND_SOURCE)
    def broken() -> None:
        raise OSError

    for partition in DAYS[:2]:
        key = dg.MultiPartitionKey({"day": str(partition.day), "source": partition.source})
        dg.materialize([broken], instance=house.instance, partition_key=key, raise_on_error=False)
    house.tick(tell_failed_runs)
    (message,) = house.messages()
    (part,) = message["parts"]
    assert part["text"].splitlines()[0].endswith("failed in 2 runs: broken (OSError)")
    assert part["partitions"] == [partition.key for partition in DAYS[:2]]
    assert len(part["links"]) == 2


def test_a_run_that_ended_before_its_first_step_is_told(house: House) -> None:
    run = house.instance.create_run_for_job(dg.job(name="nightly")(lambda: None))
    house.instance.report_run_failed(run, "the process is gone")
    house.tick(tell_failed_runs)
    (message,) = house.messages()
    assert message["title"] == "nightly failed: before its first step"


# Dagster's own tags of a multi-partition, which it calls deprecated.
@pytest.mark.filterwarnings("ignore:Non-compliant tag keys")
def test_the_real_tickets_refusing_are_told_by_one_sensor_only(
    house: House, engine: SailEngine
) -> None:
    job = build_defs(Compute(house.settings, engine)).resolve_job_def(feedback_to_tickets.name)

    def refuse() -> None:
        result = job.execute_in_process(
            instance=house.instance, partition_key=DAYS[0].key, raise_on_error=False,
            asset_selection=[dg.AssetKey("tickets")],
        )  # fmt: skip
        assert not result.success

    refuse()
    assert house.tick(tell_failed_gates) == "nothing to tell"
    house.tick(tell_failed_runs)
    (message,) = house.messages()
    assert message["title"] == "feedback_to_tickets failed: tickets (Failure)"
    assert message["partitions"] == [DAYS[0].key]
    house.judge(DAYS[0])
    refuse()
    house.tick(tell_failed_gates)
    assert [message["kind"] for message in house.messages()] == ["gate"]
    assert house.tick(tell_failed_runs) == "all of it was told before"


def test_missed_deadlines_are_told_by_rung(house: House) -> None:
    for partition in DAYS[:2]:
        house.measure(partition, late_ticket=4, late_insight=0, oldest_undecided_hours=80)
    house.measure(DAYS[2], late_decision=1, late_insight=0, open=1)
    house.tick(tell_missed_deadlines)
    (message,) = house.messages()
    assert message["kind"] == "deadline"
    assert message["title"] == "2 deadlines missed"
    decision, ticket = message["parts"]
    assert decision["text"].startswith("1 item not decided within 48 h of receipt: survey 2026-06")
    assert ticket["text"].startswith(
        "8 items in no ticket though they belong in one within 72 h of receipt: "
        "2 partitions of survey, 2026-06-01 to 2026-06-02\nThe oldest undecided has waited 80 h."
    )
    assert [link["url"] for link in ticket["links"]] == [
        "http://d/assets/turnaround?view=checks", "http://d/runs/look-1",
    ]  # fmt: skip
    assert house.tick(tell_missed_deadlines) == "all of it was told before"


def test_a_deadline_is_told_anew_only_after_it_was_kept(house: House) -> None:
    house.measure(DAYS[0], at=NOW - 5 * HOUR, late_ticket=4)
    house.tick(tell_missed_deadlines)
    house.measure(DAYS[0], at=NOW - 4 * HOUR, late_ticket=6)
    assert house.tick(tell_missed_deadlines) == "all of it was told before"
    house.measure(DAYS[0], at=NOW - 3 * HOUR, late_ticket=0)
    assert house.tick(tell_missed_deadlines) == "nothing to tell"
    house.measure(DAYS[0], at=NOW - 2 * HOUR, late_ticket=1)
    house.tick(tell_missed_deadlines)
    assert len(house.messages()) == 2


def test_days_without_data_and_old_looks_are_no_alarm(house: House) -> None:
    house.measure(DAYS[0], late_ticket=0, late_decision=0, late_insight=0, open=0)
    house.measure(DAYS[1], at=LONG_AGO, late_ticket=4)
    house.measure(DAYS[2], stage="tickets", late_ticket=4)
    assert house.tick(tell_missed_deadlines) == "nothing to tell"


def test_an_opened_review_is_told_until_it_is_closed(house: House) -> None:
    house.review(opened_at=NOW - 3 * HOUR)
    house.tick(tell_opened_reviews)
    (message,) = house.messages()
    assert message["title"] == "Review opened: override_rate of topics payment in app_store"
    assert "people changed 4 of 9" in message["text"]
    assert (message["check"], message["value"], message["threshold"]) == ("override_rate", 0.4, 0.3)
    assert message["links"][0]["url"] == "http://d/assets/model_reviews"
    house.review(opened_at=NOW - 3 * HOUR, state="closed", at=NOW - 2 * HOUR)
    assert house.tick(tell_opened_reviews) == "nothing to tell"
    house.review(opened_at=NOW - HOUR, at=NOW - HOUR)
    house.tick(tell_opened_reviews)
    assert len(house.messages()) == 1
    assert house.tick(tell_opened_reviews) == "all of it was told before"
