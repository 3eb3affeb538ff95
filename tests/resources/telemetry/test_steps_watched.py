"""Steps with a collector on loopback: one trace a run, and no text of the items."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from feedback_assets.bronze.landing_step import BRONZE
from feedback_assets.contracts.partitions import Partition
from feedback_assets.pipeline.runtime import build_runtime
from feedback_assets.pipeline.step import Step, StepContext, run_step
from feedback_assets.pipeline.step_telemetry import KEYS_SHOWN, step_span
from feedback_assets.silver.silver_step import SILVER
from resources.compute.connect import SailEngine
from resources.settings import Settings
from resources.telemetry.otlp import OtlpTelemetry
from tests.conftest import Land, review
from tests.http_receiver import HttpReceiver
from tests.resources.telemetry.spans import spans, sums

RUN = "6f1d2a34-90be-4b0e-8a55-27c1d54f7a10"
TEXTS = ["Checkout zonked out twice", "My parcel is in Timbuktu, says jo@shop.example"]


@pytest.fixture
def collector() -> Iterator[HttpReceiver]:
    with HttpReceiver() as receiver:
        yield receiver


def test_steps_share_the_trace_of_their_run(
    settings: Settings, engine: SailEngine, land: Land, collector: HttpReceiver
) -> None:
    partition = land(
        "app_store", [review("r1", TEXTS[0]), review("r2", TEXTS[1]), "no json", review("r1", "x")]
    )
    for step in (BRONZE, SILVER):
        here = OtlpTelemetry("feedback", collector.address, {})
        run_step(step, [partition], replace(build_runtime(settings, RUN, engine), telemetry=here))
        here.close()
    bronze, silver = spans(collector)
    assert (bronze.name, silver.name) == ("bronze_feedback", "silver_feedback")
    assert bronze.trace_id == silver.trace_id == uuid.UUID(RUN).hex
    assert bronze.instance != silver.instance
    told = bronze.attributes
    assert told["dagster.run_id"] == RUN
    assert told["feedback.step"] == "bronze_feedback"
    assert told["feedback.partitions"] == 1
    assert told["feedback.partition_keys"] == [partition.key]
    assert told["feedback.rows_in"] == 4
    assert told["feedback.rows_out"] + told["feedback.rows_quarantined"] == 4
    assert told["feedback.refused"] == 0
    assert 0 < told["feedback.seconds"] <= bronze.seconds
    assert silver.attributes["feedback.rows_in"] == told["feedback.rows_out"]
    counted = sums(collector)
    assert counted["feedback.step.rows", "bronze_feedback", "in"] == 4
    assert counted["feedback.step.rows", "silver_feedback", "in"] == told["feedback.rows_out"]
    assert counted["feedback.step.duration", "silver_feedback", "count"] == 1
    sent = b"".join(received.body for received in collector.received)
    assert b"bronze_feedback" in sent
    for word in " ".join([*TEXTS, "no json"]).replace(",", "").split():
        if len(word) > 3:
            assert word.encode() not in sent, word
    assert settings.landing_root.encode() not in sent


def test_a_failing_step_and_a_refusing_one(
    settings: Settings, engine: SailEngine, land: Land, collector: HttpReceiver
) -> None:
    good, bad = land("survey", ["{}"]), land("zendesk", ["{}"])
    watched = settings.model_copy(update={"otlp_endpoint": collector.address})
    runtime = build_runtime(watched, RUN, engine)

    def fails(_context: StepContext) -> object:
        raise ValueError(f"cannot read {TEXTS[0]}")

    def refuses(context: StepContext) -> object:
        context.refuse(bad, f"not with {TEXTS[0]}")
        context.note(TEXTS[1])
        return BRONZE.transform(context)

    with pytest.raises(ValueError, match="cannot read"):
        run_step(Step("bronze_feedback", (), fails), [good], runtime)  # type: ignore[arg-type]
    run_step(
        Step("bronze_feedback", (), refuses, row_for_row=False),  # type: ignore[arg-type]
        [good, bad],
        runtime,
    )
    assert isinstance(runtime.telemetry, OtlpTelemetry)
    runtime.telemetry.close()
    failed, refused = spans(collector)
    assert (failed.status, failed.message, failed.events) == (2, "builtins.ValueError", 0)
    assert failed.attributes["error.type"] == "builtins.ValueError"
    assert failed.attributes["feedback.partition_keys"] == [good.key]
    assert "feedback.rows_out" not in failed.attributes
    assert refused.attributes["feedback.refused"] == 1
    assert refused.attributes["feedback.partitions"] == 2
    assert b"zonked" not in b"".join(received.body for received in collector.received)


def test_the_keys_of_a_long_backfill_are_bounded(collector: HttpReceiver) -> None:
    telemetry = OtlpTelemetry("feedback", collector.address, {})
    days = [dt.date(2026, 1, 1) + dt.timedelta(days=n) for n in range(300)]
    with step_span(telemetry, "gold", [Partition(day, "survey") for day in days], RUN):
        pass
    telemetry.close()
    (span,) = spans(collector)
    assert span.attributes["feedback.partitions"] == 300
    assert len(span.attributes["feedback.partition_keys"]) == KEYS_SHOWN
