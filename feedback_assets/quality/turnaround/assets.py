"""The asset `turnaround`, and the check of its deadlines."""

from collections.abc import Iterator

import dagster as dg

from feedback_assets.pipeline.assets import OWNERS, ComputeParam
from feedback_assets.quality.turnaround.watching import Watched, as_markdown, watch

DEADLINES = dg.AssetCheckSpec(
    name="deadlines",
    asset="turnaround",
    description="No item waits longer for its insight, its decision or its ticket than deadlines "
    "in contracts/quality_rules.yaml say. Closes no gate.",
    blocking=False,
)


@dg.asset(
    group_name="quality",
    kinds={"spark", "deltalake"},
    owners=OWNERS,
    deps=["bronze_feedback", "insights_daily", "review_decisions", "tickets"],
    check_specs=[DEADLINES],
    description="Hours from receipt to insight, decision and ticket, and the age of what waits.",
)
def turnaround(
    context: dg.AssetExecutionContext, compute: ComputeParam
) -> Iterator[dg.MaterializeResult[None]]:
    """Look at every item's way, record each partition's figures, and hold them to deadlines."""
    watched = watch(compute.runtime(context.run.run_id))
    yield dg.MaterializeResult(
        metadata={
            **watched.figures,
            "partitions_recorded": watched.recorded,
            "overdue": dg.MetadataValue.md(as_markdown(watched.overdue)),
        },
        check_results=[judged(watched)],
    )


def judged(watched: Watched) -> dg.AssetCheckResult:
    """A warning where a warning's hours passed, an error where a deadline did."""
    late, figures = watched.state == "late", watched.figures
    return dg.AssetCheckResult(
        check_name=DEADLINES.name,
        passed=watched.state == "kept",
        severity=dg.AssetCheckSeverity.ERROR if late else dg.AssetCheckSeverity.WARN,
        description=watched.message,
        metadata={
            **{name: figures[name] for name in figures if name.startswith(("late_", "soon_"))},
            "oldest_undecided_hours": figures["oldest_undecided_hours"],
            "overdue": dg.MetadataValue.md(as_markdown(watched.overdue)),
        },
    )


ASSETS = [turnaround]
