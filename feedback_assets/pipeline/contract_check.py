"""The contract check of a table: what is committed, held against what is promised.

Belongs here: the check generated from a contract, as a plain function, and the values of rows.
Does not belong here: the columns (contract_schema.py), the keys (contract_keys.py), counts and
age (contract_runs.py), Dagster's view of it (assets.py) and checks of meaning or drift (quality).

Partitions are judged together: each table involved is read once, whatever their number.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import polars as pl
import pyarrow as pa

from feedback_assets.contracts.columns import Table
from feedback_assets.contracts.partitions import Partition, predicate
from feedback_assets.contracts.quality_rules import Action
from feedback_assets.contracts.tables import TABLES
from feedback_assets.contracts.validation import conform, violations
from feedback_assets.pipeline.contract_keys import (
    PLACE,
    check_references,
    check_unique,
    key_columns,
)
from feedback_assets.pipeline.contract_runs import check_runs
from feedback_assets.pipeline.contract_schema import partitioning_problems, schema_problems
from feedback_assets.pipeline.contract_words import NAMED, remedy, rows_told
from feedback_assets.pipeline.gate import contract_check_name, data_versions
from feedback_assets.pipeline.judgement import SHOWN, Finding, write_verdicts
from resources.lakehouse.base import Lakehouse

LONGEST = 60
"""Characters of a rule or a value that a message shows."""
BULK_ROWS = 50_000
BULK_BYTES = 64 << 20
"""How much of a table is held in memory to be validated together."""
_POSITION = re.compile(r" at \d+$")


def check_contract(
    table: Table,
    partitions: Sequence[Partition],
    lakehouse: Lakehouse,
    row_for_row: bool,
    run_id: str,
    freshness: Action = "block",
) -> dict[Partition, Finding]:
    """Judge `partitions` of `table` and write a verdict for each to `gate_status`.

    `row_for_row` is the step's: whether its rows in are accounted for. `freshness` says what
    follows where the table is older than what it is made from.
    """
    lakehouse.ensure(table)
    versions = data_versions(lakehouse, table, partitions)
    findings = {partition: Finding() for partition in partitions}
    if _check_table(table, lakehouse, findings):
        check_runs(table, lakehouse, findings, row_for_row, freshness)
    for beside in TABLES.values():
        if beside.judged_with == table.name:
            _check_beside(beside, lakehouse, findings)
    named = {contract_check_name(table.name): findings}
    write_verdicts(lakehouse, table, named, run_id, versions)
    return findings


def _check_table(table: Table, lakehouse: Lakehouse, findings: Mapping[Partition, Finding]) -> bool:
    """Columns, values and keys; False where the columns are others, so nothing can be counted."""
    drifted = schema_problems(table, lakehouse.physical_schema(table.name))
    drifted += partitioning_problems(table, lakehouse.files(table.name))
    if drifted:
        told = "; ".join(drifted[:SHOWN])
        more = f"; and {len(drifted) - SHOWN} more" if len(drifted) > SHOWN else ""
        what_to_do = f"give {table.name} the columns of its contract again, or change the contract"
        for finding in findings.values():
            finding.report(f"{told}{more}; {what_to_do}", len(drifted))
        return False
    keys = _check_values(table, lakehouse, findings)
    for day, source, rows in keys.group_by(*PLACE).len().iter_rows():
        findings[Partition(day, source)].rows = rows
    check_unique(table, keys, findings)
    check_references(table, keys, lakehouse, findings)
    return True


def _check_beside(
    beside: Table, lakehouse: Lakehouse, findings: Mapping[Partition, Finding]
) -> None:
    """Judge `beside` on the same partitions and add what is found to `findings`."""
    lakehouse.ensure(beside)
    found = {partition: Finding() for partition in findings}
    _check_table(beside, lakehouse, found)
    for partition, finding in found.items():
        if finding.broken:
            told = "; ".join(finding.problems)
            findings[partition].report(f"{beside.name}: {told}", finding.broken)


def _check_values(
    table: Table, lakehouse: Lakehouse, findings: Mapping[Partition, Finding]
) -> pl.DataFrame:
    """Report rows that break their columns' rules; returns the keys of all rows."""
    broken: defaultdict[Partition, _BrokenRules] = defaultdict(_BrokenRules)
    columns = key_columns(table)
    keys = [pl.DataFrame(table.schema.empty_table().select(columns))]
    for batch in _in_bulk(table, lakehouse.scan(table.name, predicate=predicate(findings))):
        days, sources = batch.column("day"), batch.column("source")
        for index, rules in violations(table, batch).items():
            broken[Partition(days[index].as_py(), sources[index].as_py())].add(rules)
        keys.append(pl.DataFrame(batch.select(columns)))
    for partition, rules_broken in broken.items():
        findings[partition].report(f"{rules_broken.told}; {remedy(table)}", rules_broken.rows)
    return pl.concat(keys)


def _in_bulk(table: Table, stored: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The batches in the contract's types, as few as fit.

    Rows come at least a batch a file, and validating costs more by the batch than by the row.
    """
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in stored:
        held.append(conform(table, batch))
        rows, size = rows + batch.num_rows, size + held[-1].nbytes
        if rows >= BULK_ROWS or size >= BULK_BYTES:
            yield pa.concat_batches(held)
            held, rows, size = [], 0, 0
    if held:
        yield pa.concat_batches(held)


class _BrokenRules:
    """Rows of a partition that break rules, by column and rule, with a few of their values."""

    def __init__(self) -> None:
        self.rows = 0
        self._rows_by_rule: Counter[str] = Counter()
        self._values: defaultdict[str, dict[str, None]] = defaultdict(dict)

    def add(self, rules: Sequence[str]) -> None:
        """Count a row, of which each of `rules` reads ``column: rule: value``."""
        self.rows += 1
        for message in rules:
            column, rule, value = message.split(": ", 2)
            # Where in its text a quote is missing differs from row to row.
            name = f"{column}: {_short(_POSITION.sub('', rule))}"
            self._rows_by_rule[name] += 1
            if value.lower() not in ("none", "null") and len(self._values[name]) < NAMED:
                self._values[name][_short(value)] = None

    @property
    def told(self) -> str:
        """Rules by the number of rows that break them."""
        told = []
        for name, rows in self._rows_by_rule.most_common(NAMED):
            values = ", ".join(self._values[name])
            told.append(f"{name}: {rows_told(rows)}" + (f", such as {values}" if values else ""))
        more = len(self._rows_by_rule) - len(told)
        return "; ".join(told) + (f"; and {more} more" if more else "")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
