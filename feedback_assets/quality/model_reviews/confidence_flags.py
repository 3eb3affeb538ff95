"""Classes that a model has become less sure of.

Belongs here: the fall of a class's mean confidence. Does not belong here: the check on the whole
distribution of a partition (drift_confidence), and why confidence falls.

The mean of the last week is held against the mean of the weeks before, source by source, and
the differences are weighted by the sources' items of the last week: a class that moves from one
source to another is no decline. How far chance moves the difference is told by the spread of
confidence within days, times how much more the reference's own days differ than that explains
(a variance inflation, as Rao and Scott, "On simple adjustments to chi-square tests", Annals of
Statistics 15 (1987)).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl
from scipy.stats import t

from feedback_assets.contracts.quality_rules import QualityRules
from feedback_assets.quality.model_reviews.flags import Flag
from feedback_assets.quality.model_reviews.weeks import RECENT_DAYS, Weeks

FEATURE = "confidence"
SURE = 0.99
"""Of a decline that is flagged: some ten classes are looked at, day after day."""
_WITHIN_BIN = 0.1**2 / 12
"""Variance of what one bin, a tenth wide, holds."""
_BIN = r"^(.*)\|([0-9.]+)-([0-9.]+)$"


@dataclass(frozen=True, slots=True)
class Decline:
    """Mean confidence `before` and `now` at the sources' weights of now; `chance` is the fall
    that would be no surprise."""

    before: float
    now: float
    chance: float
    items: int

    @property
    def fall(self) -> float:
        """How much lower it is."""
        return self.before - self.now


def confidence_flags(weeks: Weeks, rules: QualityRules) -> list[Flag]:
    """A flag for each class whose mean confidence fell by more than the rules allow, and more
    than chance explains. `value` is the fall."""
    recent, reference = (_cells(frame) for frame in weeks.of(FEATURE))
    flags = []
    for label in sorted(set(recent["label"].to_list())):
        own = pl.col("label") == label
        found = decline(recent.filter(own), reference.filter(own), rules)
        allowed = rules.human.flag_confidence_decline
        if found is None or found.fall <= max(allowed, found.chance):
            continue
        detail = (
            f"The mean confidence in {label} fell from {found.before:.2f} to {found.now:.2f} in "
            f"the {RECENT_DAYS} days to {weeks.last}, by source against the "
            f"{rules.reference.days} days before ({found.items} items; chance explains "
            f"{found.chance:.2f}). To do: read the newest items about {label} and look for what "
            "is new in them: other words, another source's format, another language. Decide or "
            "label some, then train; raise no threshold"
        )
        flags.append(
            Flag(
                "topics", "confidence_decline", label, None, "look", found.fall,
                max(allowed, found.chance), f"{detail}.",
            )
        )  # fmt: skip
    return flags


def decline(recent: pl.DataFrame, reference: pl.DataFrame, rules: QualityRules) -> Decline | None:
    """The fall of one class; None where there is too little to tell.

    Both have columns `day`, `source`, `middle` (of the bin), `items`. Sources without a
    reference are left out.
    """
    known = set(reference["source"].to_list())
    recent = recent.filter(pl.col("source").is_in(known))
    items = int(recent["items"].sum())
    enough = (
        items >= rules.least_items
        and int(reference["items"].sum()) >= rules.least_items
        and reference["day"].n_unique() >= rules.reference.least_days
    )
    if not enough:
        return None
    before, now, variance, spread, freedom = 0.0, 0.0, 0.0, 0.0, 0
    for new, old in _by_source(recent, reference):
        weight = new.items / items
        before += weight * old.mean
        now += weight * new.mean
        variance += weight**2 * old.variance * (1 / old.items + 1 / new.items)
        spread += old.between_days / old.variance
        freedom += old.days - 1
    inflation = max(spread / freedom, 1.0) if freedom else 1.0
    chance = float(t.ppf(SURE, max(freedom, 1))) * math.sqrt(inflation * variance)
    return Decline(before, now, chance, items)


@dataclass(frozen=True, slots=True)
class _Side:
    """One source's items: their mean, variance, and the squares between its days."""

    items: int
    mean: float
    variance: float
    days: int
    between_days: float


def _by_source(recent: pl.DataFrame, reference: pl.DataFrame) -> Iterator[tuple[_Side, _Side]]:
    for source in sorted(set(recent["source"].to_list())):
        own = pl.col("source") == source
        yield _side(recent.filter(own)), _side(reference.filter(own))


def _side(cells: pl.DataFrame) -> _Side:
    weighted = (pl.col("middle") * pl.col("items")).sum()
    items = int(cells["items"].sum())
    mean = float(cells.select(weighted).item()) / items
    squares = cells.select(((pl.col("middle") - mean) ** 2 * pl.col("items")).sum()).item()
    by_day = cells.group_by("day").agg(
        pl.col("items").sum(), (weighted / pl.col("items").sum()).alias("mean")
    )
    between = by_day.select(((pl.col("mean") - mean) ** 2 * pl.col("items")).sum()).item()
    return _Side(items, mean, squares / items + _WITHIN_BIN, by_day.height, float(between))


def _cells(counts: pl.DataFrame) -> pl.DataFrame:
    """Counts with the class and the middle of each bin."""
    bounds = [pl.col("bin").str.extract(_BIN, part).cast(pl.Float64) for part in (2, 3)]
    return (
        counts.with_columns(
            pl.col("bin").str.extract(_BIN, 1).alias("label"),
            ((bounds[0] + bounds[1]) / 2).alias("middle"),
        )
        .drop_nulls(["label", "middle"])
        .select("day", "source", "label", "middle", "items")
    )
