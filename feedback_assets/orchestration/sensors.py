"""Sensors: what starts runs.

Belongs here: Dagster's sensors and their cursors. Does not belong here: listing files
(resources/landing.py) and what a run does.
"""

import datetime as dt

import dagster as dg

from feedback_assets.contracts.partitions import SOURCES
from feedback_assets.orchestration.arrivals import Arrivals
from feedback_assets.orchestration.backlog import Backlog
from feedback_assets.orchestration.jobs import feedback_to_tickets
from feedback_assets.pipeline.assets import FIRST_DAY, ComputeParam, is_open
from resources.landing.zone import LandingZone

SETTLED_AFTER = dt.timedelta(seconds=30)


@dg.sensor(
    job=feedback_to_tickets,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Starts a run for each partition whose landing files are new or have changed.",
)
def new_landing_files(
    context: dg.SensorEvaluationContext, compute: ComputeParam
) -> dg.SensorResult | dg.SkipReason:
    """A run a partition with files that are new, changed, and no longer being written."""
    files = list(LandingZone(compute.settings.landing_root).walk(SOURCES))
    arrivals = Arrivals.from_cursor(context.cursor)
    now = dt.datetime.now(dt.UTC)
    due = arrivals.update(files, now, SETTLED_AFTER)
    backlog = Backlog(compute.settings, files)
    today = now.date()
    runnable = [p for p in due if is_open(p, today) and not backlog.is_done(p)]
    for partition in sorted(p for p in due if not is_open(p, today)):
        context.log.warning(
            f"{partition.key}: outside of {FIRST_DAY} to {today}, no run was started"
        )
    requests = [
        dg.RunRequest(
            run_key=f"{partition.key}@{due[partition]}",
            partition_key=dg.MultiPartitionKey(
                {"day": partition.day.isoformat(), "source": partition.source}
            ),
        )
        for partition in sorted(runnable)
    ]
    if not requests:
        context.update_cursor(arrivals.cursor())
        return dg.SkipReason("no landing file is new or has changed")
    return dg.SensorResult(run_requests=requests, cursor=arrivals.cursor())


SENSORS = [new_landing_files]
