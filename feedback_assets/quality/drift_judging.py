"""Drift: a partition's mixes and levels, held against those of its reference.

Belongs here: from profiles to findings. Does not belong here: the statistics (mix_rule.py,
levels.py), which days are compared (reference.py), and what no source sends in earnest
(plausible.py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np

from feedback_assets.contracts.partitions import SOURCES, Partition
from feedback_assets.contracts.quality_rules import Action, Level, Mix, QualityRules
from feedback_assets.pipeline.judgement import Finding
from feedback_assets.quality.levels import compare_levels
from feedback_assets.quality.mix_rule import mix_speaks
from feedback_assets.quality.moved import (
    as_table,
    in_words,
    moves,
    rising_words,
    what_to_do,
)
from feedback_assets.quality.reference import Counts, Profile, Profiles, summed, table_of

NAMES = {
    "category": "product areas", "sentiment": "tone", "severity": "severity",
    "language": "languages", "rating": "ratings", "text_length": "text lengths",
    "unknown_words": "words no model saw", "confidence": "confidence", "tier": "tiers",
    "answer": "usable answers", "content_filter": "content filter", "source": "sources",
    "volume": "items a day", "seconds_per_item": "seconds an item", "cost_per_item": "cost an item",
}  # fmt: skip
UNASKED = frozenset({"answer", "content_filter", "cost_per_item"})
"""Features that only a language model makes."""
TOLD_WITH_WORDS = ("drift_category", "drift_unknown_words")
"""Checks that name words in their one line; all others show them below it."""
MOST_CHANCE = 10.0
"""Cohen's w that chance explains, beyond which nothing could stand out."""
USUAL_SOURCE = 0.8
"""Share of the reference's days on which a source must have been there to be waited for."""


def judge_mix(
    check: str,
    rule: Mix,
    partition: Partition,
    profile: Profile,
    reference: Mapping[dt.date, Profile],
    rules: QualityRules,
) -> Finding:
    """One check of shares, of a source against its own days."""
    now = dict(profile.counts.get(rule.feature, {}))
    days = [dict(day.counts.get(rule.feature, {})) for day in reference.values()]
    if not now and rule.feature in UNASKED:
        return Finding(too_little="no language model was asked")
    if rule.by_class:
        return _judge_by_class(check, rule, partition, now, days, profile, reference, rules)
    if reason := _too_little(now, days, rules):
        return Finding(rows=sum(now.values()), too_little=reason)
    finding = _compared(rule, now, days, rules.chance(rule.action), NAMES[rule.feature])
    if finding.problems:
        _explain(finding, check, partition, profile, reference)
    return finding


def judge_sources(
    check: str, rule: Mix, partition: Partition, profiles: Profiles, rules: QualityRules
) -> Finding:
    """The mix of a day's sources against the days before; once all of the usual ones are there."""
    by_day: dict[dt.date, Counts] = {}
    first = partition.day - dt.timedelta(days=rules.reference.days)
    for other, profile in profiles.by_partition.items():
        if first <= other.day <= partition.day and (items := profile.items("volume")):
            by_day.setdefault(other.day, {})[other.source] = items
    now = by_day.pop(partition.day, {})
    days = list(by_day.values())
    if reason := _too_little(now, days, rules):
        return Finding(rows=sum(now.values()), too_little=reason)
    absent = [
        source
        for source in SOURCES
        if source not in now and sum(source in day for day in days) >= USUAL_SOURCE * len(days)
    ]
    if absent:
        return Finding(
            rows=sum(now.values()),
            too_little=f"the day is not complete: nothing from {', '.join(absent)} yet",
        )
    finding = _compared(rule, now, days, rules.chance(rule.action), NAMES[rule.feature])
    if finding.problems:
        finding.shown += f"\n\n{what_to_do(partition, check)}"
    return finding


def judge_level(
    check: str,
    rule: Level,
    partition: Partition,
    profile: Profile,
    reference: Mapping[dt.date, Profile],
    rules: QualityRules,
) -> Finding:
    """One check of a number a day."""
    days = [day.values[rule.feature] for day in reference.values() if rule.feature in day.values]
    now = profile.values.get(rule.feature)
    if now is None:
        asked = "no language model was asked" if rule.feature in UNASKED else "nothing was measured"
        return Finding(too_little=asked)
    if len(days) < rules.reference.least_days:
        return Finding(too_little=_too_few_days(len(days), rules))
    action: Action = "block" if "block" in (rule.rise, rule.falls and rule.fall) else "warn"
    test = compare_levels([now], [days], rules.chance(action), counted=rule.feature == "volume")
    ratio, low, high = (float(each[0]) for each in test)
    rises = max(rule.rises, high)
    falls = min(1 / rule.falls, low) if rule.falls else 0.0
    usual = now / ratio if ratio else 0.0
    name = NAMES[rule.feature]
    finding = Finding(
        rows=profile.items("volume"),
        value=ratio,
        threshold=rises if ratio >= 1 else falls,
        good=f"{name}: {now:.4g}, {ratio:.2f} times the usual {usual:.4g}; "
        f"{falls:.2g} to {rises:.2g} times is let pass; {len(days)} days before",
    )
    if ratio > rises or ratio < falls:
        bound = f"at most {rises:.2g}" if ratio >= 1 else f"at least {falls:.2g}"
        finding.report(
            f"{name}: {now:.4g}, {ratio:.2g} times the usual {usual:.4g}; {bound} is let pass",
            action=rule.rise if ratio >= 1 else rule.fall,
        )
        finding.shown = f"{finding.problems[0]}.\n\n{what_to_do(partition, check)}"
    return finding


def _judge_by_class(
    check: str,
    rule: Mix,
    partition: Partition,
    now: Counts,
    days: Sequence[Counts],
    profile: Profile,
    reference: Mapping[dt.date, Profile],
    rules: QualityRules,
) -> Finding:
    """Each class's own distribution; the class that stands out most gives value and threshold."""
    if reason := _too_little(now, days, rules):
        return Finding(rows=sum(now.values()), too_little=reason)
    classes = sorted({name.split("|")[0] for name in now})
    testable = {}
    for name in classes:
        own, own_days = _of_class(now, name), [_of_class(day, name) for day in days]
        with_items = sum(bool(day) for day in own_days)
        enough = sum(own.values()) >= rules.least_items
        known = sum(summed(own_days).values()) >= rules.least_items
        if enough and known and with_items >= rules.reference.least_days:
            testable[name] = (own, own_days)
    if not testable:
        return Finding(
            rows=sum(now.values()),
            too_little=f"no class has {rules.least_items} items here and before",
        )
    budget = rules.chance(rule.action) / len(testable)
    found = [
        _compared(rule, own, own_days, budget, f"{NAMES[rule.feature]} in {name}")
        for name, (own, own_days) in testable.items()
    ]
    worst = max(found, key=lambda each: (each.value or 0) / (each.threshold or 1))
    for each in found:
        if each is not worst and each.problems:
            worst.report(each.problems[0], action=rule.action)
    worst.good += f"; {len(found)} classes tested, this one stood out most"
    if worst.problems:
        _explain(worst, check, partition, profile, reference)
    return worst


def _of_class(counts: Counts, name: str) -> Counts:
    prefix = f"{name}|"
    return {key.removeprefix(prefix): n for key, n in counts.items() if key.startswith(prefix)}


def _too_little(now: Counts, days: Sequence[Counts], rules: QualityRules) -> str:
    items = sum(now.values())
    if items < rules.least_items:
        return f"{items} of {rules.least_items} items"
    with_items = sum(bool(sum(day.values())) for day in days)
    if with_items < rules.reference.least_days:
        return _too_few_days(with_items, rules)
    before = sum(summed(days).values())
    if before < rules.reference.least_items:
        return f"{before} of {rules.reference.least_items} items in the days before"
    return ""


def _too_few_days(days: int, rules: QualityRules) -> str:
    return f"{days} of {rules.reference.least_days} days with data before"


def _compared(
    rule: Mix, now: Counts, days: Sequence[Counts], false_alarms: float, name: str
) -> Finding:
    classes, counts, by_day = table_of(now, days)
    if len(classes) == 1:
        only = f"{name}: all {classes[0] or 'none'}, as before"
        return Finding(rows=sum(now.values()), value=0.0, threshold=rule.least_effect, good=only)
    test = mix_speaks(rule, counts[None, :], by_day[None, :, :], false_alarms)
    effect, threshold = float(test.effect[0]), float(test.threshold[0])
    before = summed(days)
    if threshold > MOST_CHANCE:
        told = f"the days before differ too much, or hold too little, to compare {name} with"
        return Finding(rows=sum(now.values()), too_little=told)
    changed = moves(now, before)
    with_items = int(np.count_nonzero(by_day.sum(-1)))
    compared = f"{sum(now.values()):,} items against {sum(before.values()):,} of {with_items} days"
    finding = Finding(
        rows=sum(now.values()),
        value=effect,
        threshold=threshold,
        good=f"{name}: Cohen's w {effect:.2f}, up to {threshold:.2f} is let pass; {compared}",
    )
    if effect > threshold:
        finding.report(
            f"{name}: Cohen's w {effect:.2f} against {threshold:.2f}: {in_words(changed)}",
            action=rule.action,
        )
        finding.shown = (
            f"**{name[:1].upper()}{name[1:]}** moved: Cohen's w **{effect:.2f}**, up to "
            f"**{threshold:.2f}** is let pass ({compared}).\n\n{as_table(changed, 'class')}"
        )
    return finding


def _explain(
    finding: Finding,
    check: str,
    partition: Partition,
    profile: Profile,
    reference: Mapping[dt.date, Profile],
) -> None:
    """Add the words that rose, and what to do."""
    before = summed(day.counts.get("word", {}) for day in reference.values())
    items = sum(day.items("volume") for day in reference.values())
    words = rising_words(profile.counts.get("word", {}), profile.items("volume"), before, items)
    if words and check in TOLD_WITH_WORDS:
        finding.problems[0] += f"; more often said: {', '.join(words[:3])}"
    if words:
        finding.shown += f"\n\n**Words said more often:** {', '.join(words)}"
    finding.shown += f"\n\n{what_to_do(partition, check)}"
