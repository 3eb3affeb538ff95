"""What starts training: models flagged for it, and what people have decided since the last time.

Belongs here: the sensor and its cursor, and when models are looked at. Does not belong here: what
flags a model (the quality room) and training (gold).

A prompt can't be written by a sensor: a review with the remedy `re_prompt` says itself which file
to write and how to judge it.
"""

import datetime as dt
import hashlib
import json
from dataclasses import dataclass

import dagster as dg

from feedback_assets.contracts.quality_rules import BUILT_IN, read_quality_rules
from feedback_assets.contracts.tables import REVIEW_DECISIONS
from feedback_assets.orchestration.jobs import train_classifier
from feedback_assets.orchestration.requests import UNFINISHED
from feedback_assets.pipeline.compute import ComputeParam
from feedback_assets.pipeline.open_reviews import open_reviews
from resources.lakehouse.base import Lakehouse
from resources.lakehouse.opening import open_lakehouse

TRIGGERED_BY = "feedback/triggered_by"
"""The run tag that says why a training was started."""
TRAINED = dg.AssetKey("triage_classifier")

review_models = dg.define_asset_job(
    "review_models",
    selection=dg.AssetSelection.assets("model_reviews"),
    description="Look at what people override, at confidence and at words; open model reviews.",
    executor_def=dg.in_process_executor,
)
daily_model_reviews = dg.ScheduleDefinition(
    name="daily_model_reviews",
    job=review_models,
    cron_schedule="0 5 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Looks every morning whether a model is to be reviewed.",
)


@dataclass(frozen=True)
class Training:
    """When the model in force was trained last (None: not on this instance), and its version."""

    at: dt.datetime | None
    version: str


@dg.sensor(
    job=train_classifier,
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Trains again when a model review calls for it, or people have decided enough.",
)
def retrain_on_reviews(
    context: dg.SensorEvaluationContext, compute: ComputeParam
) -> dg.SensorResult | dg.SkipReason:
    """One run for all causes that came up since the last look, tagged with them."""
    settings = compute.settings
    lakehouse = open_lakehouse(settings)
    rules = read_quality_rules(settings.quality_rules or BUILT_IN)
    enough = rules.human.retrain_after_decisions
    training = _last_training(context.instance)
    causes = _flagged(lakehouse, training) | _decided(lakehouse, training, enough)
    seen = set(json.loads(context.cursor or "[]"))
    new = {key: told for key, told in causes.items() if key not in seen}
    if not new:
        # What is over is forgotten, so that the cursor does not grow.
        context.update_cursor(json.dumps(sorted(causes)))
        return dg.SkipReason("no review calls for training, and people have decided too little")
    going = dg.RunsFilter(job_name=train_classifier.name, statuses=UNFINISHED)
    if context.instance.get_runs(going, limit=1):
        return dg.SkipReason("a training is under way; what calls for another is kept in mind")
    request = dg.RunRequest(
        run_key=hashlib.sha256("\n".join(sorted(new)).encode()).hexdigest()[:16],
        tags={TRIGGERED_BY: "; ".join(new.values())},
    )
    return dg.SensorResult(run_requests=[request], cursor=json.dumps(sorted(causes)))


def _last_training(instance: dg.DagsterInstance) -> Training:
    event = instance.get_latest_materialization_event(TRAINED)
    if event is None or event.asset_materialization is None:
        return Training(None, "")
    version = event.asset_materialization.metadata.get("version")
    at = dt.datetime.fromtimestamp(event.timestamp, dt.UTC)
    return Training(at, str(version.value) if version is not None else "the last training")


def _flagged(lakehouse: Lakehouse, training: Training) -> dict[str, str]:
    """Reviews that call for training and were opened since the last one, by key."""
    return {
        f"{review.review_id}@{review.opened_at.isoformat()}": f"{review.about} ({review.review_id})"
        for review in open_reviews(lakehouse)
        if review.remedy == "retrain" and (training.at is None or review.opened_at > training.at)
    }


def _decided(lakehouse: Lakehouse, training: Training, enough: int) -> dict[str, str]:
    """That people have decided `enough` items since the last training; once more for each as many.

    A training that failed is therefore not started again and again.
    """
    if not lakehouse.exists(REVIEW_DECISIONS.name):
        return {}
    since = None
    if training.at is not None:
        since = f"decided_at > '{training.at:%Y-%m-%dT%H:%M:%S.%f}Z'"
    batches = lakehouse.scan(REVIEW_DECISIONS.name, ["feedback_id"], since)
    items: set[str] = set()
    for batch in batches:
        items.update(batch.column("feedback_id").to_pylist())
    times = len(items) // enough
    if not times:
        return {}
    key = f"decisions@{training.at.isoformat() if training.at else 'never'}#{times}"
    when = f"since {training.version} was trained" if training.at else "and no training on record"
    return {key: f"{len(items)} items decided {when}"}


JOBS = [review_models]
SCHEDULES = [daily_model_reviews]
SENSORS = [retrain_on_reviews]
