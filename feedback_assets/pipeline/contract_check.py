"""The contract check of a table: what is committed, held against what is promised.

Belongs here: the check generated from a contract, as a plain function. Does not belong here:
Dagster's view of it (assets.py) and checks of meaning or drift (quality).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import polars as pl
import pyarrow as pa

from feedback_assets.contracts.columns import Table
from feedback_assets.contracts.ledgers import STAGE_METRICS
from feedback_assets.contracts.partitions import Partition, predicate
from feedback_assets.contracts.validation import conform, violations
from feedback_assets.pipeline.gate import contract_check_name, data_versions
from feedback_assets.pipeline.judgement import Finding, write_verdicts
from resources.lakehouse.base import Lakehouse


def check_contract(
    table: Table,
    partitions: Sequence[Partition],
    lakehouse: Lakehouse,
    row_for_row: bool,
    run_id: str,
) -> dict[Partition, Finding]:
    """Judge `partitions` of `table` and write a verdict for each to `gate_status`."""
    lakehouse.ensure(table)
    versions = data_versions(lakehouse, table, partitions)
    findings = {partition: Finding() for partition in partitions}
    drifted = _schema_problems(table, lakehouse.physical_schema(table.name))
    if drifted:
        for finding in findings.values():
            finding.report("; ".join(drifted))
    else:
        _check_rows(table, partitions, lakehouse, findings)
        if row_for_row:
            _check_counts(table, partitions, lakehouse, findings)
    named = {contract_check_name(table.name): findings}
    write_verdicts(lakehouse, table, named, run_id, versions)
    return findings


def _schema_problems(table: Table, stored: pa.Schema) -> list[str]:
    types = {f.name: f.type for f in stored}
    problems = [f"column {c.name!r} is missing" for c in table.columns if c.name not in types]
    problems += [
        f"column {name!r} is not in the contract"
        for name in types
        if name not in table.column_names
    ]
    problems += [
        f"column {c.name!r} is {types[c.name]}, the contract says {c.type}"
        for c in table.columns
        if c.name in types and not _same_type(types[c.name], c.type)
    ]
    return problems


def _same_type(stored: pa.DataType, promised: pa.DataType) -> bool:
    # Readers may hand strings and lists back in their view or large variants, and name a
    # list's element differently; the promise is about values.
    return _plain(stored) == _plain(promised)


def _plain(kind: pa.DataType) -> str:
    if pa.types.is_map(kind):
        return f"map<{_plain(kind.key_type)},{_plain(kind.item_type)}>"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_list_view(kind):
        return f"list<{_plain(kind.value_type)}>"
    if pa.types.is_struct(kind):
        return "struct<" + ",".join(f"{f.name}:{_plain(f.type)}" for f in kind) + ">"
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "string"
    return str(kind)


def _check_rows(
    table: Table,
    partitions: Sequence[Partition],
    lakehouse: Lakehouse,
    findings: Mapping[Partition, Finding],
) -> None:
    keys: list[pl.DataFrame] = []
    for batch in _plain_batches(table, lakehouse, partitions):
        days, sources = batch.column("day"), batch.column("source")
        for index, rules in violations(table, batch).items():
            partition = Partition(days[index].as_py(), sources[index].as_py())
            findings[partition].report(", ".join(rules))
        names = ["day", "source", *[name for name in table.key if name not in ("day", "source")]]
        keys.append(pl.DataFrame({n: pl.from_arrow(batch.column(n)) for n in names}))
    if not keys:
        return
    counted = pl.concat(keys)
    for day, source, rows in counted.group_by("day", "source").len().iter_rows():
        findings[Partition(day, source)].rows = rows
    if table.key:
        repeated = counted.filter(counted.is_duplicated())
        for day, source, rows in repeated.group_by("day", "source").len().iter_rows():
            name = ", ".join(table.key)
            findings[Partition(day, source)].report(f"{rows} rows share a key ({name})", rows)


def _plain_batches(
    table: Table, lakehouse: Lakehouse, partitions: Sequence[Partition]
) -> Iterator[pa.RecordBatch]:
    for batch in lakehouse.scan(table.name, predicate=predicate(partitions)):
        yield conform(table, batch)


def _check_counts(
    table: Table,
    partitions: Sequence[Partition],
    lakehouse: Lakehouse,
    findings: Mapping[Partition, Finding],
) -> None:
    """Rows in = rows out + quarantined + dropped by name, by the step's own latest metrics."""
    latest = _latest_metrics(table, partitions, lakehouse)
    for partition, finding in findings.items():
        tally = latest.get(partition)
        if tally is None:
            if finding.rows:
                finding.report("no run of the step is on record for these rows")
            continue
        told_apart = sum(
            value
            for name, value in tally.items()
            if name in ("rows_out", "rows_quarantined") or name.startswith("dropped_")
        )
        if tally.get("rows_in") != told_apart:
            finding.report(f"{tally.get('rows_in'):.0f} rows in, {told_apart:.0f} accounted for")
        if tally.get("rows_out") != finding.rows:
            finding.report(f"{finding.rows} rows stored, {tally.get('rows_out'):.0f} were written")


def _latest_metrics(
    table: Table, partitions: Sequence[Partition], lakehouse: Lakehouse
) -> dict[Partition, dict[str, float]]:
    days = ", ".join(f"'{day.isoformat()}'" for day in sorted({p.day for p in partitions}))
    latest: dict[Partition, tuple[datetime, dict[str, float]]] = {}
    where = f"day IN ({days}) AND stage = '{table.name}'"
    for batch in lakehouse.scan(STAGE_METRICS.name, predicate=where):
        for row in batch.to_pylist():
            partition = Partition(row["day"], row["source"])
            at, tally = latest.get(partition, (row["recorded_at"], {}))
            if row["recorded_at"] > at:
                at, tally = row["recorded_at"], {}
            if row["recorded_at"] == at:
                tally[row["metric"]] = row["value"]
            latest[partition] = (at, tally)
    return {partition: tally for partition, (_, tally) in latest.items()}
