"""The status: how far each day and source has come.

Belongs here: counting rows by partition, and each partition's gate. Does not belong here: the
language model's account (model_status.py), how it is shown (status_text.py), and single items
(trace.py).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import orjson
import pyarrow as pa

from feedback_assets.audit.model_status import ModelStatus, model_status
from feedback_assets.contracts.columns import Table
from feedback_assets.contracts.ledgers import QUARANTINE
from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.tables import (
    BRONZE_FEEDBACK,
    SILVER_FEEDBACK,
    TICKET_ITEMS,
    TICKETS,
    VALIDATED_FEEDBACK,
)
from feedback_assets.pipeline.gate import closed
from resources.lakehouse.base import Lakehouse

NOT_PROCESSED = "landed, not processed yet: feedback run"


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of items, and of tickets opened.

    `bronze` counts each delivery of an item, `quarantined` each stay in quarantine (an item
    can be kept out of several tables), `approved` those a person approved or edited.
    """

    bronze: int = 0
    silver: int = 0
    quarantined: int = 0
    auto_approved: int = 0
    approved: int = 0
    pending: int = 0
    rejected: int = 0
    in_tickets: int = 0
    tickets: int = 0


@dataclass(frozen=True, slots=True)
class PartitionStatus:
    """One day and source; `gate_reason` says why its gate is closed, null where it is open."""

    day: dt.date
    source: str
    counts: Counts
    gate_open: bool
    gate_reason: str | None


@dataclass(frozen=True, slots=True)
class Status:
    """All partitions by day and source, their totals, and the language model's part.

    `language_model` is null where no language model was ever asked.
    """

    partitions: tuple[PartitionStatus, ...]
    totals: Counts
    language_model: ModelStatus | None = None

    def to_json(self) -> str:
        """The status as one indented JSON document; keys are the field names."""
        return orjson.dumps(self, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode()


def status(
    lakehouse: Lakehouse, landed: Iterable[Partition] = (), now: dt.datetime | None = None
) -> Status:
    """Counts and gate of every partition that holds rows, and of those in `landed`.

    `landed` names what stands in the landing zone, so that what was never processed shows too.
    `now` decides what today is to the language model's account, and how old a batch.
    """
    counted: dict[str, Counter[Partition]] = {
        "bronze": _rows(lakehouse, BRONZE_FEEDBACK),
        "silver": _rows(lakehouse, SILVER_FEEDBACK),
        "quarantined": _rows(lakehouse, QUARANTINE),
        "in_tickets": _rows(lakehouse, TICKET_ITEMS),
        "tickets": _rows(lakehouse, TICKETS),
        "auto_approved": Counter(),
        "approved": Counter(),
        "pending": Counter(),
        "rejected": Counter(),
    }
    for (partition, state), items in _states(lakehouse).items():
        counted["approved" if state == "edited" else state][partition] += items
    processed = {partition for counter in counted.values() for partition in counter}
    refused = closed(lakehouse, sorted(processed)) if processed else {}
    refused |= dict.fromkeys(set(landed) - processed, NOT_PROCESSED)
    rows = [
        PartitionStatus(
            day=partition.day,
            source=partition.source,
            counts=Counts(**{name: counter[partition] for name, counter in counted.items()}),
            gate_open=partition not in refused,
            gate_reason=refused.get(partition),
        )
        for partition in sorted(processed | set(refused))
    ]
    totals = Counts(**{name: counter.total() for name, counter in counted.items()})
    asked = model_status(lakehouse, now or dt.datetime.now(dt.UTC))
    return Status(tuple(rows), totals, asked)


def _rows(lakehouse: Lakehouse, table: Table) -> Counter[Partition]:
    """Rows by partition, from the table's log alone."""
    rows: Counter[Partition] = Counter()
    if lakehouse.exists(table.name):
        for file in lakehouse.files(table.name):
            rows[Partition(file["day"], file["source"])] += int(file["num_records"])
    return rows


def _states(lakehouse: Lakehouse) -> Counter[tuple[Partition, str]]:
    states: Counter[tuple[Partition, str]] = Counter()
    if not lakehouse.exists(VALIDATED_FEEDBACK.name):
        return states
    names = ["day", "source", "validation_state"]
    for batch in lakehouse.scan(VALIDATED_FEEDBACK.name, names):
        tallied = pa.Table.from_batches([batch]).group_by(names).aggregate([([], "count_all")])
        for row in tallied.to_pylist():
            place = Partition(row["day"], row["source"])
            states[place, row["validation_state"]] += row["count_all"]
    return states
