"""Jobs: what runs together.

Belongs here: selections by asset and group name. Does not belong here: when they run
(sensors.py).
"""

from __future__ import annotations

import dagster as dg

from feedback_assets.pipeline.lanes import LANE_TAG

PATH_GROUPS = ("bronze", "silver", "gold", "quality", "triage", "review", "tickets", "insights")
BESIDE_THE_PATH = (
    "triage_classifier", "golden_evaluation", "rolling_evaluation", "model_batches",
    "model_reviews", "turnaround", "urgent_items",
)  # fmt: skip
"""Assets of those groups that are not of one partition, or are the fast lane's."""

# The whole path of a partition, in one process: each step process would cost seconds.
feedback_to_tickets = dg.define_asset_job(
    "feedback_to_tickets",
    selection=dg.AssetSelection.groups(*PATH_GROUPS) - dg.AssetSelection.assets(*BESIDE_THE_PATH),
    description="Landing files to tickets, for one partition or a range.",
    # By which a queue leaves room for the fast lane.
    tags={LANE_TAG: "batch"},
    executor_def=dg.in_process_executor,
)
# The same assets and checks, for a few items: what counts a whole partition waits for the batch.
fast_lane = dg.define_asset_job(
    "fast_lane",
    selection=(
        dg.AssetSelection.groups(*PATH_GROUPS)
        - dg.AssetSelection.assets(*BESIDE_THE_PATH, "insights_daily", "ticket_outcomes")
    )
    | dg.AssetSelection.assets("urgent_items"),
    description="Urgent new items to tickets, ahead of the batch, for one partition or a range.",
    tags={LANE_TAG: "fast", "dagster/priority": "10"},
    executor_def=dg.in_process_executor,
)
train_classifier = dg.define_asset_job(
    "train_classifier",
    selection=dg.AssetSelection.assets(
        "triage_classifier", "golden_evaluation", "rolling_evaluation"
    ),
    description="Train the cheap model; judge all that decides on the golden set and on what "
    "people decided lately.",
    executor_def=dg.in_process_executor,
)
collect_batches = dg.define_asset_job(
    "collect_batches",
    selection=dg.AssetSelection.assets("model_batches"),
    description="Fetch the answers of batches that the language model's service has ended.",
    executor_def=dg.in_process_executor,
)
JOBS = [feedback_to_tickets, fast_lane, train_classifier, collect_batches]
