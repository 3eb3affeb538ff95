"""Review's assets."""

from __future__ import annotations

import dagster as dg

from feedback_assets.pipeline.assets import OWNERS, contract_check, step_asset
from feedback_assets.review.validation_step import VALIDATION

review_decisions = dg.AssetSpec(
    "review_decisions",
    group_name="review",
    description="What people decided, one row a decision; written by reviewers.",
    kinds={"deltalake"},
    owners=OWNERS,
)
ASSETS = [review_decisions, step_asset(VALIDATION, {"spark", "deltalake"})]
CHECKS = [contract_check(VALIDATION)]
