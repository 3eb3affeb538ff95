"""Sensors: what starts runs.

Belongs here: Dagster's sensors and their cursors. Does not belong here: listing files
(resources/landing.py) and what a run does.
"""

import datetime as dt

import dagster as dg

from feedback_assets.contracts.partitions import SOURCES, Partition
from feedback_assets.orchestration import alert_sensors
from feedback_assets.orchestration.arrivals import Arrivals
from feedback_assets.orchestration.backlog import Backlog
from feedback_assets.orchestration.jobs import collect_batches, feedback_to_tickets
from feedback_assets.orchestration.requests import UNFINISHED, run_requests
from feedback_assets.orchestration.urgent_sensor import urgent_feedback, with_runs
from feedback_assets.pipeline.assets import FIRST_DAY, is_open
from feedback_assets.pipeline.compute import ComputeParam
from feedback_assets.pipeline.open_batches import open_batches
from resources.lakehouse.opening import open_lakehouse
from resources.landing.opening import open_landing

SETTLED_AFTER = dt.timedelta(seconds=30)
LONGEST_WAIT = dt.timedelta(minutes=5)
"""From a file's arrival, for a run of the fast lane on its partition to end."""


@dg.sensor(
    job=feedback_to_tickets,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Starts runs for the partitions whose landing files are new or have changed.",
)
def new_landing_files(
    context: dg.SensorEvaluationContext, compute: ComputeParam
) -> dg.SensorResult | dg.SkipReason:
    """Runs of the partitions with files that are new, changed, and no longer being written."""
    files = list(open_landing(compute.settings).walk(SOURCES))
    arrivals = Arrivals.from_cursor(context.cursor)
    now = dt.datetime.now(dt.UTC)
    due = arrivals.update(files, now, SETTLED_AFTER)
    backlog = Backlog(compute.settings, files)
    today = now.date()
    runnable = {p for p in due if is_open(p, today) and not backlog.is_done(p)}
    waiting = _for_the_fast_lane(context, runnable, arrivals, now)
    arrivals.ask_again(waiting)
    runnable -= waiting
    for partition in sorted(p for p in due if not is_open(p, today)):
        context.log.warning(
            f"{partition.key}: outside of {FIRST_DAY} to {today}, no run was started"
        )
    requests = run_requests({p: due[p] for p in runnable}, compute.settings.partitions_per_run)
    if not requests:
        context.update_cursor(arrivals.cursor())
        return dg.SkipReason("no landing file is new or has changed")
    return dg.SensorResult(run_requests=requests, cursor=arrivals.cursor())


def _for_the_fast_lane(
    context: dg.SensorEvaluationContext,
    partitions: set[Partition],
    arrivals: Arrivals,
    now: dt.datetime,
) -> set[Partition]:
    """Those of `partitions` whose run would get in the way of the fast lane's.

    For a while only: where files keep coming, the fast lane is always at work.
    """
    recent = {
        partition
        for partition in partitions
        if all(now - file.modified < LONGEST_WAIT for file in arrivals.news[partition])
    }
    return with_runs(context.instance, recent) if recent else set()


@dg.sensor(
    job=collect_batches,
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Asks after batches of the language model while any is open.",
)
def open_model_batches(
    context: dg.SensorEvaluationContext, compute: ComputeParam
) -> dg.RunRequest | dg.SkipReason:
    """A run that collects, one at a time, while batches are open."""
    waiting = open_batches(open_lakehouse(compute.settings))
    if not waiting:
        return dg.SkipReason("no batch of the language model is open")
    going = dg.RunsFilter(job_name=collect_batches.name, statuses=UNFINISHED)
    if context.instance.get_runs(going, limit=1):
        return dg.SkipReason("a run that collects is under way")
    return dg.RunRequest()


@dg.asset_sensor(
    asset_key=dg.AssetKey("model_batches"),
    job=feedback_to_tickets,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Runs the partitions whose batches have brought answers.",
)
def collected_answers(
    context: dg.SensorEvaluationContext, asset_event: dg.EventLogEntry, compute: ComputeParam
) -> list[dg.RunRequest] | dg.SkipReason:
    """Runs of the partitions that a collection names."""
    materialization = asset_event.asset_materialization
    assert materialization is not None
    named = materialization.metadata.get("partitions")
    keys = named.value if isinstance(named, dg.JsonMetadataValue) else []
    if not isinstance(keys, list) or not keys:
        return dg.SkipReason("the collection brought no answers")
    due = {Partition.parse(str(key)): asset_event.run_id for key in keys}
    return run_requests(due, compute.settings.partitions_per_run)


SENSORS = [
    new_landing_files,
    urgent_feedback,
    open_model_batches,
    collected_answers,
    *alert_sensors.SENSORS,
]
