"""Gold's checks beside the contracts: the configuration in force, held to the golden set.

Belongs here: the checks as Dagster has them, and the verdict on partitions. Does not belong
here: judging (evaluation/).
"""

from collections.abc import Mapping, Sequence

import dagster as dg

from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.tables import VALIDATED_FEEDBACK
from feedback_assets.gold.evaluation.contenders import in_force
from feedback_assets.gold.evaluation.verdict import broken_gates
from feedback_assets.pipeline.assets import ComputeParam, partition_check
from feedback_assets.pipeline.gate import GOLDEN_SET_CHECK
from feedback_assets.pipeline.judgement import Finding, write_verdicts
from feedback_assets.pipeline.runtime import Runtime


@dg.asset_check(
    asset="golden_evaluation",
    name="golden_set_gates",
    description="No measure of the configuration in force is below its floor in "
    "golden_set/gates.yaml, or worse than the configuration before by more than the interval "
    "allows.",
    blocking=True,
)
def golden_set_gates(
    context: dg.AssetCheckExecutionContext, compute: ComputeParam
) -> dg.AssetCheckResult:
    """The verdict on the configuration in force."""
    found = judged(compute.runtime(context.op_execution_context.run_id))
    return dg.AssetCheckResult(
        passed=found.passed, description=found.told, metadata={"broken_gates": found.broken}
    )


def judged(runtime: Runtime) -> Finding:
    """What the golden set says of the configuration in force."""
    configuration = in_force(runtime).configuration_hash
    finding = Finding(value=0.0, threshold=0.0, good=f"{configuration} breaks no gate")
    broken = broken_gates(runtime.lakehouse, configuration)
    if broken is None:
        finding.report(
            f"{configuration} was never judged on the golden set: materialize golden_evaluation"
        )
    elif broken:
        finding.value = float(len(broken))
        finding.report(
            f"{configuration} breaks {len(broken)} gates of golden_set/gates.yaml: "
            + "; ".join(broken[:3])
            + "; see the report of golden_evaluation",
            len(broken),
        )
    return finding


def judge_partitions(
    runtime: Runtime, partitions: Sequence[Partition]
) -> Mapping[Partition, Finding]:
    """The same verdict for every partition: what decided them is not good enough, or it is."""
    told = dict.fromkeys(partitions, judged(runtime))
    named = {GOLDEN_SET_CHECK: told}
    write_verdicts(runtime.lakehouse, VALIDATED_FEEDBACK, named, runtime.run_id)
    return told


golden_set = partition_check(
    VALIDATED_FEEDBACK,
    GOLDEN_SET_CHECK,
    "What decided these items holds against the golden set. Tickets open only where it passed.",
    judge_partitions,
    deps=["golden_evaluation"],
)

CHECKS = [golden_set_gates, golden_set]
