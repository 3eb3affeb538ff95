from __future__ import annotations

import datetime as dt

import pytest

from feedback_assets.gold.language_model.waiting import rung
from feedback_assets.pipeline.model_plan import Ladder, ModelPlan
from resources.llm.scripted import ScriptedModel

NOW = dt.datetime(2026, 6, 4, 12, tzinfo=dt.UTC)
MODEL = ScriptedModel([])
BATCH = ModelPlan(MODEL, batch=MODEL, mode="batch", ladder=Ladder(24, 60))
DIRECT = ModelPlan(MODEL, batch=MODEL, mode="direct", ladder=Ladder(24, 60))


@pytest.mark.parametrize(
    ("plan", "hours", "outcome", "urgent", "expected"),
    [
        (BATCH, 1, None, False, "batch"),
        (BATCH, 1, None, True, "direct"),
        (BATCH, 25, None, False, "direct"),
        (BATCH, 1, "submitted", False, "wait"),
        (BATCH, 25, "submitted", False, "direct"),
        (BATCH, 61, "submitted", False, "people"),
        (BATCH, 1, "cut_off", False, "direct"),
        (BATCH, 1, "server_error", False, "direct"),
        (DIRECT, 1, None, False, "direct"),
        (DIRECT, 1, "submitted", False, "wait"),
        (DIRECT, 59, "rate_limited", False, "direct"),
        (DIRECT, 61, "rate_limited", False, "people"),
        (DIRECT, 5_000, None, False, "direct"),
    ],
)
def test_rungs(
    plan: ModelPlan, hours: float, outcome: str | None, urgent: bool, expected: str
) -> None:
    received = NOW - dt.timedelta(hours=hours)
    assert rung(plan, NOW, received, outcome, urgent) == expected


def test_an_item_without_a_time_of_receipt_is_new() -> None:
    assert rung(BATCH, NOW, None, None, False) == "batch"
