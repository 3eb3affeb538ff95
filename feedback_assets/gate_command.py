"""`feedback gate`: what is closed and why, and an operator's word against a failed verdict.

Belongs here: the order of deciding, recording and telling. Does not belong here: arguments as
they are typed (gate_cli.py), the decision (pipeline/gate.py), and the words for a gate
(audit/gate_sections.py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from rich.console import Console
from rich.text import Text

from feedback_assets.audit.gate_links import Gate
from feedback_assets.audit.gate_sections import gate_rows
from feedback_assets.audit.gates import gates, overrides
from feedback_assets.audit.terminal import Row, block, counted, heading, line, shown
from feedback_assets.contracts.ledgers import GATE_STATUS, QUARANTINE
from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.quality_rules import BUILT_IN, read_quality_rules
from feedback_assets.contracts.tables import BRONZE_FEEDBACK
from feedback_assets.pipeline.gate import openings, override_verdict
from feedback_assets.pipeline.gate_overrides import GateOverride, OverrideRefused
from feedback_assets.pipeline.gate_overrides import revoke as take_back
from resources.lakehouse.base import Lakehouse
from resources.lakehouse.opening import open_lakehouse
from resources.settings import Settings

NOTHING_PROCESSED = (
    "nothing has been processed yet: `feedback demo`, or `feedback run --landing DIR`"
)


@dataclass(frozen=True, slots=True)
class PartitionGate:
    """A partition and its gate."""

    day: dt.date
    source: str
    gate: Gate

    @property
    def plain(self) -> bool:
        """Open, and never overridden."""
        return self.gate.open and not self.gate.overrides


def read(
    lakehouse: Lakehouse,
    day: dt.date | None = None,
    source: str | None = None,
    now: dt.datetime | None = None,
) -> list[PartitionGate]:
    """The gates of all partitions, or of those of `day` and `source`, in order of days."""
    known = {Partition(one.day, one.source) for one in overrides(lakehouse)}
    for table in (BRONZE_FEEDBACK, QUARANTINE):
        if lakehouse.exists(table.name):
            known |= {Partition(f["day"], f["source"]) for f in lakehouse.files(table.name)}
    wanted = sorted(
        partition
        for partition in known
        if day in (None, partition.day) and source in (None, partition.source)
    )
    if not wanted:
        return []
    found = gates(lakehouse, wanted, now)
    return [PartitionGate(p.day, p.source, found[p]) for p in wanted]


def as_json(found: Sequence[PartitionGate]) -> str:
    """The gates as one indented JSON document; keys are the field names."""
    return orjson.dumps(list(found), option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode()


def show(found: Sequence[PartitionGate], console: Console, everything: bool = False) -> None:
    """Print each gate that is closed or was ever overridden; with `everything` the others too."""
    if not found:
        console.print("No gates: nothing has been processed that answers to this.")
        return
    now = dt.datetime.now(dt.UTC)
    told = [one for one in found if everything or not one.plain]
    for one in told:
        heading(console, f"{one.day} {one.source}")
        block(console, [*gate_rows(one.gate, now), *_to_do(one)])
    rest = len(found) - len(told)
    if rest:
        console.print()
        line(console, Text(f"{counted(rest, 'partition')}: open, and never overridden", "green"), 0)


def _to_do(one: PartitionGate) -> list[Row]:
    """What opens a closed gate: the check again, other data, or an operator's word."""
    if one.gate.open:
        return []
    again = f"feedback run --day {one.day} --source {one.source}"
    failed = [
        check.check
        for check in one.gate.checks
        if check.required and check.passed is False and not check.stale and not check.overridden_by
    ]
    if not failed:
        return [("to do", f"have it judged: {again}")]
    word = f"feedback gate override {one.day} {one.source} {failed[0]}"
    return [
        ("to do", f"mend the data, then: {again}"),
        ("or", f"let it pass, on record: {word} --by NAME --reason TEXT --hours 24"),
    ]


def override(
    settings: Settings,
    partition: Partition,
    check: str,
    *,
    operator: str,
    reason: str,
    hours: float,
    new_normal: bool = False,
) -> GateOverride:
    """Let `partition` pass in spite of the failed verdict of `check`, within the rules' bounds.

    Raises `OverrideRefused` with what to do.
    """
    rules = read_quality_rules(settings.quality_rules or BUILT_IN)
    return override_verdict(
        _lakehouse(settings), partition, check, operator=operator, reason=reason, hours=hours,
        most_hours=rules.override.most_hours, new_normal=new_normal,
    )  # fmt: skip


def revoke(settings: Settings, override_id: str, operator: str) -> GateOverride:
    """Take an override back. Raises `OverrideRefused` with what to do."""
    return take_back(_lakehouse(settings), override_id, operator)


def tell(settings: Settings, told: GateOverride, console: Console) -> None:
    """Print what became of an override, and how the gate now stands."""
    named = f"{told.check} of {told.day} {told.source}"
    if told.revoked:
        line(console, shown(f"{told.override_id} is taken back: {named} counts again"), 0)
    else:
        held = f"{told.override_id}: {named} holds nothing back until {told.until}"
        line(console, shown(held), 0)
    line(console, shown(f"the check had said: {told.verdict}"), 0)
    if told.new_normal and not told.revoked:
        line(console, shown(f"drift of {told.source} is measured anew from {told.day} on"), 0)
    opening = openings(_lakehouse(settings), [told.partition])[told.partition]
    if opening.reasons:
        line(console, shown(f"The gate is closed: {'; '.join(opening.reasons)}"), 0)
    elif not told.revoked:
        command = f"feedback run --day {told.day} --source {told.source}"
        line(console, shown(f"The gate is open. Next: {command}"), 0)
    else:
        line(console, shown("The gate is open all the same."), 0)


def _lakehouse(settings: Settings) -> Lakehouse:
    """The tables, if anything was ever judged: a word against nothing must make nothing."""
    lakehouse = open_lakehouse(settings)
    if not lakehouse.exists(GATE_STATUS.name):
        raise OverrideRefused(NOTHING_PROCESSED)
    return lakehouse
