"""Tables to tell of, an instance, and what a receiver was told.

Belongs here: writing what sensors find, and ticking them. Does not belong here: expectations.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import dagster as dg
import pyarrow as pa
from pydantic import SecretStr

from feedback_assets.contracts.columns import Table
from feedback_assets.contracts.ledgers import GATE_STATUS, STAGE_METRICS
from feedback_assets.contracts.monitoring import MODEL_REVIEWS
from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.tables import TABLES
from feedback_assets.pipeline.compute import Compute
from feedback_assets.pipeline.gate import REQUIRED_CHECKS, data_versions
from resources.lakehouse.delta import DeltaLakehouse
from resources.settings import Settings
from tests.conftest import DAY
from tests.http_receiver import HttpReceiver

NOW = dt.datetime.now(dt.UTC)
HOUR = dt.timedelta(hours=1)
CHECK = "validated_feedback_contract"
DAYS = [Partition(DAY + dt.timedelta(days=n), "survey") for n in range(3)]


class House:
    """Tables, an instance, and the messages sent to `receiver`."""

    def __init__(
        self, settings: Settings, receiver: HttpReceiver, instance: dg.DagsterInstance
    ) -> None:
        settings.home.mkdir(parents=True, exist_ok=True)
        self.settings = settings.model_copy(
            update={"webhook_url": SecretStr(f"{receiver.address}/w"), "dagster_url": "http://d/"}
        )
        self.lakehouse = DeltaLakehouse(settings.lakehouse_root)
        self.instance = instance
        self._receiver = receiver

    def tick(self, sensor: dg.SensorDefinition, settings: Settings | None = None) -> str:
        """What the sensor says it did."""
        with dg.build_sensor_context(
            instance=self.instance, resources={"compute": Compute(settings or self.settings)}
        ) as context:
            skipped = sensor(context)
        assert isinstance(skipped, dg.SkipReason)
        return str(skipped.skip_message)

    def and_slack(self, slack: HttpReceiver) -> Settings:
        """Settings with a second channel."""
        url = SecretStr(f"{slack.address}/services/T0/B0")
        return self.settings.model_copy(update={"slack_webhook_url": url})

    def messages(self) -> list[dict[str, Any]]:
        """The webhook's messages since the last call."""
        found = [json.loads(received.body) for received in self._receiver.received]
        self._receiver.received.clear()
        return found

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table."""
        found: list[dict[str, Any]] = self.lakehouse.scan(table).read_all().to_pylist()
        return found

    def judge(
        self,
        partition: Partition,
        passed: bool = False,
        at: dt.datetime = NOW - HOUR,
        check: str = CHECK,
        value: float = 2.0,
        threshold: float = 0.0,
        detail: str = "",
    ) -> None:
        """Write a verdict on the data as they are."""
        table = TABLES[REQUIRED_CHECKS.get(check, "tickets")]
        version = data_versions(self.lakehouse, table, [partition])[partition]
        self._append(
            GATE_STATUS, day=partition.day, source=partition.source, check=check,
            table=table.name, passed=passed, state="passed" if passed else "failed",
            value=value, threshold=threshold, detail=detail or f"{value:g} keys twice",
            data_version=version, evaluated_at=at, run_id="run-1",
        )  # fmt: skip

    def change(self, partition: Partition) -> None:
        """Commit a row to the data that are judged."""
        table = TABLES["validated_feedback"]
        row = {field.name: filler(field.type) for field in table.schema}
        self._append(table, **row | {"day": partition.day, "source": partition.source})

    def measure(
        self,
        partition: Partition,
        at: dt.datetime = NOW - HOUR,
        stage: str = "turnaround",
        **figures: float,
    ) -> None:
        """Write figures as turnaround does."""
        for metric, value in figures.items():
            self._append(
                STAGE_METRICS, day=partition.day, source=partition.source, stage=stage,
                metric=metric, value=float(value), run_id="look-1", recorded_at=at,
            )  # fmt: skip

    def review(
        self, opened_at: dt.datetime, state: str = "open", at: dt.datetime | None = None
    ) -> None:
        """Write a model review, or what became of it."""
        self._append(
            MODEL_REVIEWS, review_id="review-1", stage="topics", reason="override_rate",
            label="payment", source="app_store", remedy="retrain", value=0.4, threshold=0.3,
            words=[], detail="people changed 4 of 9", state=state, opened_at=opened_at,
            closed_by=None, note=None, recorded_at=at or opened_at, run_id=None,
        )  # fmt: skip

    def _append(self, to: Table, /, **row: object) -> None:
        self.lakehouse.append(to, [pa.RecordBatch.from_pylist([row], schema=to.schema)])


def filler(kind: pa.DataType) -> Any:
    """Some value of a type."""
    if pa.types.is_struct(kind):
        return {field.name: filler(field.type) for field in kind}
    if pa.types.is_list(kind) or pa.types.is_map(kind):
        return []
    if pa.types.is_timestamp(kind):
        return NOW
    if pa.types.is_date(kind):
        return DAY
    return "x" if pa.types.is_string(kind) else pa.scalar(0).cast(kind).as_py()
