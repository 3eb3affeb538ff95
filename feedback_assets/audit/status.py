"""The status: how far each day and source has come.

Belongs here: counting rows by partition, and putting together what the status tells. Does not
belong here: why gates are closed (blocked.py), what is late (lateness.py), the language model's
account (model_status.py), how it is shown (status_text.py), and single items (trace.py).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import orjson
import pyarrow as pa

from feedback_assets.audit.blocked import Blocked, blocked, in_force
from feedback_assets.audit.gate_links import Override
from feedback_assets.audit.gates import gates
from feedback_assets.audit.lanes import LeftToBatch, left_to_batch
from feedback_assets.audit.lateness import Lateness, lateness
from feedback_assets.audit.model_status import ModelStatus, model_status
from feedback_assets.contracts.columns import Table
from feedback_assets.contracts.ledgers import QUARANTINE
from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.quality_rules import Deadlines, read_quality_rules
from feedback_assets.contracts.tables import (
    BRONZE_FEEDBACK,
    SILVER_FEEDBACK,
    TICKET_ITEMS,
    TICKETS,
    VALIDATED_FEEDBACK,
)
from resources.lakehouse.base import Lakehouse
from resources.landing.zone import LandingFile

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
    """One day and source; `gate_reason` says why its gate is closed, null where it is open.

    `overridden`: it is open because an operator let a failed check pass.
    """

    day: dt.date
    source: str
    counts: Counts
    gate_open: bool
    gate_reason: str | None
    overridden: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """All partitions by day and source, their totals, and what calls for somebody.

    `blocked` groups why gates are closed, `overrides` are those in force now. `lateness` is null
    where nothing has landed, `language_model` where no language model was ever asked.
    `left_to_batch` are partitions of which the fast lane has done a part.
    """

    partitions: tuple[PartitionStatus, ...]
    totals: Counts
    language_model: ModelStatus | None = None
    blocked: tuple[Blocked, ...] = ()
    overrides: tuple[Override, ...] = ()
    lateness: Lateness | None = None
    left_to_batch: tuple[LeftToBatch, ...] = ()

    def to_json(self) -> str:
        """The status as one indented JSON document; keys are the field names."""
        return orjson.dumps(self, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode()


def status(
    lakehouse: Lakehouse,
    landed: Iterable[Partition] = (),
    now: dt.datetime | None = None,
    files: Iterable[LandingFile] = (),
    deadlines: Deadlines | None = None,
) -> Status:
    """Counts and gate of every partition that holds rows, and of those in `landed`.

    `landed` names what stands in the landing zone, so that what was never processed shows too,
    and `files` are the zone's files, so that one that came later shows as late. `now` (aware) is
    the moment ages are counted to. `deadlines` are the built-in rules' unless given.
    """
    moment = now or dt.datetime.now(dt.UTC)
    counted = _counted(lakehouse)
    processed = {partition for counter in counted.values() for partition in counter}
    found = gates(lakehouse, sorted(processed), moment) if processed else {}
    refused = {partition: gate.reason for partition, gate in found.items() if not gate.open}
    new = set(landed) - processed
    refused |= dict.fromkeys(new, NOT_PROCESSED)
    rows = [
        PartitionStatus(
            day=partition.day,
            source=partition.source,
            counts=Counts(**{name: counter[partition] for name, counter in counted.items()}),
            gate_open=partition not in refused,
            gate_reason=refused.get(partition),
            overridden=partition not in refused
            and any(check.overridden_by for check in found[partition].checks),
        )
        for partition in sorted(processed | new)
    ]
    return Status(
        partitions=tuple(rows),
        totals=Counts(**{name: counter.total() for name, counter in counted.items()}),
        language_model=model_status(lakehouse, moment),
        blocked=blocked(found, dict.fromkeys(new, NOT_PROCESSED)),
        overrides=in_force(found, moment),
        lateness=lateness(lakehouse, files, deadlines or read_quality_rules().deadlines, moment),
        left_to_batch=left_to_batch(lakehouse),
    )


def _counted(lakehouse: Lakehouse) -> dict[str, Counter[Partition]]:
    """Each of `Counts` by partition."""
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
    return counted


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
