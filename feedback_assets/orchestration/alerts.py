"""What is worth a message: gates that failed, runs that failed, deadlines missed, reviews opened.

Belongs here: finding these in tables and on the instance, each with the key it is told under
once. Does not belong here: words (alert_text.py), and sending (alert_sensors.py).

Only what came up since a moment the caller names is looked for, so that a sensor that is turned
on tells no history.
"""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterAssetCheckFailedError

from feedback_assets.contracts.ledgers import GATE_STATUS, STAGE_METRICS
from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.quality_rules import Deadlines
from feedback_assets.pipeline.gate import REQUIRED_CHECKS, openings
from feedback_assets.pipeline.open_reviews import Review, open_reviews
from resources.lakehouse.base import Lakehouse

RUNGS = ("insight", "decision", "ticket")
TURNAROUND = "turnaround"
"""The stage under which `stage_metrics` holds what is late, by partition."""


@dataclass(frozen=True, slots=True)
class FailedGate:
    """A failed verdict that keeps a partition from tickets."""

    partition: Partition
    check: str
    table: str
    value: float | None
    threshold: float | None
    detail: str
    data_version: str
    run_id: str
    passes: int = 0
    """Times the same data had passed the check: another judgement fails them anew."""

    @property
    def key(self) -> str:
        """Other data that fail are told anew, and so are data that had passed in between."""
        return f"gate:{self.check}:{self.partition.key}:{self.data_version}:{self.passes}"


@dataclass(frozen=True, slots=True)
class FailedRun:
    """A run that failed; `errors` are failed steps and the types of their errors."""

    run_id: str
    job: str
    partitions: str
    errors: tuple[str, ...]

    @property
    def key(self) -> str:
        """A run fails once."""
        return f"run:{self.run_id}"


@dataclass(frozen=True, slots=True)
class MissedDeadline:
    """Items of a partition past a deadline of `hours` from receipt."""

    partition: Partition
    rung: str
    items: int
    hours: float
    oldest_hours: float | None
    in_time_until: str
    run_id: str

    @property
    def key(self) -> str:
        """What was in time again and is late anew is told anew."""
        return f"deadline:{self.rung}:{self.partition.key}:{self.in_time_until}"


def review_key(review: Review) -> str:
    """A review that was closed and is opened again is told anew."""
    return f"review:{review.review_id}:{review.opened_at.isoformat()}"


def failed_gates(lakehouse: Lakehouse, since: dt.datetime) -> list[FailedGate]:
    """Failed verdicts given at or after `since` that close a gate now, by check and partition."""
    if not lakehouse.exists(GATE_STATUS.name):
        return []
    rows = lakehouse.scan(GATE_STATUS.name, predicate=f"evaluated_at >= '{_utc(since)}'")
    latest: dict[tuple[Partition, str], FailedGate | None] = {}
    for row in sorted(rows.read_all().to_pylist(), key=lambda row: row["evaluated_at"]):
        if row["check"] in REQUIRED_CHECKS:
            partition = Partition(row["day"], row["source"])
            names = ("check", "table", "value", "threshold", "detail", "data_version", "run_id")
            failed = FailedGate(partition, **{name: row[name] for name in names})
            latest[partition, row["check"]] = None if row["passed"] else failed
    failed_now = [gate for gate in latest.values() if gate is not None]
    if not failed_now:
        return []
    partitions = sorted({gate.partition for gate in failed_now})
    # The gate knows of overrides, and of verdicts older than the data.
    found = openings(lakehouse, partitions)
    passes = _passes(lakehouse, partitions)
    return sorted(
        (
            replace(gate, passes=passes[gate.partition, gate.check, gate.data_version])
            for gate in failed_now
            if any(r.startswith(f"{gate.check}: failed: ") for r in found[gate.partition].reasons)
        ),
        key=lambda gate: (gate.check, gate.partition),
    )


def _passes(
    lakehouse: Lakehouse, partitions: Sequence[Partition]
) -> Counter[tuple[Partition, str, str]]:
    """How often the same data have passed, by partition, check and fingerprint.

    A count, unlike a moment, stays what it is when a clock is set back.
    """
    days = ", ".join(f"'{day}'" for day in sorted({p.day for p in partitions}))
    columns = ("day", "source", "check", "data_version")
    rows = lakehouse.scan(GATE_STATUS.name, columns, f"passed AND day IN ({days})")
    return Counter(
        (Partition(row["day"], row["source"]), row["check"], row["data_version"])
        for row in rows.read_all().to_pylist()
    )


def failed_runs(instance: dg.DagsterInstance, since: dt.datetime) -> list[FailedRun]:
    """Runs that failed at or after `since`, the first first.

    Left out are those that failed only because failed verdicts keep partitions from tickets:
    `failed_gates` tells of these.
    """
    wanted = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since)
    found = []
    for record in instance.get_run_records(wanted, ascending=True):
        run = record.dagster_run
        ended = record.end_time
        if ended is not None and ended < since.timestamp():
            continue
        steps = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
        failures = [entry.dagster_event for entry in steps if entry.dagster_event is not None]
        own = [event for event in failures if not _is_the_gates(event)]
        if failures and not own:
            continue
        errors = tuple(sorted(map(_told, own))) or ("before its first step",)
        found.append(FailedRun(run.run_id, run.job_name, _partitions(run.tags), errors))
    return found


def _is_the_gates(event: dg.DagsterEvent) -> bool:
    """Whether a step failed by nothing but verdicts that close gates."""
    data = event.step_failure_data
    if data.user_failure_data is not None:
        refused = data.user_failure_data.metadata.get("refused")
        reasons = refused.value if isinstance(refused, dg.JsonMetadataValue) else None
        return (
            isinstance(reasons, dict)
            and bool(reasons)
            and all(": failed: " in str(reason) for reason in reasons.values())
        )
    if data.error is None or data.error.cls_name != DagsterAssetCheckFailedError.__name__:
        return False
    # The error names, on a line an asset, the checks that failed.
    lines = data.error.message.splitlines()[1:]
    named = [name for line in lines for name in line.partition(": ")[2].strip().split(",") if name]
    return bool(named) and all(name in REQUIRED_CHECKS for name in named)


def _told(event: dg.DagsterEvent) -> str:
    """The step and its error's type: an error's words may quote a customer."""
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return f"{event.step_key} ({error.cls_name if error and error.cls_name else 'no error kept'})"


def _partitions(tags: Mapping[str, str]) -> str:
    first, last = (tags.get(f"dagster/asset_partition_range_{end}") for end in ("start", "end"))
    if first and last:
        return first if first == last else f"{first} to {last}"
    return tags.get("dagster/partition", "")


def missed_deadlines(
    lakehouse: Lakehouse, deadlines: Deadlines, since: dt.datetime
) -> list[MissedDeadline]:
    """Deadlines that items are past, as last looked at, at or after `since`."""
    if not lakehouse.exists(STAGE_METRICS.name):
        return []
    recent = _metrics(lakehouse, f"recorded_at >= '{_utc(since)}'")
    days = sorted({row["day"] for row in recent if _rung(row) and row["value"] > 0})
    if not days:
        return []
    latest: dict[tuple[Partition, str], dict[str, Any]] = {}
    in_time: dict[tuple[Partition, str], str] = {}
    listed = ", ".join(f"'{day}'" for day in days)
    for row in _metrics(lakehouse, f"day IN ({listed})"):
        of = Partition(row["day"], row["source"]), row["metric"]
        latest[of] = row
        if row["value"] == 0:
            in_time[of] = row["recorded_at"].isoformat()
    found = []
    for (partition, metric), row in sorted(latest.items(), key=lambda each: each[0]):
        rung = _rung(row)
        if not rung or not row["value"] or row["recorded_at"] < since:
            continue
        oldest = latest.get((partition, "oldest_undecided_hours"))
        found.append(
            MissedDeadline(
                partition,
                rung,
                int(row["value"]),
                getattr(deadlines, rung).late,
                float(oldest["value"]) if oldest else None,
                in_time.get((partition, metric), "never"),
                str(row["run_id"]),
            )
        )
    return found


def _metrics(lakehouse: Lakehouse, where: str) -> Sequence[dict[str, Any]]:
    predicate = f"stage = '{TURNAROUND}' AND {where}"
    rows = lakehouse.scan(STAGE_METRICS.name, predicate=predicate).read_all().to_pylist()
    return sorted(rows, key=lambda row: row["recorded_at"])


def _rung(row: dict[str, Any]) -> str:
    """The rung a row counts late items of; empty for other metrics."""
    name, _, rung = str(row["metric"]).partition("_")
    return rung if name == "late" and rung in RUNGS else ""


def new_reviews(lakehouse: Lakehouse, since: dt.datetime) -> list[Review]:
    """Open reviews that were opened at or after `since`."""
    return [review for review in open_reviews(lakehouse) if review.opened_at >= since]


def _utc(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
