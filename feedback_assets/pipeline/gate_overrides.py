"""An operator's word against a failed verdict: by name, with a reason, until it expires.

Belongs here: writing overrides down, taking them back, and which hold. Does not belong here:
what they let through (gate.py) and how they are asked for (the command line).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa

from feedback_assets.contracts.monitoring import GATE_OVERRIDES
from feedback_assets.contracts.partitions import Partition
from resources.lakehouse.base import Lakehouse


class OverrideRefused(ValueError):
    """The override can't be given; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class GateOverride:
    """One override as it stands; the fields are the table's columns."""

    day: date
    source: str
    override_id: str
    check: str
    operator: str
    reason: str
    verdict: str
    value: float | None
    threshold: float | None
    new_normal: bool
    expires_at: datetime
    revoked: bool
    recorded_at: datetime

    @property
    def partition(self) -> Partition:
        """The partition it is about."""
        return Partition(self.day, self.source)

    def holds(self, now: datetime) -> bool:
        """Neither taken back nor expired."""
        return not self.revoked and now < self.expires_at

    @property
    def told(self) -> str:
        """For tickets and messages: who answers for it and why come first, where no cut reaches."""
        return (
            f"{self.operator} let {self.day} {self.source} pass until {self.until}, though "
            f"{self.check} had failed: {self.reason.rstrip('.')}. The check had said: "
            f"{self.verdict}"
        )

    @property
    def until(self) -> str:
        """When it runs out, in words."""
        return f"{self.expires_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def all_overrides(
    lakehouse: Lakehouse, partitions: Iterable[Partition] | None = None
) -> list[GateOverride]:
    """Every override of `partitions`, or of all, as it stands; the oldest first.

    Those that expired or were taken back are among them.
    """
    if not lakehouse.exists(GATE_OVERRIDES.name):
        return []
    wanted = None if partitions is None else set(partitions)
    where = None
    if wanted is not None:
        if not wanted:
            return []
        days = ", ".join(f"'{day.isoformat()}'" for day in sorted({p.day for p in wanted}))
        where = f"day IN ({days})"
    rows = lakehouse.scan(GATE_OVERRIDES.name, predicate=where).read_all().to_pylist()
    latest: dict[str, GateOverride] = {}
    for row in sorted(rows, key=lambda row: row["recorded_at"]):
        found = GateOverride(**row)
        if wanted is None or found.partition in wanted:
            latest[found.override_id] = found
    return list(latest.values())


def overrides_in_force(
    lakehouse: Lakehouse, partitions: Sequence[Partition], now: datetime | None = None
) -> dict[tuple[Partition, str], GateOverride]:
    """The override that holds at `now`, by partition and check; of several the latest."""
    moment = now or datetime.now(UTC)
    return {
        (found.partition, found.check): found
        for found in all_overrides(lakehouse, partitions)
        if found.holds(moment)
    }


def record_override(lakehouse: Lakehouse, override: GateOverride) -> None:
    """Append `override`, whether new or changed."""
    lakehouse.ensure(GATE_OVERRIDES)
    row = {name: getattr(override, name) for name in GATE_OVERRIDES.column_names}
    batch = pa.RecordBatch.from_pylist([row], schema=GATE_OVERRIDES.schema)
    lakehouse.append(GATE_OVERRIDES, [batch])


def new_override(
    partition: Partition,
    check: str,
    *,
    operator: str,
    reason: str,
    hours: float,
    most_hours: float,
    verdict: str,
    value: float | None,
    threshold: float | None,
    new_normal: bool = False,
) -> GateOverride:
    """An override of a verdict for `hours` from now.

    Raises `OverrideRefused` without a name or a reason, or beyond `most_hours`.
    """
    if not operator.strip():
        raise OverrideRefused("an override needs a name: say who answers for it")
    if not reason.strip():
        raise OverrideRefused("an override needs a reason: say why these data may pass")
    if not 0 < hours <= most_hours:
        raise OverrideRefused(
            f"an override holds for more than 0 and at most {most_hours:g} hours, not {hours:g}"
        )
    now = datetime.now(UTC)
    identity = f"{partition.key}\x1f{check}\x1f{operator}\x1f{now.isoformat()}"
    return GateOverride(
        partition.day, partition.source,
        f"override-{hashlib.sha256(identity.encode()).hexdigest()[:12]}",
        check, operator.strip(), reason.strip(), verdict, value, threshold, new_normal,
        now + timedelta(hours=hours), revoked=False, recorded_at=now,
    )  # fmt: skip


def revoke(lakehouse: Lakehouse, override_id: str, operator: str) -> GateOverride:
    """Take an override back; `operator` says who did.

    What it had let through stays on record. Raises `OverrideRefused` for an unknown one, and for
    one that holds no more.
    """
    found = next((o for o in all_overrides(lakehouse) if o.override_id == override_id), None)
    if found is None:
        raise OverrideRefused(
            f"there is no override {override_id!r}; `feedback gate show` lists them"
        )
    if not operator.strip():
        raise OverrideRefused("taking an override back needs a name: say who does")
    if not found.holds(datetime.now(UTC)):
        ended = "was taken back before" if found.revoked else f"ran out on {found.until}"
        raise OverrideRefused(f"{override_id} {ended}: it lets nothing through")
    taken = replace(
        found,
        revoked=True,
        reason=f"{found.reason} (taken back by {operator.strip()})",
        recorded_at=datetime.now(UTC),
    )
    record_override(lakehouse, taken)
    return taken
