"""How often people override what stood by itself, by source: a check of each partition.

Belongs here: the check `override_rate`. Does not belong here: what counts as an override
(decided.py), and which model is to be looked at (model_reviews/).

People see mostly what the models doubt, and change much of it: that is what doubt is for, and
closes no gate. What opens a ticket without a person is an item whose area and severity stood by
themselves. So the check looks at the decided items of which that is true: the share that a person
rejected, or of which a label that stood was changed. The items in doubt are told beside it.

A partition is judged by decisions about items of its own source, of its own day and the days
before, whenever they were decided. So a backfill of an old day is judged by what people said of
the items of its time, and not of this week's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import polars as pl

from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.quality_rules import Human
from feedback_assets.pipeline.gate_overrides import all_overrides
from feedback_assets.pipeline.judgement import Finding
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.quality.decided import CONFIDENCE, REJECTED, decided_findings, lower_bound
from resources.lakehouse.base import Lakehouse

SHOWN = 5


def override_findings(
    runtime: Runtime, partitions: Sequence[Partition]
) -> Mapping[Partition, Finding]:
    """What people's decisions say of each of `partitions`; writes nothing.

    `value` is the lower bound of the share overridden (see `lower_bound`), `threshold` the
    most it may be. Where an operator declared a new normal on a day of the source, earlier
    items don't count.
    """
    rules = runtime.quality_rules.human
    if not partitions:
        return {}
    anew = _new_normals(runtime.lakehouse)
    windows = {each: _window(each, rules.days, anew) for each in partitions}
    findings = decided_findings(runtime.lakehouse, _where(windows))
    by_source = findings.partition_by("source", as_dict=True)
    nothing = findings.clear()
    judged = {}
    for partition, (first, last) in windows.items():
        own = by_source.get((partition.source,), nothing)
        judged[partition] = _judged(
            own.filter(pl.col("day").is_between(first, last)), partition, first, rules
        )
    return judged


def _window(
    partition: Partition, days: int, anew: Mapping[str, Sequence[dt.date]]
) -> tuple[dt.date, dt.date]:
    """First and last day of the items whose decisions count."""
    first = partition.day - dt.timedelta(days=days)
    starts = [day for day in anew.get(partition.source, ()) if day <= partition.day]
    return max([first, *starts]), partition.day


def _where(windows: Mapping[Partition, tuple[dt.date, dt.date]]) -> str:
    """SQL for all items of the windows: a span of days a source."""
    spans: dict[str, list[dt.date]] = {}
    for partition, window in windows.items():
        spans.setdefault(partition.source, []).extend(window)
    return " OR ".join(
        f"(source = '{source}' AND day >= '{min(days)}' AND day <= '{max(days)}')"
        for source, days in sorted(spans.items())
    )


def _new_normals(lakehouse: Lakehouse) -> dict[str, list[dt.date]]:
    """Days on which an operator said that a source is different from now on."""
    found: dict[str, list[dt.date]] = {}
    for override in all_overrides(lakehouse):
        if override.new_normal and not override.revoked:
            found.setdefault(override.source, []).append(override.day)
    return found


def _judged(found: pl.DataFrame, partition: Partition, first: dt.date, rules: Human) -> Finding:
    items = _items(found)
    stood = items.filter("stood")
    decided, overridden = stood.height, int(stood["overridden"].sum())
    least = lower_bound(overridden, decided)
    most = rules.override_rate.most
    finding = Finding(rows=decided, value=least, threshold=most)
    when = f"{partition.source}, {first} to {partition.day}"
    told = (
        f"people overrode {overridden} of {decided} items whose area and severity stood "
        f"({when}): at least {least:.0%}"
    )
    finding.good = f"{told}, where {most:.0%} may be"
    finding.shown = _shown(found, items, finding.good)
    if decided < rules.least_decisions:
        finding.value = finding.threshold = None
        finding.too_little = (
            f"{decided} of {rules.least_decisions} decisions on items whose area and severity "
            f"stood ({when})"
        )
        finding.shown = _shown(found, items, finding.told)
    elif least > most:
        changes = ", ".join(f"{said} → {wanted} {n}" for _, said, wanted, n in _changes(found)[:3])
        finding.report(
            f"{told}, above {most:.0%}; most often {changes}. Look at what people wrote, mend what "
            "decides (feedback reviews says how), run the days again, or override by name",
            overridden,
            rules.override_rate.action,
        )
    return finding


def _items(found: pl.DataFrame) -> pl.DataFrame:
    """A row an item: `stood` (its area and severity), `overridden`, `changed` (any label)."""
    rejected = pl.col("wanted") == REJECTED
    against = pl.col("changed") & (pl.col("stood") | rejected)
    return found.group_by("feedback_id").agg(
        ((pl.col("field") == "area") & pl.col("stood")).any().alias("stood"),
        against.any().alias("overridden"),
        pl.col("changed").any().alias("changed"),
        pl.col("reviewer").first(),
    )


def _against(found: pl.DataFrame) -> pl.DataFrame:
    """The labels that stood and were changed, and the rejections, of items that stood."""
    stood = found.filter((pl.col("field") == "area") & pl.col("stood")).select("feedback_id")
    counted = pl.col("changed") & (pl.col("stood") | (pl.col("wanted") == REJECTED))
    return found.join(stood, on="feedback_id", how="semi").filter(counted)


def _changes(found: pl.DataFrame) -> list[tuple[str, str, str, int]]:
    """What was changed most: field, from, to, how often."""
    counts = _against(found).group_by("field", "said", "wanted").len()
    rows = counts.sort(["len", "field", "said", "wanted"], descending=[True, False, False, False])
    return list(rows.iter_rows())


def _shown(found: pl.DataFrame, items: pl.DataFrame, told: str) -> str:
    """What moved, in Markdown."""
    doubted = items.filter(~pl.col("stood"))
    lines = [
        f"{told[0].upper()}{told[1:]}.",
        "",
        f"- bound: one-sided {CONFIDENCE:.0%}, Clopper-Pearson",
        f"- decided by {items['reviewer'].n_unique()} people",
        f"- in doubt, which closes nothing: {int(doubted['changed'].sum())} of {doubted.height} "
        "changed or rejected",
    ]
    changes = _changes(found)
    if changes:
        lines += ["", "| label | from | to | items |", "|---|---|---|---|"]
        lines += [f"| {field} | {said} | {wanted} | {n} |"
                  for field, said, wanted, n in changes[:SHOWN]]  # fmt: skip
        areas = _against(found).group_by("area").agg(pl.col("feedback_id").n_unique().alias("n"))
        told_areas = areas.sort(["n", "area"], descending=[True, False]).head(SHOWN)
        named = ", ".join(f"{area} {n}" for area, n in told_areas.iter_rows())
        lines += ["", f"Areas overridden most: {named}"]
    return "\n".join(lines)
