"""The fast lane's sensor, and what it asks of the batch's.

Belongs here: when a run of the fast lane starts, and for how long the batch waits for it. Does not
belong here: which files it looks at (recent_files.py) and which items are urgent (fast_lane/).

A file is taken note of within `INTERVAL` of having been left alone for `SETTLED_AFTER`, which
together stay under a minute, and before the batch's sensor would start its run.
"""

import datetime as dt
from collections.abc import Iterable

import dagster as dg

from feedback_assets.contracts.partitions import Partition
from feedback_assets.orchestration.arrivals import Arrivals
from feedback_assets.orchestration.backlog import Backlog
from feedback_assets.orchestration.jobs import fast_lane
from feedback_assets.orchestration.recent_files import recent_files
from feedback_assets.orchestration.requests import UNFINISHED
from feedback_assets.pipeline.assets import is_open
from feedback_assets.pipeline.compute import ComputeParam
from feedback_assets.pipeline.lanes import LANE_TAG, under_way
from resources.lakehouse.opening import open_lakehouse

PARTITION_TAG = "dagster/partition"
INTERVAL = dt.timedelta(seconds=15)
SETTLED_AFTER = dt.timedelta(seconds=10)
TRY_AGAIN_AFTER = dt.timedelta(seconds=60)
TRY_AGAIN_FOR = dt.timedelta(hours=1)
"""What a run died on is tried again for so long; the batch has had it meanwhile."""


@dg.sensor(
    job=fast_lane,
    minimum_interval_seconds=int(INTERVAL.total_seconds()),
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Starts a run of the fast lane for each partition with new files.",
)
def urgent_feedback(
    context: dg.SensorEvaluationContext, compute: ComputeParam
) -> dg.SensorResult | dg.SkipReason:
    """A run a partition with new files, or with items that an earlier run left half done."""
    settings, now = compute.settings, dt.datetime.now(dt.UTC)
    lakehouse = open_lakehouse(settings)
    files = recent_files(settings, lakehouse, now.date())
    arrivals = Arrivals.from_cursor(context.cursor)
    due = arrivals.update(files, now, SETTLED_AFTER)
    backlog = Backlog(settings, files)
    new = {p for p in due if is_open(p, now.date()) and not backlog.is_done(p)}
    left = {
        partition
        for partition, items in under_way(lakehouse).items()
        if any(now - item.at < TRY_AGAIN_FOR for item in items)
    }
    busy = with_runs(context.instance, new | left) if new | left else set()
    # Asked for once the run that is under way has ended: it may have listed the files already.
    arrivals.ask_again(new & busy)
    requests = [_request(partition, due[partition]) for partition in sorted(new - busy)]
    for partition in sorted(left - busy - new):
        last = _last_run(context.instance, partition)
        ended = last.end_time if last is not None else None
        if last is None or (ended and now.timestamp() - ended > TRY_AGAIN_AFTER.total_seconds()):
            requests.append(_request(partition, f"after {last.dagster_run.run_id if last else ''}"))
    if not requests:
        context.update_cursor(arrivals.cursor())
        return dg.SkipReason("no new file, and nothing left half done")
    return dg.SensorResult(run_requests=requests, cursor=arrivals.cursor())


def with_runs(instance: dg.DagsterInstance, partitions: Iterable[Partition]) -> set[Partition]:
    """Those of `partitions` that a run of the fast lane waits for or works on."""
    runs = instance.get_runs(dg.RunsFilter(tags={LANE_TAG: "fast"}, statuses=UNFINISHED))
    keys = {run.tags.get(PARTITION_TAG) for run in runs}
    return {partition for partition in partitions if partition.key in keys}


def _request(partition: Partition, mark: str) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=f"fast {partition.key}@{mark}",
        partition_key=dg.MultiPartitionKey(
            {"day": partition.day.isoformat(), "source": partition.source}
        ),
    )


def _last_run(instance: dg.DagsterInstance, partition: Partition) -> dg.RunRecord | None:
    tags = {LANE_TAG: "fast", PARTITION_TAG: partition.key}
    records = instance.get_run_records(dg.RunsFilter(tags=tags), limit=1)
    return records[0] if records else None
