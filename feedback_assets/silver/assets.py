"""Silver's assets."""

from __future__ import annotations

from feedback_assets.pipeline.assets import contract_check, step_asset
from feedback_assets.silver.silver_step import SILVER

ASSETS = [
    # Redeliveries are told by what other partitions hold, so writers take turns. In the fast lane
    # it waits for what that lane takes.
    step_asset(SILVER, {"spark", "deltalake"}, deps=["urgent_items"], pool="silver_feedback")
]
CHECKS = [contract_check(SILVER)]
