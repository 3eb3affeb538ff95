"""When turnaround is looked at.

Belongs here: the job and its schedule. Does not belong here: looking (the quality room).
"""

from __future__ import annotations

import dagster as dg

watch_turnaround = dg.define_asset_job(
    "watch_turnaround",
    selection=dg.AssetSelection.assets("turnaround"),
    description="Hours from receipt to insight, decision and ticket, held to the deadlines.",
    executor_def=dg.in_process_executor,
)
hourly_turnaround = dg.ScheduleDefinition(
    name="hourly_turnaround",
    job=watch_turnaround,
    cron_schedule="15 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Looks every hour at what is late.",
)

JOBS = [watch_turnaround]
SCHEDULES = [hourly_turnaround]
