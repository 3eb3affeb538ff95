"""What the tables' logs and `stage_metrics` say: days to look at, runs of steps, last figures.

Belongs here: choosing the days, and turnaround's rows in `stage_metrics`. Does not belong here:
single items (groups.py) and arithmetic (hours.py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

from feedback_assets.contracts.ledgers import STAGE_METRICS
from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.quality_rules import Deadlines
from feedback_assets.contracts.tables import BRONZE_FEEDBACK, VALIDATED_FEEDBACK
from feedback_assets.pipeline.metrics import metric_rows
from feedback_assets.pipeline.turnaround.hours import PARTITION, by_partition, figures
from resources.lakehouse.base import Lakehouse

STAGE = "turnaround"
"""The stage under which figures stand in `stage_metrics`; no table bears the name."""
DAYS = 28
"""Latest days with data that are always looked at."""
MOST_OLDER_DAYS = 90
"""Most days before those that are looked at because something in them waits, the latest first."""
STEPS = ("bronze_feedback", "silver_feedback", "validated_feedback", "insights_daily")
"""Steps whose runs move an item on."""

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Days:
    """Days to look at, in order, and how many more have something that waits."""

    days: tuple[dt.date, ...]
    left_out: int


def days_to_look_at(lakehouse: Lakehouse) -> Days:
    """The latest `DAYS` days with data, and earlier ones in which something is known to wait.

    Known: a partition whose last figures had something open, that has items waiting for a person,
    or that landed and was never validated. So nothing that waits is lost by growing old.
    """
    landed = _partitions(lakehouse, BRONZE_FEEDBACK.name)
    latest = sorted({partition.day for partition in landed})[-DAYS:]
    if not latest:
        return Days((), 0)
    validated = _partitions(lakehouse, VALIDATED_FEEDBACK.name)
    waiting = {partition.day for partition in landed - validated}
    where = f"validation_state = 'pending' AND day < '{latest[0]}'"
    pending = _scan(lakehouse, VALIDATED_FEEDBACK.name, ("day",), where)
    waiting.update(pending["day"].unique().to_list())
    waiting.update(partition.day for partition in still_open(lakehouse))
    older = sorted((day for day in waiting if day < latest[0]), reverse=True)
    kept = older[:MOST_OLDER_DAYS]
    return Days(tuple(sorted([*kept, *latest])), len(older) - len(kept))


def runs(lakehouse: Lakehouse, days: Collection[dt.date]) -> pl.DataFrame:
    """A row a run of one of `STEPS` on a partition of `days`: day, source, stage, recorded_at."""
    names = ", ".join(f"'{name}'" for name in STEPS)
    where = f"stage IN ({names}) AND metric = 'rows_out' AND {among_days(days)}"
    return _scan(lakehouse, STAGE_METRICS.name, (*PARTITION, "stage", "recorded_at"), where)


def still_open(lakehouse: Lakehouse) -> set[Partition]:
    """Partitions in whose last figures something was open."""
    return {p for p, said in _last(lakehouse, "metric = 'open'").items() if said["open"]}


def record(
    lakehouse: Lakehouse, items: pl.DataFrame, deadlines: Deadlines, seconds: float, run_id: str
) -> dict[Partition, Figures]:
    """Append the figures of each partition of `timed` items to `stage_metrics`; returns these.

    A partition whose figures are as last recorded is left out, so that what is settled adds no
    rows; one of which nothing is found any more, though something was open, falls to 0.
    `seconds` is how long the looking took.
    """
    found = {
        Partition(row.pop("day"), row.pop("source")): told(row)
        for row in by_partition(items, deadlines).iter_rows(named=True)
    }
    nothing = told(items.clear().select(figures(deadlines)).row(0, named=True))
    gone = still_open(lakehouse) - set(found)
    found |= dict.fromkeys(gone, nothing)
    if not found:
        return {}
    before = _last(lakehouse, among_days({partition.day for partition in found}))
    new = {p: said for p, said in found.items() if before.get(p) != said}
    if new:
        lakehouse.append(STAGE_METRICS, metric_rows(STAGE, new, seconds, run_id))
    return new


def told(row: Mapping[str, float | None]) -> Figures:
    """Figures that there are: a quantile of no items is none."""
    return {name: float(value) for name, value in row.items() if value is not None}


def among_days(days: Collection[dt.date]) -> str:
    """The predicate that a row's day is one of `days`, which must not be none."""
    if not days:
        raise ValueError("no days to look at")
    named = ", ".join(f"'{day}'" for day in sorted(days))
    return f"day IN ({named})"


def _last(lakehouse: Lakehouse, where: str) -> dict[Partition, Figures]:
    """The last recorded figures, by partition."""
    columns = (*PARTITION, "metric", "value", "recorded_at")
    rows = _scan(lakehouse, STAGE_METRICS.name, columns, f"stage = '{STAGE}' AND {where}")
    last = rows.filter(
        (pl.col("recorded_at") == pl.col("recorded_at").max().over(*PARTITION))
        # How long the looking took is no figure of the partition.
        & (pl.col("metric") != "seconds")
    )
    said = last.group_by(*PARTITION).agg("metric", "value")
    return {
        Partition(day, source): dict(zip(names, values, strict=True))
        for day, source, names, values in said.iter_rows()
    }


def _partitions(lakehouse: Lakehouse, table: str) -> set[Partition]:
    """Partitions that hold rows, from the table's log alone."""
    files = lakehouse.files(table) if lakehouse.exists(table) else ()
    return {Partition(file["day"], file["source"]) for file in files if file["num_records"]}


def _scan(lakehouse: Lakehouse, table: str, columns: tuple[str, ...], where: str) -> pl.DataFrame:
    if lakehouse.exists(table):
        return pl.DataFrame(lakehouse.scan(table, columns, where).read_all())
    schema = STAGE_METRICS.schema if table == STAGE_METRICS.name else VALIDATED_FEEDBACK.schema
    return pl.DataFrame(schema.empty_table().select(list(columns)))
