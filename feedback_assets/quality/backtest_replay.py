"""The history as it was: what each drift check says of each past partition.

Belongs here: replaying profiles in order. Does not belong here: judging (drift_judging.py) and
drawn data (backtest.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.quality_rules import LEVEL_CHECKS, MIX_CHECKS, QualityRules
from feedback_assets.quality.drift_judging import judge_level, judge_mix, judge_sources
from feedback_assets.quality.reference import Profiles

NO_PROFILE = "no profile"


def replay(
    partitions: Sequence[Partition], recorded: Profiles, rules: QualityRules
) -> dict[str, Counter[str]]:
    """By check, how many partitions got which verdict (`GATE_STATES`, or `NO_PROFILE`).

    As in production, a day that fails is no reference of the days after it, unless an operator
    declared it the new normal. Verdicts on record play no part: the rules may have changed since.
    """
    profiles = replace(recorded, failed=set())
    said: dict[str, Counter[str]] = {check: Counter() for check in (*MIX_CHECKS, *LEVEL_CHECKS)}
    for partition in sorted(partitions):
        profile = profiles.by_partition.get(partition)
        if profile is None:
            for states in said.values():
                states[NO_PROFILE] += 1
            continue
        reference = profiles.reference(partition, rules.reference)
        findings = {
            check: (
                judge_sources(check, mix, partition, profiles, rules)
                if mix.across_sources
                else judge_mix(check, mix, partition, profile, reference, rules)
            )
            for check, mix in rules.mixes.items()
        }
        for check, level in rules.levels.items():
            findings[check] = judge_level(check, level, partition, profile, reference, rules)
        for check, finding in findings.items():
            said[check][finding.state] += 1
        failed = any(finding.state == "failed" for finding in findings.values())
        if failed and not profiles.is_new_normal(partition):
            profiles.failed.add(partition)
    return said
