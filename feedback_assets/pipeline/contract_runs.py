"""A table held against the steps' own record in `stage_metrics`: its counts and its age.

Belongs here: rows in and out, and whether what a table is made from was made again since. Does
not belong here: the rows themselves (contract_check.py), and whether a verdict is still about
the data (gate.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from feedback_assets.contracts.columns import Table
from feedback_assets.contracts.ledgers import STAGE_METRICS
from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.quality_rules import Action
from feedback_assets.contracts.tables import TABLES
from feedback_assets.pipeline.contract_keys import PLACE
from feedback_assets.pipeline.contract_words import NAMED, listed, remedy, rows_told, time_told
from feedback_assets.pipeline.judgement import Finding
from resources.lakehouse.base import Lakehouse

METRICS = (*PLACE, "stage", "metric", "value", "recorded_at")


@dataclass(frozen=True, slots=True)
class StepRun:
    """The latest run of a step on a partition: when it ended, and what it counted."""

    ended: datetime
    counts: Mapping[str, float]


def check_runs(
    table: Table,
    lakehouse: Lakehouse,
    findings: Mapping[Partition, Finding],
    row_for_row: bool,
    freshness: Action,
) -> None:
    """Hold the rows counted in `findings` to the record, and the table's age to its inputs'.

    Rows in = rows out + quarantined + dropped by name, where the step is `row_for_row`. A table
    older than a table it is made from is reported with the action `freshness`.
    """
    metrics = _recorded(table, lakehouse, list(findings))
    own = _latest(metrics, table)
    inputs = _inputs_made(metrics, table)
    for partition, finding in findings.items():
        run = own.get(partition)
        if row_for_row and run is not None:
            _check_counts(table, run, finding)
        if row_for_row and run is None and finding.rows:
            finding.report(
                f"no run of {table.name} is on record for {rows_told(finding.rows)}; "
                f"{remedy(table)}",
                finding.rows,
            )
            continue
        made = inputs.get(partition, {})
        newer = {name: at for name, at in made.items() if run is None or at > run.ended}
        if newer:
            finding.report(_older(table, run, newer), action=freshness)


def _check_counts(table: Table, run: StepRun, finding: Finding) -> None:
    came = int(run.counts.get("rows_in", 0))
    went = {
        name.removeprefix("rows_").replace("_", " ", 1): int(count)
        for name, count in sorted(run.counts.items(), reverse=True)
        if name in ("rows_out", "rows_quarantined") or name.startswith("dropped_")
    }
    accounted = sum(went.values())
    if came != accounted:
        of = f" of {table.made_from[0]}" if table.made_from else ""
        told = ", ".join(f"{count} {name}" for name, count in went.items())
        finding.report(
            f"{rows_told(came)}{of} in, {accounted} accounted for ({told}); {remedy(table)}",
            abs(came - accounted),
        )
    # A run of some items leaves the rows of the others as they are, and says how many.
    kept = int(run.counts.get("rows_kept", 0))
    written = int(run.counts.get("rows_out", 0)) + kept
    if written != finding.rows:
        beside = f" and {kept} were left as they were" if kept else ""
        finding.report(
            f"{rows_told(finding.rows)} stored, {written - kept} were written{beside} by the run "
            f"of {time_told(run.ended)}; {remedy(table)}",
            abs(written - finding.rows),
        )


def _older(table: Table, run: StepRun | None, newer: Mapping[str, datetime]) -> str:
    latest = sorted(newer, key=lambda name: newer[name], reverse=True)
    first = [f"{name} (made {time_told(newer[name])})" for name in latest[:NAMED]]
    told = listed(first, len(latest))
    if run is None:
        return f"never made on this partition, though there is {told}; materialize {table.name}"
    return f"made {time_told(run.ended)}, older than {told}; {remedy(table)}"


def _recorded(table: Table, lakehouse: Lakehouse, partitions: Sequence[Partition]) -> pl.DataFrame:
    lakehouse.ensure(STAGE_METRICS)
    days = ", ".join(f"'{day.isoformat()}'" for day in sorted({p.day for p in partitions}))
    stages = ", ".join(f"'{name}'" for name in (table.name, *table.made_from))
    where = f"day IN ({days}) AND stage IN ({stages})"
    return pl.DataFrame(lakehouse.scan(STAGE_METRICS.name, METRICS, where).read_all())


def _latest(metrics: pl.DataFrame, table: Table) -> dict[Partition, StepRun]:
    own = metrics.filter(pl.col("stage") == table.name)
    last = own.filter(pl.col("recorded_at") == pl.col("recorded_at").max().over(*PLACE))
    runs = last.group_by(*PLACE).agg(pl.col("recorded_at").first(), "metric", "value")
    return {
        Partition(day, source): StepRun(ended, dict(zip(names, values, strict=True)))
        for day, source, ended, names, values in runs.iter_rows()
    }


def _inputs_made(metrics: pl.DataFrame, table: Table) -> dict[Partition, dict[str, datetime]]:
    """By partition, when each table that `table` is made from last got its rows."""
    # A run that appended no row changed none.
    appended = [name for name in table.made_from if TABLES[name].append_only]
    wrote = (pl.col("metric") == "rows_out") & (
        ~pl.col("stage").is_in(appended) | (pl.col("value") > 0)
    )
    made = metrics.filter((pl.col("stage") != table.name) & wrote)
    times: dict[Partition, dict[str, datetime]] = {}
    latest = made.group_by(*PLACE, "stage").agg(pl.col("recorded_at").max())
    for day, source, stage, at in latest.iter_rows():
        times.setdefault(Partition(day, source), {})[stage] = at
    return times
