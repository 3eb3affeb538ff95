"""A table's stored columns, held against those of its contract.

Belongs here: naming what was added, removed or retyped, inner fields included. Does not belong
here: the rows (contract_check.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from feedback_assets.contracts.columns import Table

LONGEST_TYPE = 60
FILE_FACTS = {"path", "num_records"}
"""What a live file says besides the values of its partition columns."""


def schema_problems(
    table: Table, stored: pa.Schema, only: Collection[str] | None = None
) -> list[str]:
    """What of `stored` is not as promised, each naming the column; `only` looks at some columns.

    An inner field is named by its path: ``provenance.tier``, ``evidence_spans[].start``,
    ``source_metadata.value``. A column that may hold nulls where the contract forbids them is no
    problem of the schema: rows are checked for nulls one by one.
    """
    fields = {field.name: field for field in stored}
    problems = []
    for column in table.columns:
        field = fields.pop(column.name, None)
        if only is not None and column.name not in only:
            continue
        if field is None:
            problems.append(f"column {column.name!r} is missing")
            continue
        problems += _type_problems(column.name, field.type, column.type)
        if column.nullable and not field.nullable:
            problems.append(f"column {column.name!r} takes no nulls, the contract allows them")
    if only is None:
        problems += [f"column {name!r} is not in the contract" for name in fields]
    return problems


def partitioning_problems(table: Table, files: Sequence[Mapping[str, Any]]) -> list[str]:
    """Whether the live `files` are partitioned as promised; a table without files is."""
    stored = set().union(*files[:1]) - FILE_FACTS
    if not files or stored == set(table.partition_by):
        return []
    told = ", ".join(sorted(stored)) or "nothing"
    return [f"it is partitioned by {told}, the contract says {', '.join(table.partition_by)}"]


def _type_problems(path: str, stored: pa.DataType, promised: pa.DataType) -> Iterator[str]:
    if pa.types.is_struct(stored) and pa.types.is_struct(promised):
        inner = {field.name: field.type for field in stored}
        for field in promised:
            if field.name in inner:
                yield from _type_problems(f"{path}.{field.name}", inner[field.name], field.type)
            else:
                yield f"column '{path}.{field.name}' is missing"
        for name in inner.keys() - {field.name for field in promised}:
            yield f"column '{path}.{name}' is not in the contract"
    elif _is_list(stored) and _is_list(promised):
        yield from _type_problems(f"{path}[]", stored.value_type, promised.value_type)
    elif pa.types.is_map(stored) and pa.types.is_map(promised):
        yield from _type_problems(f"{path}.key", stored.key_type, promised.key_type)
        yield from _type_problems(f"{path}.value", stored.item_type, promised.item_type)
    elif _plain(stored) != _plain(promised):
        yield f"column {path!r} is {_told(stored)}, the contract says {_told(promised)}"


def _is_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_list_view(kind)
    )


def _plain(kind: pa.DataType) -> pa.DataType:
    # Readers may hand strings back in their view or large variants; the promise is about values.
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    return kind


def _told(kind: pa.DataType) -> str:
    told = str(kind)
    return told if len(told) <= LONGEST_TYPE else f"{told[: LONGEST_TYPE - 1]}…"
