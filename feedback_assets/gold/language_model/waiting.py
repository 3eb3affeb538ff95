"""The deadline ladder: how an item in doubt gets its answer in time.

Belongs here: which rung an item stands on. Does not belong here: asking and batches.

Bulk items wait for the batch service; what is urgent, or has waited too long, is asked
directly; what is still without an answer near the end of the promise is a person's.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

from feedback_assets.pipeline.model_plan import ModelPlan

Rung = Literal["batch", "wait", "direct", "people"]


def rung(
    plan: ModelPlan,
    now: dt.datetime,
    received_at: dt.datetime | None,
    outcome: str | None,
    urgent: bool,
) -> Rung:
    """What happens next to an item that has no answer yet.

    `outcome` is how its last attempt ended, None when it was never sent: an item is sent once
    whatever its age, so that a backfill of old feedback is read too.
    """
    hours = 0.0 if received_at is None else (now - received_at).total_seconds() / 3600
    if outcome is not None and hours > plan.ladder.people_after:
        return "people"
    if outcome == "submitted":
        return "wait" if hours <= plan.ladder.direct_after else "direct"
    waits = plan.mode == "batch" and plan.batch is not None and not urgent
    if waits and outcome is None and hours <= plan.ladder.direct_after:
        return "batch"
    return "direct"
