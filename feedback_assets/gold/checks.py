"""Gold's checks beside the contracts: the configuration in force, held to the golden set.

Belongs here: the checks as Dagster has them. Does not belong here: judging (golden_judging.py,
evaluation/).
"""

import dagster as dg

from feedback_assets.gold.golden_judging import GOLDEN_SET
from feedback_assets.gold.routines import GATES, JUDGE_GATES
from feedback_assets.pipeline.assets import check_result, judging_checks
from feedback_assets.pipeline.compute import ComputeParam


@dg.asset_check(
    asset="golden_evaluation",
    name=GATES,
    description="No measure of the configuration in force is below its floor in "
    "golden_set/gates.yaml, or worse than the configuration before by more than the interval "
    "allows.",
    blocking=True,
)
def golden_set_gates(
    context: dg.AssetCheckExecutionContext, compute: ComputeParam
) -> dg.AssetCheckResult:
    """The verdict on the configuration in force."""
    report = compute.do(JUDGE_GATES, context.op_execution_context)
    return check_result(GATES, report.checks[GATES])


CHECKS = [golden_set_gates, judging_checks(GOLDEN_SET)]
