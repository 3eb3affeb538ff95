"""How a step's rows get into a table without touching rows of items that are not the run's.

Belongs here: what is kept, added and replaced in a partition. Does not belong here: which items
are the run's (lanes.py), and making the rows (step.py).

A run of a few items adds them: its cost does not grow with the partition. Only where the table
has one of them already, as after a crash, are the partition's files written anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from feedback_assets.contracts.columns import Table
from feedback_assets.contracts.ledgers import QUARANTINE
from feedback_assets.contracts.partitions import Partition, predicate
from feedback_assets.contracts.validation import conform
from feedback_assets.pipeline.lanes import Scope
from feedback_assets.pipeline.rows_held import rows_by_partition
from resources.lakehouse.base import Lakehouse

Since = Mapping[str, int]


def commit_step(
    lakehouse: Lakehouse,
    table: Table,
    partitions: Sequence[Partition],
    scope: Scope,
    rows: Iterator[pa.RecordBatch],
    since: Since,
) -> dict[Partition, int]:
    """Make `rows` the partitions' rows of the items in `scope`; returns how many others stay.

    Raises `ConcurrentCommit`, with nothing written, where another writer came `since`.
    """
    where = predicate(partitions)
    if scope.whole:
        lakehouse.replace(table, where, rows, unless_since=since)
        return {}
    if scope.only is not None and not _holds_any(lakehouse, table, where, scope):
        stays = rows_by_partition(lakehouse, table.name)
        lakehouse.append(table, rows, unless_since=since)
        return {partition: stays.get(partition, 0) for partition in partitions}
    others = lakehouse.scan(table.name, predicate=f"{where} AND NOT ({scope.condition})")
    kept = [conform(table, batch) for batch in others if batch.num_rows]
    lakehouse.replace(table, where, chain(rows, kept), unless_since=since)
    counted: Counter[Partition] = Counter()
    for batch in kept:
        for day, source in zip(batch.column("day"), batch.column("source"), strict=True):
            counted[Partition(day.as_py(), source.as_py())] += 1
    return {partition: counted[partition] for partition in partitions}


def quarantine(
    lakehouse: Lakehouse,
    step: str,
    partitions: Sequence[Partition],
    scope: Scope,
    held: pa.Table,
) -> None:
    """Make `held` what the quarantine has of the step's items in `scope`."""
    where = predicate(partitions, table=step)
    before = _held_before(lakehouse, step, partitions)
    # Most runs quarantine nothing and have nothing to take back: spare them the commit.
    if not held.num_rows and not before:
        return
    kept: list[pa.RecordBatch] = []
    if before and not scope.whole:
        known = lakehouse.scan(QUARANTINE.name, predicate=where).read_all().cast(QUARANTINE.schema)
        named = pa.array(sorted({*(scope.only or scope.others), *scope.origins}), pa.string())
        of_named = pc.is_in(known.column("origin"), named)
        kept = known.filter(of_named if scope.only is None else pc.invert(of_named)).to_batches()
    lakehouse.replace(QUARANTINE, where, chain(held.to_batches(), kept))


def _holds_any(lakehouse: Lakehouse, table: Table, where: str, scope: Scope) -> bool:
    found = lakehouse.scan(table.name, ["feedback_id"], f"{where} AND {scope.condition}")
    return any(batch.num_rows for batch in found)


def _held_before(lakehouse: Lakehouse, step: str, partitions: Sequence[Partition]) -> bool:
    wanted = set(partitions)
    return any(
        file["table"] == step and Partition(file["day"], file["source"]) in wanted
        for file in lakehouse.files(QUARANTINE.name)
    )
