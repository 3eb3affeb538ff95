"""Contracts enforced on Arrow batches, with pandera.

Belongs here: turning a `Table` into a pandera schema, and splitting a batch into rows that
meet it and rows that don't. Does not belong here: what happens to either.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import pandera.polars as pandera
import polars as pl
import pyarrow as pa
from pandera.errors import SchemaErrors

from feedback_assets.contracts.columns import Column, Table


@dataclass(frozen=True, slots=True)
class Split:
    """A batch told apart: `valid` rows, and `invalid` rows with a reason each."""

    valid: pa.RecordBatch
    invalid: pa.RecordBatch
    reasons: list[str]


def conform(table: Table, batch: pa.RecordBatch) -> pa.RecordBatch:
    """`batch` with the contract's columns, order and types, nullability left to the split.

    Raises `TypeError` naming the column when one is missing or can't be cast.
    """
    arrays = []
    fields = []
    for column in table.columns:
        index = batch.schema.get_field_index(column.name)
        if index < 0:
            raise TypeError(f"{table.name}: the step made no column {column.name!r}")
        array = batch.column(index)
        try:
            arrays.append(array if array.type == column.type else array.cast(column.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise TypeError(
                f"{table.name}.{column.name}: {array.type} where the contract says {column.type}"
            ) from error
        fields.append(pa.field(column.name, column.type))
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def split(table: Table, batch: pa.RecordBatch) -> Split:
    """Rows of a conforming `batch` that meet the contract, and the others with their reasons.

    A reason reads ``contract: column: rule: value``; a row that breaks several names them all.
    """
    failures = violations(table, batch)
    if not failures:
        return Split(batch, batch.slice(0, 0), [])
    bad = sorted(failures)
    keep = [True] * batch.num_rows
    for index in bad:
        keep[index] = False
    return Split(
        batch.filter(pa.array(keep)),
        batch.take(pa.array(bad)),
        ["contract: " + "; ".join(failures[index]) for index in bad],
    )


def violations(table: Table, batch: pa.RecordBatch) -> dict[int, list[str]]:
    """Broken rules by row index of `batch`; empty when all rows meet the contract."""
    found = _unfounded_evidence(table, batch)
    checked = [column for column in table.columns if _has_rules(column)]
    if not checked or batch.num_rows == 0:
        return found
    frame = pl.DataFrame(
        {c.name: pl.from_arrow(batch.column(c.name)) for c in checked},
    )
    try:
        _schema(table.name, tuple(checked)).validate(frame, lazy=True)
    except SchemaErrors as errors:
        for case in errors.failure_cases.iter_rows(named=True):
            if case["index"] is None:
                raise TypeError(
                    f"{table.name}.{case['column']}: {case['check']}: {case['failure_case']}"
                ) from errors
            message = f"{case['column']}: {case['check']}: {str(case['failure_case'])[:120]}"
            found.setdefault(int(case["index"]), []).append(message)
    return found


def _unfounded_evidence(table: Table, batch: pa.RecordBatch) -> dict[int, list[str]]:
    """Rows whose evidence is not in their text, for tables that hold both."""
    if not {"text", "evidence_spans"} <= set(table.column_names):
        return {}
    found: dict[int, list[str]] = {}
    texts = batch.column("text").to_pylist()
    for index, spans in enumerate(batch.column("evidence_spans").to_pylist()):
        text = texts[index] or ""
        for span in spans or ():
            if text[span["start"] : span["end"]] != span["quote"]:
                found.setdefault(index, []).append(
                    f"evidence_spans: not in the text at {span['start']}: {span['quote'][:80]}"
                )
    return found


def _has_rules(column: Column) -> bool:
    # pandera.polars casts nested and map types poorly; of those only nulls are ruled out here.
    bounds = column.at_least is not None or column.at_most is not None
    return bool(column.isin) or bounds or not column.nullable


@functools.cache
def _schema(_table: str, columns: tuple[Column, ...]) -> pandera.DataFrameSchema:
    return pandera.DataFrameSchema({c.name: _pandera_column(c) for c in columns})


def _pandera_column(column: Column) -> pandera.Column:
    checks = []
    if column.isin:
        allowed = list(column.isin)
        if pa.types.is_list(column.type):
            checks.append(
                pandera.Check(
                    lambda data: data.lazyframe.select(
                        pl.col(data.key).list.eval(pl.element().is_in(allowed)).list.all()
                        & (pl.col(data.key).list.len() > 0)
                    ),
                    name="non-empty, isin",
                )
            )
        else:
            checks.append(pandera.Check.isin(allowed))
    if column.at_least is not None:
        checks.append(pandera.Check.ge(column.at_least))
    if column.at_most is not None:
        checks.append(pandera.Check.le(column.at_most))
    return pandera.Column(checks=checks, nullable=column.nullable)
