"""All checks of partitions' profiles, in one pass, with their verdicts.

Belongs here: which check judges what, and in which order. Does not belong here: how one judges
(drift_judging.py, plausible.py, source_fields.py, override_rate.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.quality_rules import (
    LEVEL_CHECKS,
    MIX_CHECKS,
    OVERRIDE_RATE,
    PLAUSIBILITY,
    PROFILE_CHECKS,
    SOURCE_FIELDS,
    QualityRules,
)
from feedback_assets.contracts.tables import GOLD_FEEDBACK
from feedback_assets.pipeline.gate import data_versions
from feedback_assets.pipeline.judgement import Finding, write_verdicts
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.quality.drift_judging import judge_level, judge_mix, judge_sources
from feedback_assets.quality.override_rate import override_findings
from feedback_assets.quality.plausible import judge_plausibility
from feedback_assets.quality.reference import DRIFT_CHECKS, Profile, Profiles, read_profiles
from feedback_assets.quality.source_fields import judge_fields

Found = dict[str, dict[Partition, Finding]]


def judge_profiles(
    runtime: Runtime, partitions: Sequence[Partition]
) -> Mapping[str, Mapping[Partition, Finding]]:
    """Judge `partitions` and write a verdict for each check and partition to `gate_status`.

    Days are judged in order: one that fails is not in the reference of those after it. The
    verdicts are about the rows of `gold_feedback` that the profile was made from.
    """
    lakehouse, rules = runtime.lakehouse, runtime.quality_rules
    current = data_versions(lakehouse, GOLD_FEEDBACK, partitions)
    profiles = read_profiles(lakehouse, partitions, rules.reference)
    overridden = override_findings(runtime, partitions)
    found: Found = {check: {} for check in PROFILE_CHECKS}
    for partition in sorted(partitions):
        profile = profiles.by_partition.get(partition)
        older = profile is not None and profile.version != current[partition]
        told = (
            _unprofiled(runtime, partition, older)
            if profile is None or older
            else _judge(partition, profile, profiles, rules)
        )
        told[OVERRIDE_RATE] = overridden[partition]
        failed = any(
            told[check].state == "failed" and (partition, check) not in profiles.let_pass
            for check in DRIFT_CHECKS
        )
        if failed and not profiles.is_new_normal(partition):
            profiles.failed.add(partition)
        else:
            profiles.failed.discard(partition)
        for check, finding in told.items():
            found[check][partition] = finding
    write_verdicts(lakehouse, GOLD_FEEDBACK, found, runtime.run_id, current)
    return found


def _judge(
    partition: Partition, profile: Profile, profiles: Profiles, rules: QualityRules
) -> dict[str, Finding]:
    reference = profiles.reference(partition, rules.reference)
    told = {
        PLAUSIBILITY: judge_plausibility(partition, profile, rules),
        SOURCE_FIELDS: judge_fields(partition, profile, reference, rules),
    }
    for check in MIX_CHECKS:
        mix = rules.mixes[check]
        told[check] = (
            judge_sources(check, mix, partition, profiles, rules)
            if mix.across_sources
            else judge_mix(check, mix, partition, profile, reference, rules)
        )
    for check in LEVEL_CHECKS:
        level = rules.levels[check]
        told[check] = judge_level(check, level, partition, profile, reference, rules)
    return told


def _unprofiled(runtime: Runtime, partition: Partition, older: bool) -> dict[str, Finding]:
    """Nothing to judge by: well where nothing came, else the profile must be made first."""
    rows = sum(
        int(file["num_records"])
        for file in runtime.lakehouse.files(GOLD_FEEDBACK.name)
        if Partition(file["day"], file["source"]) == partition
    )
    finding = Finding(rows=rows, too_little="no items")
    if older or rows:
        finding.report(
            f"{'the profile is older than' if older else 'there is no profile of'} the {rows} rows "
            "of gold_feedback: materialize feedback_profile on this partition"
        )
    return dict.fromkeys((PLAUSIBILITY, SOURCE_FIELDS, *MIX_CHECKS, *LEVEL_CHECKS), finding)
