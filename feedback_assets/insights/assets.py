"""Insights' assets."""

from __future__ import annotations

from feedback_assets.insights.insights_step import INSIGHTS
from feedback_assets.pipeline.assets import contract_check, step_asset

ASSETS = [step_asset(INSIGHTS, {"spark", "deltalake"})]
CHECKS = [contract_check(INSIGHTS)]
