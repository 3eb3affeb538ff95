"""The two lanes of a partition: the batch, which does all of it, and the fast lane, which does
a few urgent items first.

Belongs here: which items are whose, as the ledger `urgent_items` says. Does not belong here:
which items are urgent (fast_lane/), how a step reads and commits them (step.py), and what starts
a run (orchestration/).

The fast lane takes items by a row in the ledger before it writes any other row of theirs, and
says by another that they are through. What it has taken and is not through with, the batch
leaves to it, for so long as a run that takes it can be expected to live; after that the batch does
them as it does all others. Of what is through, the batch makes the rows again from the same
input; what came first stays first, so the item keeps its cluster and is nobody's duplicate.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa

from feedback_assets.contracts.ledgers import URGENT_ITEMS
from feedback_assets.contracts.partitions import Partition, predicate
from resources.lakehouse.base import Lakehouse

Lane = Literal["batch", "fast"]
LANE_TAG = "feedback/lane"
FAST_LANE = "fast_lane"
"""The metric that marks a step's counts as the fast lane's."""
LEFT_TO_THE_FAST_LANE = dt.timedelta(minutes=10)
"""How long the batch leaves alone what the fast lane has taken and is not through with."""
LAST_BY_ITEM = "validated_feedback"
"""The table whose commit puts the fast lane's items through."""


def lane_of(tags: Mapping[str, str]) -> Lane:
    """The lane that a run's tags name."""
    return "fast" if tags.get(LANE_TAG) == "fast" else "batch"


@dataclass(frozen=True, slots=True)
class Taken:
    """An item of the fast lane. `through`: its rows are made in every per-item table."""

    feedback_id: str
    origin: str
    at: dt.datetime
    through: bool


@dataclass(frozen=True, slots=True)
class Scope:
    """The items of the context's partitions that a run works on.

    `only` names them, if not None; else all but `others` are. `first` are those that the fast
    lane did before this run. `origins` says where the items named in `only` or `others` stand.
    """

    only: frozenset[str] | None = None
    others: frozenset[str] = frozenset()
    first: frozenset[str] = frozenset()
    origins: frozenset[str] = field(default_factory=frozenset)

    @property
    def whole(self) -> bool:
        """Whether it is everything."""
        return self.only is None and not self.others

    @property
    def empty(self) -> bool:
        """Whether it is nothing."""
        return self.only is not None and not self.only

    @property
    def condition(self) -> str:
        """SQL that holds for the items' rows, of tables that know `feedback_id`."""
        if self.only is not None:
            return f"feedback_id IN ({_quoted(self.only)})" if self.only else "false"
        return f"feedback_id NOT IN ({_quoted(self.others)})" if self.others else "true"


WHOLE = Scope()


def taken(
    lakehouse: Lakehouse, partitions: Iterable[Partition] | None = None
) -> dict[Partition, dict[str, Taken]]:
    """What the fast lane took of `partitions` (of all without), by partition and item."""
    found: dict[Partition, dict[str, Taken]] = defaultdict(dict)
    if not lakehouse.exists(URGENT_ITEMS.name):
        return found
    columns = ("day", "source", "feedback_id", "origin", "through", "recorded_at")
    where = None if partitions is None else predicate(partitions)
    for row in lakehouse.scan(URGENT_ITEMS.name, columns, where).read_all().to_pylist():
        items = found[Partition(row["day"], row["source"])]
        known = items.get(row["feedback_id"])
        items[row["feedback_id"]] = Taken(
            row["feedback_id"],
            row["origin"],
            min(row["recorded_at"], known.at) if known else row["recorded_at"],
            row["through"] or (known is not None and known.through),
        )
    return found


def under_way(lakehouse: Lakehouse) -> dict[Partition, list[Taken]]:
    """What the fast lane took and is not through with, by partition."""
    return {
        partition: open_items
        for partition, items in taken(lakehouse).items()
        if (open_items := [item for item in items.values() if not item.through])
    }


def scope_of(
    lane: Lane,
    lakehouse: Lakehouse,
    partitions: Sequence[Partition],
    last_step: bool = False,
    now: dt.datetime | None = None,
) -> Scope:
    """The items of `partitions` that a step of `lane` works on.

    The fast lane's are those it is not through with; with `last_step` all that it ever took, so
    that what a crash or a closed gate kept from its ticket gets there.
    """
    if not partitions:
        return WHOLE
    items = [item for found in taken(lakehouse, partitions).values() for item in found.values()]
    if lane == "fast":
        mine = [item for item in items if last_step or not item.through]
        return Scope(
            only=frozenset(item.feedback_id for item in mine),
            first=frozenset(item.feedback_id for item in items if item.through),
            origins=frozenset(item.origin for item in mine),
        )
    since = (now or dt.datetime.now(dt.UTC)) - LEFT_TO_THE_FAST_LANE
    theirs = [item for item in items if not item.through and item.at > since]
    return Scope(
        others=frozenset(item.feedback_id for item in theirs),
        first=frozenset(item.feedback_id for item in items if item.through),
        origins=frozenset(item.origin for item in theirs),
    )


def record_through(
    lakehouse: Lakehouse, partitions: Sequence[Partition], items: frozenset[str], run_id: str
) -> None:
    """Write down that the fast lane is through with `items`."""
    now = dt.datetime.now(dt.UTC)
    rows: list[dict[str, object]] = [
        {
            "day": partition.day,
            "source": partition.source,
            "feedback_id": item.feedback_id,
            "origin": item.origin,
            "rule_ids": [],
            "through": True,
            "received_at": None,
            "recorded_at": now,
            "run_id": run_id,
        }
        for partition, found in taken(lakehouse, partitions).items()
        for item in found.values()
        if item.feedback_id in items and not item.through
    ]
    if rows:
        lakehouse.append(
            URGENT_ITEMS, [pa.RecordBatch.from_pylist(rows, schema=URGENT_ITEMS.schema)]
        )


def _quoted(ids: Iterable[str]) -> str:
    return ", ".join("'" + each.replace("'", "''") + "'" for each in sorted(ids))
