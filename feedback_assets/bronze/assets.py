"""Bronze's assets."""

from __future__ import annotations

import dagster as dg

from feedback_assets.bronze.landing_step import BRONZE
from feedback_assets.pipeline.assets import OWNERS, contract_check, step_asset

landing_files = dg.AssetSpec(
    "landing_files",
    group_name="bronze",
    description="Files as they land, <source>/<day>/*; written by others.",
    kinds={"file"},
    owners=OWNERS,
)
ASSETS = [landing_files, step_asset(BRONZE, {"spark", "deltalake"}, deps=["landing_files"])]
CHECKS = [contract_check(BRONZE)]
