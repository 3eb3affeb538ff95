"""Fields of the payload that came, went or changed their type upstream.

Belongs here: the check `source_fields`. Does not belong here: what a field means (connectors) and
the tables' own columns (the contract checks).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping

from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.quality_rules import SOURCE_FIELDS, QualityRules
from feedback_assets.pipeline.judgement import Finding
from feedback_assets.quality.moved import what_to_do
from feedback_assets.quality.reference import Profile, summed

NULL = "null"
Types = dict[str, int]


def judge_fields(
    partition: Partition,
    profile: Profile,
    reference: Mapping[dt.date, Profile],
    rules: QualityRules,
) -> Finding:
    """Names every usual field that is gone or of another type, and every new one.

    The value is the smallest share of payloads that bear a usual field in its usual type. A
    field that holds nothing counts as not borne.
    """
    now_of, before_of = profile.items("payloads"), 0
    with_payloads = [day for day in reference.values() if day.items("payloads")]
    before_of = sum(day.items("payloads") for day in with_payloads)
    if now_of < rules.least_items:
        return Finding(rows=now_of, too_little=f"{now_of} of {rules.least_items} items")
    if len(with_payloads) < rules.reference.least_days:
        wanted = rules.reference.least_days
        return Finding(rows=now_of, too_little=f"{len(with_payloads)} of {wanted} days before")
    if before_of < rules.reference.least_items:
        wanted = rules.reference.least_items
        return Finding(rows=now_of, too_little=f"{before_of} of {wanted} items in the days before")
    now = _by_name(profile.counts.get("field", {}))
    before = _by_name(summed(day.counts.get("field", {}) for day in with_payloads))
    finding = Finding(rows=now_of, value=1.0, threshold=rules.fields.gone_below)
    _judge_usual(finding, now, before, now_of, before_of, rules)
    _judge_new(finding, now, before, now_of, rules)
    usual = f"{len(before)} fields as on {len(with_payloads)} days before"
    finding.good = f"{usual}; each usual one is borne by at least {finding.value:.0%} of payloads"
    if finding.problems:
        listed = "\n".join(f"- {problem}" for problem in finding.problems)
        finding.shown = (
            f"**Fields of the payload changed upstream**\n\n{listed}\n\n"
            f"{what_to_do(partition, SOURCE_FIELDS)}"
        )
    return finding


def _by_name(counts: Mapping[str, int]) -> dict[str, Types]:
    fields: dict[str, Types] = defaultdict(dict)
    for key, items in counts.items():
        name, _, kind = key.rpartition(": ")
        fields[name][kind] = items
    return dict(fields)


def _judge_usual(
    finding: Finding,
    now: Mapping[str, Types],
    before: Mapping[str, Types],
    now_of: int,
    before_of: int,
    rules: QualityRules,
) -> None:
    fields = rules.fields
    for name, types in sorted(before.items()):
        usual = max((kind for kind in types if kind != NULL), key=lambda k: types[k], default=NULL)
        if usual == NULL or types[usual] / before_of < fields.usual_share:
            continue
        here = now.get(name, {})
        share = here.get(usual, 0) / now_of
        finding.value = min(finding.value or 0.0, share)
        if share >= fields.gone_below:
            continue
        other = max((kind for kind in here if kind not in (usual, NULL)),
                    key=lambda k: here[k], default=None)  # fmt: skip
        if other is not None and here[other] / now_of >= fields.gone_below:
            finding.report(
                f"field {name!r} was {usual} and is {other} in {here[other] / now_of:.0%} of "
                "payloads",
                action=fields.retyped,
            )
        else:
            finding.report(
                f"field {name!r} is gone: borne by {share:.0%} of payloads, "
                f"{types[usual] / before_of:.0%} before",
                action=fields.removed,
            )


def _judge_new(
    finding: Finding,
    now: Mapping[str, Types],
    before: Mapping[str, Types],
    now_of: int,
    rules: QualityRules,
) -> None:
    for name in sorted(now.keys() - before.keys()):
        borne = sum(items for kind, items in now[name].items() if kind != NULL)
        if borne / now_of >= 1 - rules.fields.usual_share:
            kinds = ", ".join(sorted(kind for kind in now[name] if kind != NULL))
            finding.report(
                f"field {name!r} is new ({kinds}): borne by {borne / now_of:.0%} of payloads",
                action=rules.fields.added,
            )
