"""The quality room's assets: the profile that drift is judged on, and what watches the models."""

from __future__ import annotations

import dagster as dg

from feedback_assets.contracts.monitoring import GATE_OVERRIDES, MODEL_REVIEWS
from feedback_assets.pipeline.assets import routine_asset, step_asset, table_spec
from feedback_assets.quality.checks import CHECKS as CHECKS
from feedback_assets.quality.profile_step import PROFILE
from feedback_assets.quality.routines import DEADLINES, REVIEW_MODELS, WATCH_TURNAROUND

model_reviews = routine_asset(
    REVIEW_MODELS,
    MODEL_REVIEWS.group,
    {"deltalake"},
    MODEL_REVIEWS.description,
    ["feedback_profile", "review_decisions"],
    MODEL_REVIEWS,
)
turnaround = routine_asset(
    WATCH_TURNAROUND,
    "quality",
    {"spark", "deltalake"},
    "Hours from receipt to insight, decision and ticket, and the age of what waits.",
    ["bronze_feedback", "insights_daily", "review_decisions", "tickets"],
    check_specs=[
        dg.AssetCheckSpec(
            name=DEADLINES,
            asset="turnaround",
            description="No item waits longer for its insight, its decision or its ticket than "
            "deadlines in contracts/quality_rules.yaml say. Closes no gate.",
            blocking=False,
        )
    ],
)
ASSETS = [
    step_asset(PROFILE, {"spark", "deltalake"}),
    table_spec(GATE_OVERRIDES),
    model_reviews,
    turnaround,
]
