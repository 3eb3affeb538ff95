"""Sensors that tell people: each sends one message a tick, and tells nothing twice.

Belongs here: Dagster's sensors, and what was told to whom. Does not belong here: what is worth a
message (alerts.py), its words (alert_text.py), and delivery (resources/notifier).

What a channel took is written down at once; what it did not take is sent at the next tick. A
process that dies between the two sends a message again.
"""

import datetime as dt
from collections.abc import Callable, Mapping

import dagster as dg
import pyarrow as pa

from feedback_assets.contracts.monitoring import NOTIFICATIONS
from feedback_assets.contracts.quality_rules import BUILT_IN, read_quality_rules
from feedback_assets.orchestration.alert_text import (
    deadline_message,
    gate_message,
    review_message,
    run_message,
)
from feedback_assets.orchestration.alerts import (
    failed_gates,
    failed_runs,
    missed_deadlines,
    new_reviews,
    review_key,
)
from feedback_assets.pipeline.compute import Compute, ComputeParam
from resources.lakehouse.base import Lakehouse
from resources.lakehouse.opening import open_lakehouse
from resources.notifier import SETTINGS, open_notifiers
from resources.notifier.base import Message, NotDelivered

LOOKS_BACK = dt.timedelta(days=2)

Find = Callable[[Lakehouse, dt.datetime], Mapping[str, object]]
"""What came up since a moment, by the key it is told under."""
Word = Callable[[list, str, dt.datetime], Message]  # type: ignore[type-arg]


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Tells of partitions that failed checks keep from tickets.",
)
def tell_failed_gates(context: dg.SensorEvaluationContext, compute: ComputeParam) -> dg.SkipReason:
    """One message on verdicts that failed in the last two days and nobody overrode."""
    return _tell(
        context,
        compute,
        lambda lakehouse, since: {gate.key: gate for gate in failed_gates(lakehouse, since)},
        gate_message,
    )


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Tells of runs that failed, but for those that only a failed check stopped.",
)
def tell_failed_runs(context: dg.SensorEvaluationContext, compute: ComputeParam) -> dg.SkipReason:
    """One message on runs that failed in the last two days."""
    return _tell(
        context,
        compute,
        lambda _, since: {run.key: run for run in failed_runs(context.instance, since)},
        run_message,
    )


@dg.sensor(
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Tells of items that are past a deadline: insight, decision, ticket.",
)
def tell_missed_deadlines(
    context: dg.SensorEvaluationContext, compute: ComputeParam
) -> dg.SkipReason:
    """One message on what was late when `turnaround` last looked, in the last two days."""
    rules = read_quality_rules(compute.settings.quality_rules or BUILT_IN)
    return _tell(
        context,
        compute,
        lambda lakehouse, since: {
            missed.key: missed for missed in missed_deadlines(lakehouse, rules.deadlines, since)
        },
        deadline_message,
    )


@dg.sensor(
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Tells of model reviews that were opened.",
)
def tell_opened_reviews(
    context: dg.SensorEvaluationContext, compute: ComputeParam
) -> dg.SkipReason:
    """One message on reviews that were opened in the last two days and are open."""
    return _tell(
        context,
        compute,
        lambda lakehouse, since: {
            review_key(review): review for review in new_reviews(lakehouse, since)
        },
        review_message,
    )


def _tell(
    context: dg.SensorEvaluationContext, compute: Compute, find: Find, word: Word
) -> dg.SkipReason:
    """Send what no channel lacks; say what was done. Raises `NotDelivered` once all were tried."""
    settings = compute.settings
    channels = open_notifiers(settings)
    if not channels:
        return dg.SkipReason(f"nobody to tell: set {' or '.join(SETTINGS)}, or both")
    lakehouse = open_lakehouse(settings)
    now = dt.datetime.now(dt.UTC)
    found = find(lakehouse, now - LOOKS_BACK)
    if not found:
        return dg.SkipReason("nothing to tell")
    told = _told(lakehouse)
    sent: list[str] = []
    troubles: list[str] = []
    for channel in channels:
        new = {key: one for key, one in found.items() if (key, channel.name) not in told}
        if not new:
            continue
        message = word(list(new.values()), settings.dagster_url.rstrip("/"), now)
        try:
            channel.send(message)
        except NotDelivered as trouble:
            troubles.append(str(trouble))
            continue
        _record(lakehouse, list(new), message, channel.name)
        sent.append(f"{channel.name}: {message.title}")
    if troubles:
        raise NotDelivered(f"{'; '.join(troubles)}. It is sent again at the next tick")
    return dg.SkipReason(f"sent to {'; '.join(sent)}" if sent else "all of it was told before")


def _told(lakehouse: Lakehouse) -> set[tuple[str, str]]:
    """What was told, by key and channel."""
    if not lakehouse.exists(NOTIFICATIONS.name):
        return set()
    rows = lakehouse.scan(NOTIFICATIONS.name, ["notification_key", "channels"])
    return {
        (row["notification_key"], channel)
        for row in rows.read_all().to_pylist()
        for channel in row["channels"]
    }


def _record(lakehouse: Lakehouse, keys: list[str], message: Message, channel: str) -> None:
    rows = [
        {
            "notification_key": key,
            "kind": message.kind,
            "title": message.title,
            "channels": [channel],
            "sent_at": dt.datetime.now(dt.UTC),
        }
        for key in keys
    ]
    lakehouse.append(NOTIFICATIONS, [pa.RecordBatch.from_pylist(rows, schema=NOTIFICATIONS.schema)])


SENSORS = [tell_failed_gates, tell_failed_runs, tell_missed_deadlines, tell_opened_reviews]
