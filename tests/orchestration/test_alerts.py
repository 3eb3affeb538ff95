"""Sensors that tell people, tick by tick: real tables, a real instance, a receiver on loopback."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest
from dagster._core.definitions.sensor_definition import SensorDefinition
from pydantic import SecretStr

from feedback_assets.contracts.ledgers import GATE_STATUS
from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.tables import TABLES
from feedback_assets.pipeline.assets import Compute
from feedback_assets.pipeline.gate import data_versions
from resources.lakehouse.delta import DeltaLakehouse
from resources.settings import Settings
from tests.conftest import DAY
from tests.http_receiver import HttpReceiver, Response

NOW = dt.datetime.now(dt.UTC)
HOUR, LONG_AGO = dt.timedelta(hours=1), dt.timedelta(days=3)
CHECK = "validated_feedback_contract"
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
        table = TABLES["validated_feedback"]
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
        table = TABLES["validated_feedback"]
        row = dict.fromkeys(table.schema.names)
        row |= {"day": partition.day, "source": partition.source}
        batch = pa.RecordBatch.from_pylist(
            [row], pa.schema([field.with_nullable(True) for field in table.schema])
        )
        self.lakehouse.append(table, [batch.cast(nothing_null(table.schema, batch))])


def nothing_null(schema: pa.Schema, batch: pa.RecordBatch) -> pa.Schema:
    return batch.schema if batch.schema else schema


def rows(table: Any, **values: object) -> list[pa.RecordBatch]:
    return [pa.RecordBatch.from_pylist([values], schema=table.schema)]


@pytest.fixture
def house(settings: Settings, receiver: HttpReceiver) -> House:
    return House(settings, receiver)
