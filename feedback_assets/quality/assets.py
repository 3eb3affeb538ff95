"""The quality room's assets: the profile that drift is judged on, and what watches the models."""

from __future__ import annotations

from feedback_assets.contracts.monitoring import GATE_OVERRIDES
from feedback_assets.pipeline.assets import step_asset, table_spec
from feedback_assets.quality.checks import CHECKS as CHECKS
from feedback_assets.quality.model_reviews.assets import ASSETS as MODEL_REVIEWS
from feedback_assets.quality.profile_step import PROFILE
from feedback_assets.quality.turnaround.assets import ASSETS as TURNAROUND

ASSETS = [
    step_asset(PROFILE, {"spark", "deltalake"}),
    table_spec(GATE_OVERRIDES),
    *MODEL_REVIEWS,
    *TURNAROUND,
]
