"""Everything Dagster loads. Assembly only.

Belongs here: `build_defs` and `defs`. Does not belong here: anything that does something.
"""

from __future__ import annotations

import dagster as dg

import feedback_assets.bronze.assets as bronze
import feedback_assets.fast_lane.assets as fast_lane
import feedback_assets.gold.assets as gold
import feedback_assets.insights.assets as insights
import feedback_assets.quality.assets as quality
import feedback_assets.review.assets as review
import feedback_assets.silver.assets as silver
import feedback_assets.tickets.assets as tickets
import feedback_assets.triage.assets as triage
from feedback_assets.orchestration import gate_jobs, jobs, model_triggers, sensors, watching
from feedback_assets.orchestration.automation import automated, tickets_follow
from feedback_assets.orchestration.backfills import in_runs_of
from feedback_assets.pipeline.compute import Compute

ROOMS = (bronze, silver, gold, quality, triage, review, tickets, insights)


def build_defs(compute: Compute | None = None) -> dg.Definitions:
    """The definitions, run by `compute` or by what settings describe."""
    compute = compute or Compute()
    made = [*fast_lane.ASSETS, *(asset for room in ROOMS for asset in room.ASSETS)]
    assets = automated(made, compute)
    return dg.Definitions(
        assets=in_runs_of(assets, compute.settings.partitions_per_run),
        asset_checks=[*fast_lane.CHECKS, *(check for room in ROOMS for check in room.CHECKS)],
        jobs=[*jobs.JOBS, *model_triggers.JOBS, *watching.JOBS, *gate_jobs.GATE_JOBS],
        schedules=[*model_triggers.SCHEDULES, *watching.SCHEDULES],
        sensors=[*sensors.SENSORS, *model_triggers.SENSORS, tickets_follow],
        resources={"compute": compute},
        executor=dg.in_process_executor,
    )


defs = build_defs()
