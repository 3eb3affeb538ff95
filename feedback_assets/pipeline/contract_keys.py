"""A table's keys: unique where they must be, and with the rows they refer to.

Belongs here: uniqueness and referential integrity, on keys alone. Does not belong here: the
values of other columns (contract_check.py).

`rows` are the keys of all rows of the partitions judged: day, source, the table's key and the
keys of its references. Both checks are one grouping or one join over them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from feedback_assets.contracts.columns import Reference, Table
from feedback_assets.contracts.partitions import Partition, predicate
from feedback_assets.contracts.tables import TABLES
from feedback_assets.pipeline.contract_schema import schema_problems
from feedback_assets.pipeline.contract_words import NAMED, listed, remedy, rows_told
from feedback_assets.pipeline.judgement import Finding
from resources.lakehouse.base import Lakehouse

PLACE = ("day", "source")


def key_columns(table: Table) -> list[str]:
    """Columns that `rows` must have for `table`."""
    referring = [name for reference in table.references for name in reference.key]
    return list(dict.fromkeys((*PLACE, *table.key, *referring)))


def check_unique(table: Table, rows: pl.DataFrame, findings: Mapping[Partition, Finding]) -> None:
    """Report rows of a partition that share the table's key."""
    if not table.key:
        return
    keyed = rows.select(*dict.fromkeys((*PLACE, *table.key)))
    for partition, count, keys in _told(keyed.filter(keyed.is_duplicated()), table.key):
        findings[partition].report(
            f"{count} rows share a key ({', '.join(table.key)}): {keys}; {remedy(table)}", count
        )


def check_references(
    table: Table,
    rows: pl.DataFrame,
    lakehouse: Lakehouse,
    findings: Mapping[Partition, Finding],
) -> None:
    """Report rows that lack a row they refer to."""
    for reference in table.references if rows.height else ():
        target = TABLES[reference.table]
        lakehouse.ensure(target)
        needed = [*PLACE, *reference.key, *([reference.unless] if reference.unless else [])]
        problems = schema_problems(target, lakehouse.physical_schema(target.name), needed)
        if problems:
            for finding in findings.values():
                finding.report(f"{target.name} can't be looked at: {'; '.join(problems)}")
            continue
        joined_on = [*(() if reference.anywhere else PLACE), *reference.key]
        there = _referred_to(reference, joined_on, lakehouse, list(findings))
        referring = rows.select(*PLACE, *reference.key).drop_nulls()
        orphans = referring.join(there, on=joined_on, how="anti")
        for partition, count, keys in _told(orphans, reference.key):
            findings[partition].report(
                f"{rows_told(count)} without a row in {_named(reference)}: {keys}; {remedy(table)}",
                count,
            )


def _referred_to(
    reference: Reference,
    columns: Sequence[str],
    lakehouse: Lakehouse,
    partitions: Sequence[Partition],
) -> pl.DataFrame:
    clauses = [] if reference.anywhere else [predicate(partitions)]
    clauses += [f"`{reference.unless}` IS NULL"] if reference.unless else []
    where = " AND ".join(clauses) or None
    return pl.DataFrame(lakehouse.scan(reference.table, columns, where).read_all())


def _named(reference: Reference) -> str:
    which = f" (of those without {reference.unless})" if reference.unless else ""
    return f"{reference.table}{which}" + ("" if reference.anywhere else " of this partition")


def _told(rows: pl.DataFrame, key: Sequence[str]) -> Iterator[tuple[Partition, int, str]]:
    """By partition: how many rows, and the first few of their keys."""
    keys = pl.concat_str([pl.col(name).cast(pl.String) for name in key], separator=" ")
    counted = rows.group_by(*PLACE).agg(
        pl.len(), keys.unique().sort().head(NAMED).alias("first"), keys.n_unique().alias("keys")
    )
    for day, source, count, first, distinct in counted.sort(*PLACE).iter_rows():
        yield Partition(day, source), count, listed(first, distinct)
