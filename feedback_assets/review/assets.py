"""Review's assets."""

from __future__ import annotations

from feedback_assets.contracts.tables import REVIEW_DECISIONS
from feedback_assets.pipeline.assets import contract_check, step_asset, table_spec
from feedback_assets.review.validation_step import VALIDATION

ASSETS = [table_spec(REVIEW_DECISIONS), step_asset(VALIDATION, {"spark", "deltalake"})]
CHECKS = [contract_check(VALIDATION)]
