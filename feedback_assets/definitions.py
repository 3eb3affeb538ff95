"""Everything Dagster loads. Assembly only.

Belongs here: `build_defs` and `defs`. Does not belong here: anything that does something.
"""

from __future__ import annotations

import dagster as dg

import feedback_assets.bronze.assets as bronze
import feedback_assets.gold.assets as gold
import feedback_assets.insights.assets as insights
import feedback_assets.review.assets as review
import feedback_assets.silver.assets as silver
import feedback_assets.tickets.assets as tickets
import feedback_assets.triage.assets as triage
from feedback_assets.orchestration.jobs import JOBS
from feedback_assets.orchestration.sensors import SENSORS
from feedback_assets.pipeline.assets import Compute

ROOMS = (bronze, silver, gold, triage, review, tickets, insights)


def build_defs(**overrides: object) -> dg.Definitions:
    """The definitions, with resources of your own by name (``compute=...``)."""
    return dg.Definitions(
        assets=[asset for room in ROOMS for asset in room.ASSETS],
        asset_checks=[check for room in ROOMS for check in room.CHECKS],
        jobs=JOBS,
        sensors=SENSORS,
        resources={"compute": Compute(), **overrides},
        executor=dg.in_process_executor,
    )


defs = build_defs()
