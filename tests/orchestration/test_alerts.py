"""Sensors that tell people, tick by tick: real tables, a real instance, a receiver on loopback."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import dagster as dg
import pyarrow as pa
import pytest
from dagster._core.definitions.sensor_definition import SensorDefinition
from pydantic import SecretStr

from feedback_assets.contracts.columns import Table
from feedback_assets.contracts.ledgers import GATE_STATUS, STAGE_METRICS
from feedback_assets.contracts.monitoring import MODEL_REVIEWS, NOTIFICATIONS
from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.tables import TABLES
from feedback_assets.orchestration.alert_sensors import (
    SENSORS,
    tell_failed_gates,
    tell_failed_runs,
    tell_missed_deadlines,
    tell_opened_reviews,
)
from feedback_assets.orchestration.alert_text import gate_message
from feedback_assets.orchestration.alerts import FailedGate
from feedback_assets.pipeline.assets import Compute
from feedback_assets.pipeline.gate import data_versions, override_verdict
from resources.lakehouse.delta import DeltaLakehouse
from resources.notifier.base import NotDelivered
from resources.settings import Settings
from tests.audit.lake import DEFAULTS
from tests.conftest import DAY
from tests.http_receiver import HttpReceiver, Response

NOW = dt.datetime.now(dt.UTC)
HOUR, LONG_AGO = dt.timedelta(hours=1), dt.timedelta(days=3)
TABLE = "bronze_feedback"
CHECK = "bronze_feedback_contract"
DAYS = [Partition(DAY + dt.timedelta(days=n), "survey") for n in range(3)]
NO_RETRY = Response(status=400)


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with HttpReceiver() as receiver:
        yield receiver


class House:
    """Tables, an instance, and the messages sent."""

    def __init__(self, settings: Settings, receiver: HttpReceiver) -> None:
        settings.home.mkdir(parents=True, exist_ok=True)
        self.settings = settings.model_copy(
            update={"webhook_url": SecretStr(f"{receiver.address}/w"), "dagster_url": "http://d/"}
        )
        self.receiver = receiver
        self.lakehouse = DeltaLakehouse(settings.lakehouse_root)
        self.instance = dg.DagsterInstance.ephemeral()

    def tick(self, sensor: SensorDefinition, settings: Settings | None = None) -> str:
        with dg.build_sensor_context(
            instance=self.instance, resources={"compute": Compute(settings or self.settings)}
        ) as context:
            skipped = sensor(context)
        assert isinstance(skipped, dg.SkipReason)
        return str(skipped.skip_message)

    def messages(self) -> list[dict[str, Any]]:
        """The messages since the last call."""
        found = [json.loads(received.body) for received in self.receiver.received]
        self.receiver.received.clear()
        return found

    def judge(
        self,
        partition: Partition,
        passed: bool = False,
        at: dt.datetime = NOW - HOUR,
        check: str = CHECK,
        value: float = 2.0,
    ) -> None:
        table = TABLES[TABLE]
        self.lakehouse.append(
            GATE_STATUS,
            rows(
                GATE_STATUS, day=partition.day, source=partition.source, check=check,
                table=table.name, passed=passed, state="passed" if passed else "failed",
                value=value, threshold=0.0, detail=f"{value:g} keys twice", evaluated_at=at,
                data_version=data_versions(self.lakehouse, table, [partition])[partition],
                run_id="run-1",
            ),
        )  # fmt: skip

    def change(self, partition: Partition) -> None:
        """Commit other data."""
        table = TABLES[TABLE]
        row = {name: DEFAULTS[name] for name in table.schema.names}
        self.lakehouse.append(
            table, rows(table, **row | {"day": partition.day, "source": partition.source})
        )


def rows(table: Table, **values: object) -> list[pa.RecordBatch]:
    return [pa.RecordBatch.from_pylist([values], schema=table.schema)]


@pytest.fixture
def house(settings: Settings, receiver: HttpReceiver) -> House:
    return House(settings, receiver)


def test_each_is_off_until_it_is_turned_on_and_says_what_it_tells() -> None:
    for sensor in SENSORS:
        assert sensor.default_status is dg.DefaultSensorStatus.STOPPED
        assert sensor.description


@pytest.mark.parametrize("sensor", SENSORS, ids=lambda sensor: sensor.name)
def test_nobody_to_tell_and_nothing_to_tell(
    house: House, settings: Settings, sensor: SensorDefinition
) -> None:
    said = house.tick(sensor, settings)
    assert "FEEDBACK_WEBHOOK_URL" in said
    assert "FEEDBACK_SLACK_WEBHOOK_URL" in said
    assert house.tick(sensor) == "nothing to tell"
    assert house.messages() == []


def test_alike_partitions_share_a_part_and_nothing_is_told_twice(house: House) -> None:
    for number, partition in enumerate(DAYS, 1):
        house.judge(partition, value=number)
    house.judge(Partition(DAY, "zendesk"))
    house.judge(Partition(DAY, "social"), passed=True)
    house.judge(Partition(DAY, "social"), check="no_such_check")
    house.tick(tell_failed_gates)
    (message,) = house.messages()
    assert message["kind"] == "gate"
    assert message["title"] == "4 partitions can't open tickets"
    survey, zendesk = message["parts"]
    head, detail, to_do = survey["text"].split("\n")
    assert head == f"{CHECK} failed on 3 partitions of survey, {DAYS[0].day} to {DAYS[2].day}"
    assert detail == f"furthest off, {DAYS[2].day}: 3 keys twice"
    assert f"feedback gate show --day {DAYS[2].day} --source survey" in to_do
    assert (survey["value"], survey["threshold"], survey["check"]) == (3.0, 0.0, CHECK)
    assert survey["partitions"] == [partition.key for partition in DAYS]
    assert zendesk["text"].startswith(f"{CHECK} failed on zendesk {DAY}\n2 keys twice\n")
    assert {"text": "run run-1", "url": "http://d/runs/run-1"} in survey["links"]
    assert house.tick(tell_failed_gates) == "all of it was told before"
    assert house.messages() == []


def test_repaired_and_failed_anew_is_told_anew(house: House) -> None:
    (one, *_) = DAYS
    house.judge(one, at=NOW - 3 * HOUR)
    house.tick(tell_failed_gates)
    assert len(house.messages()) == 1
    house.judge(one, at=NOW - 2.5 * HOUR)
    house.tick(tell_failed_gates)
    assert house.messages() == [], "the same data, judged once more"
    house.change(one)
    assert house.tick(tell_failed_gates) == "nothing to tell", "older than the data"
    house.judge(one, passed=True, at=NOW - 2 * HOUR)
    assert house.tick(tell_failed_gates) == "nothing to tell"
    house.change(one)
    house.judge(one)
    house.tick(tell_failed_gates)
    assert len(house.messages()) == 1


def test_what_an_operator_let_pass_and_what_is_history_is_not_told(house: House) -> None:
    let_pass, old, _ = DAYS
    house.judge(let_pass)
    house.judge(old, at=NOW - LONG_AGO)
    override_verdict(
        house.lakehouse, let_pass, CHECK, operator="Ada", reason="seen", hours=1, most_hours=2
    )
    assert house.tick(tell_failed_gates) == "nothing to tell"


def test_a_delivery_that_failed_is_tried_again_where_it_failed(house: House) -> None:
    house.judge(DAYS[0])
    with HttpReceiver(NO_RETRY) as slack:
        url = SecretStr(f"{slack.address}/services/s3cret")
        both = house.settings.model_copy(update={"slack_webhook_url": url})
        with pytest.raises(NotDelivered, match=r"slack .*HTTP 400") as refused:
            house.tick(tell_failed_gates, both)
        assert "s3cret" not in str(refused.value)
        assert len(house.messages()) == 1
        assert house.tick(tell_failed_gates, both).startswith("sent to slack: ")
        assert house.messages() == [], "the webhook had it"
        assert len(slack.received) == 2
    kept = house.lakehouse.scan(NOTIFICATIONS.name).read_all().to_pylist()
    assert sorted(row["channels"] for row in kept) == [["slack"], ["webhook"]]


@pytest.mark.parametrize(
    ("check", "asset"), [("drift_category", "feedback_profile"), (CHECK, "bronze_feedback")]
)
def test_links_lead_to_the_asset_that_has_the_check(check: str, asset: str) -> None:
    table = "gold_feedback" if check == "drift_category" else TABLE
    gate = FailedGate(DAYS[0], check, table, 0.61, 0.24, "payment 12% -> 34%", "v", "r/1")
    (part,) = gate_message([gate], "http://d", NOW).parts
    check_page, partition_page, run = (urlsplit(link.url) for link in part.links)
    assert check_page.path == partition_page.path == f"/assets/{asset}"
    assert parse_qs(check_page.query) == {
        "view": ["checks"], "checkDetail": [check], "partition": [DAYS[0].key],
    }  # fmt: skip
    assert parse_qs(partition_page.query)["view"] == ["partitions"]
    assert run.path == "/runs/r%2F1"


@dg.op
def breaks() -> None:
    raise ValueError("my card 4111 was charged twice")


@dg.op(config_schema={"reason": str})
def refuses(context: dg.OpExecutionContext) -> None:
    reason = context.op_config["reason"]
    raise dg.Failure("refused", metadata={"refused": dg.MetadataValue.json({"2026|x": reason})})


@dg.job(executor_def=dg.in_process_executor)
def breaking() -> None:
    breaks()


@dg.job(executor_def=dg.in_process_executor)
def refusing() -> None:
    refuses()


def refuse(house: House, reason: str) -> None:
    config = {"ops": {"refuses": {"config": {"reason": reason}}}}
    refusing.execute_in_process(config, instance=house.instance, raise_on_error=False)


def check_fails(house: House, name: str) -> None:
    @dg.asset(name=TABLE)
    def made() -> None: ...

    @dg.asset_check(name=name, asset=made, blocking=True)
    def judged() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=False)

    job = dg.define_asset_job("path", executor_def=dg.in_process_executor)
    defs = dg.Definitions([made], asset_checks=[judged], jobs=[job])
    done = defs.resolve_job_def("path").execute_in_process(
        instance=house.instance, raise_on_error=False
    )
    assert not done.success


def test_failed_runs_are_told_by_the_type_of_their_error(house: House) -> None:
    runs = [
        breaking.execute_in_process(
            instance=house.instance, raise_on_error=False, tags={"dagster/partition": key}
        )
        for key in (DAYS[0].key, DAYS[1].key)
    ]
    house.tick(tell_failed_runs)
    (message,) = house.messages()
    assert message["kind"] == "run"
    assert message["title"] == "breaking failed in 2 runs: breaks (ValueError)"
    assert message["partitions"] == [DAYS[0].key, DAYS[1].key]
    assert {link["url"] for link in message["links"]} == {
        f"http://d/runs/{run.run_id}" for run in runs
    }
    assert "4111" not in json.dumps(message)
    assert house.tick(tell_failed_runs) == "all of it was told before"


def test_a_run_that_only_the_gate_stopped_has_no_message_of_its_own(house: House) -> None:
    refuse(house, f"{CHECK}: failed: 2 keys twice")
    check_fails(house, CHECK)
    assert house.tick(tell_failed_runs) == "nothing to tell"
    refuse(house, f"{CHECK}: no verdict, run the check on this partition")
    check_fails(house, "closes_no_gate")
    house.tick(tell_failed_runs)
    (message,) = house.messages()
    assert message["title"] == "2 runs failed"
    assert "DagsterAssetCheckFailedError" in message["text"]


def count(house: House, metric: str, value: float, at: dt.datetime, partition: Partition) -> None:
    house.lakehouse.append(
        STAGE_METRICS,
        rows(
            STAGE_METRICS, day=partition.day, source=partition.source, stage="turnaround",
            metric=metric, value=value, run_id="run-2", recorded_at=at,
        ),
    )  # fmt: skip


def test_a_missed_deadline_is_told_until_it_is_kept_and_missed_anew(house: House) -> None:
    one, other, old = DAYS
    count(house, "late_decision", 3, NOW - 9 * HOUR, one)
    count(house, "late_decision", 1, NOW - 9 * HOUR, other)
    count(house, "late_ticket", 0, NOW - 9 * HOUR, one)
    count(house, "late_insight", 5, NOW - LONG_AGO, old)
    count(house, "oldest_undecided_hours", 61.2, NOW - 9 * HOUR, one)
    house.tick(tell_missed_deadlines)
    (message,) = house.messages()
    assert message["title"] == (
        f"4 items not decided within 48 h of receipt: 2 partitions of survey, {one.day} to "
        f"{other.day}"
    )
    assert "waited 61 h" in message["text"]
    assert "feedback status" in message["text"]
    count(house, "late_decision", 7, NOW - 8 * HOUR, one)
    assert house.tick(tell_missed_deadlines) == "all of it was told before"
    count(house, "late_decision", 0, NOW - 7 * HOUR, one)
    count(house, "late_decision", 0, NOW - 7 * HOUR, other)
    assert house.tick(tell_missed_deadlines) == "nothing to tell"
    count(house, "late_decision", 2, NOW - 6 * HOUR, one)
    house.tick(tell_missed_deadlines)
    (again,) = house.messages()
    assert again["title"].startswith("2 items not decided")


def review(house: House, review_id: str, opened: dt.datetime, state: str = "open") -> None:
    house.lakehouse.append(
        MODEL_REVIEWS,
        rows(
            MODEL_REVIEWS, review_id=review_id, stage="topics", reason="new_vocabulary",
            label="payment", source="survey", remedy="retrain", value=0.1, threshold=0.02,
            words=["zonk", "<!here>"], detail="zonk, <!here> in 10% of items", state=state,
            opened_at=opened, closed_by=None, note=None, recorded_at=opened, run_id="run-3",
        ),
    )  # fmt: skip


def test_an_opened_review_is_told_once_each_time_it_opens(house: House) -> None:
    review(house, "a", NOW - 3 * HOUR)
    review(house, "closed", NOW - 3 * HOUR, "closed")
    review(house, "old", NOW - LONG_AGO)
    house.tick(tell_opened_reviews)
    (message,) = house.messages()
    assert message["title"] == "Review opened: new_vocabulary of topics payment in survey"
    assert "zonk" in message["text"]
    assert (message["check"], message["value"], message["run_id"]) == (
        "new_vocabulary",
        0.1,
        "run-3",
    )
    assert house.tick(tell_opened_reviews) == "all of it was told before"
    review(house, "a", NOW - 2 * HOUR, "closed")
    review(house, "a", NOW - HOUR)
    house.tick(tell_opened_reviews)
    assert len(house.messages()) == 1
