"""Findings that people override more often than their own confidence allows for.

Belongs here: override rates by class, by source and by product area. Does not belong here: what
an override is (decided.py) and the gate of a partition (override_rate.py).

People see mostly doubtful items, and of a finding that is 50% sure half may be wrong. So a rate
is held against the larger of `flag_override_rate` and the share that the findings' own confidence
says is wrong: a model that says it is unsure is not flagged for being as often wrong as it said.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl

from feedback_assets.contracts.quality_rules import Human
from feedback_assets.quality.decided import decided_findings, lower_bound
from feedback_assets.quality.model_reviews.flags import RETRAIN, RULES, Flag, re_prompt
from resources.lakehouse.base import Lakehouse

SHOWN = 3


class _Group(NamedTuple):
    """Decided findings of one stage that are looked at together."""

    stage: str
    label: str
    source: str | None
    told: str
    found: pl.DataFrame


def override_flags(
    lakehouse: Lakehouse, rules: Human, prompts: Path, now: dt.datetime
) -> list[Flag]:
    """A flag for each class overridden too often in the days before `now` (aware).

    And for each source and product area that is so without those classes. `value` is the lower
    bound of the share that people changed.
    """
    start = now.astimezone(dt.UTC) - dt.timedelta(days=rules.days)
    decided = decided_findings(lakehouse, f"decided_at >= '{start:%Y-%m-%dT%H:%M:%S}Z'")
    found = decided.filter(pl.col("changed").is_not_null() & (pl.col("decided_at") <= now))
    flags, explained = [], []
    for group in _by_class(found):
        if flag := _flag(group, rules, prompts):
            flags.append(flag)
            explained.append(group.found)
    rest = found
    for known in explained:
        rest = rest.join(known, on=["feedback_id", "field"], how="anti")
    others = [_flag(group, rules, prompts) for group in (*_by_source(rest), *_by_area(rest))]
    return [*flags, *(flag for flag in others if flag is not None)]


def _by_class(found: pl.DataFrame) -> Iterator[_Group]:
    for (field, stage, said), rows in _parts(found, "field", "stage", "said"):
        yield _Group(stage, said, None, f"the {field} {said}", rows)


def _by_source(found: pl.DataFrame) -> Iterator[_Group]:
    for (field, stage, source), rows in _parts(found, "field", "stage", "source"):
        yield _Group(stage, field, source, f"the {field} of items from {source}", rows)


def _by_area(found: pl.DataFrame) -> Iterator[_Group]:
    # Of areas themselves the class tells it.
    others = found.filter(pl.col("field") != "area")
    for (field, stage, area), rows in _parts(others, "field", "stage", "area"):
        yield _Group(stage, f"{field} in {area}", None, f"the {field} of items about {area}", rows)


def _parts(found: pl.DataFrame, *by: str) -> Iterator[tuple[tuple[str, ...], pl.DataFrame]]:
    parts = found.partition_by(by, as_dict=True)
    for key in sorted(parts):
        yield tuple(map(str, key)), parts[key]


def _flag(group: _Group, rules: Human, prompts: Path) -> Flag | None:
    found = group.found
    changed = found.filter("changed")
    least = lower_bound(changed.height, found.height)
    expected = 1 - float(found["confidence"].mean() or 0.0)  # type: ignore[arg-type]
    most = max(rules.flag_override_rate, expected)
    if found.height < rules.least_decisions or least <= most:
        return None
    remedy, to_do = _remedy(group.stage, changed, prompts)
    unsure = expected > rules.flag_override_rate
    allowed = "its own confidence allows for" if unsure else "the rules allow"
    where = "" if group.source else f" By source: {_sources(found)}."
    detail = (
        f"In {rules.days} days people changed {group.told} in {changed.height} of {found.height} "
        f"decided items: at least {least:.0%}, where {allowed} {most:.0%}. "
        f"Most often {_changes(changed)}. Made by {_makers(changed)}.{where} {to_do}."
    )
    return Flag(
        group.stage, "override_rate", group.label, group.source, remedy, least, most, detail
    )  # fmt: skip


def _remedy(stage: str, changed: pl.DataFrame, prompts: Path) -> tuple[str, str]:
    """By who made most of what was changed."""
    (tier,) = _most(changed, "tier")[0][0]
    if tier == "classifier":
        return "retrain", RETRAIN
    if tier == "language_model":
        own = changed.filter(pl.col("tier") == tier)
        return "re_prompt", re_prompt(prompts, stage, _most(own, "prompt_version")[0][0][0])
    if stage == "recommendation":
        return "look", RULES
    return "look", "To do: look at the items that were changed (feedback trace)"


def _most(found: pl.DataFrame, *by: str) -> list[tuple[tuple[str, ...], int]]:
    """Values of the columns `by` with how many rows have them, most frequent first."""
    counts = found.group_by(*by).len().sort(["len", *by], descending=[True, *[False] * len(by)])
    return [(values, count) for *parts, count in counts.iter_rows() for values in [tuple(parts)]]


def _changes(changed: pl.DataFrame) -> str:
    most = _most(changed, "said", "wanted")[:SHOWN]
    return ", ".join(f"{said} → {wanted} {count}" for (said, wanted), count in most)


def _makers(changed: pl.DataFrame) -> str:
    most = _most(changed, "tier", "model_version")[:SHOWN]
    return ", ".join(f"{tier} {version} {count}" for (tier, version), count in most)


def _sources(found: pl.DataFrame) -> str:
    counts = found.group_by("source").agg(pl.col("changed").sum(), pl.len()).sort("source")
    return ", ".join(f"{source} {changed} of {n}" for source, changed, n in counts.iter_rows())
