"""The verdict of the golden set on partitions.

Belongs here: that what decided a partition's items is good enough. Does not belong here: judging
the configuration (routines.py, evaluation/).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.tables import VALIDATED_FEEDBACK
from feedback_assets.gold.routines import judged
from feedback_assets.pipeline.gate import GOLDEN_SET_CHECK
from feedback_assets.pipeline.judgement import Finding, write_verdicts
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.pipeline.work import judging


def judge_partitions(
    runtime: Runtime, partitions: Sequence[Partition]
) -> Mapping[Partition, Finding]:
    """The same verdict for every partition: what decided them is not good enough, or it is."""
    told = dict.fromkeys(partitions, judged(runtime))
    named = {GOLDEN_SET_CHECK: told}
    write_verdicts(runtime.lakehouse, VALIDATED_FEEDBACK, named, runtime.run_id)
    return told


GOLDEN_SET = judging(
    VALIDATED_FEEDBACK,
    GOLDEN_SET_CHECK,
    "What decided these items holds against the golden set. Tickets open only where it passed.",
    judge_partitions,
    deps=["golden_evaluation"],
)
