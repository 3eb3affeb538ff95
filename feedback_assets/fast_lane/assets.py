"""The fast lane's asset: what it takes."""

from __future__ import annotations

from feedback_assets.fast_lane.screen_step import SCREEN
from feedback_assets.pipeline.assets import contract_check, step_asset

ASSETS = [step_asset(SCREEN, {"spark", "deltalake", "scikitlearn"}, ["triage_classifier"])]
CHECKS = [contract_check(SCREEN)]
