"""All work of the project by name, which is how a cluster is asked for it.

Belongs here: the list. Does not belong here: Dagster, which the cluster has not.
"""

from __future__ import annotations

from feedback_assets.bronze.landing_step import BRONZE
from feedback_assets.fast_lane.screen_step import SCREEN
from feedback_assets.gold import gold_steps
from feedback_assets.gold.golden_judging import GOLDEN_SET
from feedback_assets.gold.routines import ROUTINES as GOLD_ROUTINES
from feedback_assets.insights.insights_step import INSIGHTS
from feedback_assets.pipeline.work import Works, contract_judging
from feedback_assets.quality.profile_checks import DRIFT
from feedback_assets.quality.profile_step import PROFILE
from feedback_assets.quality.routines import ROUTINES as QUALITY_ROUTINES
from feedback_assets.review.validation_step import VALIDATION
from feedback_assets.silver.silver_step import SILVER
from feedback_assets.tickets.outcome_step import OUTCOMES
from feedback_assets.tickets.ticket_step import TICKETS_STEP
from feedback_assets.triage.cluster_step import CLUSTERS
from feedback_assets.triage.triage_step import TRIAGE_STEP

STEPS = (
    BRONZE,
    SCREEN,
    SILVER,
    *gold_steps.STEPS,
    PROFILE,
    CLUSTERS,
    TRIAGE_STEP,
    VALIDATION,
    TICKETS_STEP,
    OUTCOMES,
    INSIGHTS,
)
WORKS = Works(
    STEPS,
    [*(contract_judging(step) for step in STEPS), DRIFT, GOLDEN_SET],
    [*GOLD_ROUTINES, *QUALITY_ROUTINES],
)
