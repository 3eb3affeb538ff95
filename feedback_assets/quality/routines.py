"""The quality room's work on no partition: looking at models, and at what is late.

Belongs here: routines and what they report. Does not belong here: looking (model_reviews/,
turnaround/), and how Dagster shows it (assets.py).
"""

from __future__ import annotations

import datetime as dt

from feedback_assets.contracts.monitoring import MODEL_REVIEWS
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.pipeline.work import CheckReport, Routine, RoutineReport
from feedback_assets.quality.model_reviews.looking import as_markdown, review_models
from feedback_assets.quality.turnaround.watching import Watched, watch
from feedback_assets.quality.turnaround.watching import as_markdown as overdue_table

DEADLINES = "deadlines"
"""The check whether no item waits longer than the rules' deadlines."""
STATES = {"late": "failed", "soon": "warned", "kept": "passed"}


def look_at_models(runtime: Runtime) -> RoutineReport:
    """Look at what people override, at confidence and at words; open and update reviews."""
    looked = review_models(runtime, dt.datetime.now(dt.UTC))
    return RoutineReport(
        figures={
            "open": len(looked.open),
            "opened": len(looked.opened),
            "updated": len(looked.updated),
        },
        markdown={"open_reviews": as_markdown(looked.open)},
    )


def watch_turnaround(runtime: Runtime) -> RoutineReport:
    """Look at every item's way, record each partition's figures, and hold them to deadlines."""
    watched = watch(runtime)
    return RoutineReport(
        figures={**watched.figures, "partitions_recorded": watched.recorded},
        markdown={"overdue": overdue_table(watched.overdue)},
        checks={DEADLINES: judged(watched)},
    )


def judged(watched: Watched) -> CheckReport:
    """A warning where a warning's hours passed, a failure where a deadline did."""
    figures = watched.figures
    late = {name: figures[name] for name in figures if name.startswith(("late_", "soon_"))}
    return CheckReport(
        STATES[watched.state],
        watched.message,
        {**late, "oldest_undecided_hours": figures["oldest_undecided_hours"]},
        {"overdue": overdue_table(watched.overdue)},
    )


REVIEW_MODELS = Routine(MODEL_REVIEWS.name, look_at_models)
WATCH_TURNAROUND = Routine("turnaround", watch_turnaround)
ROUTINES = [REVIEW_MODELS, WATCH_TURNAROUND]
