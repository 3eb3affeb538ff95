"""Triage's assets: clusters, then lanes."""

from __future__ import annotations

from feedback_assets.pipeline.assets import contract_check, step_asset
from feedback_assets.triage.cluster_step import CLUSTERS
from feedback_assets.triage.triage_step import TRIAGE_STEP

ASSETS = [
    # A complaint joins what other partitions know of, so writers take turns.
    step_asset(CLUSTERS, {"spark", "deltalake"}, pool="feedback_clusters"),
    step_asset(TRIAGE_STEP, {"spark", "deltalake"}),
]
CHECKS = [contract_check(CLUSTERS), contract_check(TRIAGE_STEP)]
