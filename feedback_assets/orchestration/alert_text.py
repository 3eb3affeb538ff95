"""What messages say: alike things together, where to look, what to do.

Belongs here: words, grouping and addresses in the Dagster UI. Does not belong here: what is worth
a message (alerts.py).

Addresses are those of the UI of Dagster 1.13: its check page takes `checkDetail`, its partition
page `partition`.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from feedback_assets.contracts.monitoring import FEEDBACK_PROFILE, MODEL_REVIEWS
from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.quality_rules import PROFILE_CHECKS
from feedback_assets.orchestration.alerts import (
    TURNAROUND,
    FailedGate,
    FailedRun,
    MissedDeadline,
)
from feedback_assets.pipeline.open_reviews import Review
from resources.notifier.base import Link, Message, Part

DETAIL_CHARACTERS = 1200
RUNS_LINKED = 5
LATE = {
    "insight": "not counted in insights",
    "decision": "not decided",
    "ticket": "in no ticket though they belong in one",
}
Alike = TypeVar("Alike")


def gate_message(gates: Sequence[FailedGate], url: str, now: dt.datetime) -> Message:
    """Failed gates, a part a check and source."""
    parts = [
        _gate_part(some, url) for some in _alike(gates, lambda g: (g.check, g.partition.source))
    ]
    partitions = len({gate.partition for gate in gates})
    return _message("gate", parts, f"{_many(partitions, 'partition')} can't open tickets", now)


def _gate_part(gates: list[FailedGate], url: str) -> Part:
    worst = max(gates, key=_excess)
    partitions = [gate.partition for gate in gates]
    check, day, source = worst.check, worst.partition.day, worst.partition.source
    detail = _without_values(worst.detail)
    said = detail if len(gates) == 1 else f"furthest off, {day}: {detail}"
    return Part(
        "\n".join(
            [
                f"{check} failed on {_span(partitions)}",
                _cut(said),
                "No tickets are opened from there. What to do: "
                f"feedback gate show --day {day} --source {source}",
            ]
        ),
        (
            Link(f"{check} of {worst.partition.key}", _check_page(url, worst)),
            Link("partition", _partition_page(url, worst)),
            *_run_links(url, [gate.run_id for gate in gates]),
        ),
        tuple(partition.key for partition in partitions),
        check, worst.value, worst.threshold, worst.run_id,
    )  # fmt: skip


def _without_values(detail: str) -> str:
    """What a verdict says up to the values it names as examples: rows may quote customers."""
    told, such_as, _ = detail.partition(", such as ")
    return f"{told} (which values: see the check)" if such_as else detail


def _excess(gate: FailedGate) -> float:
    """How far the value is from its threshold, either way, in thresholds."""
    if gate.value is None or gate.threshold is None:
        return 0.0
    return abs(gate.value - gate.threshold) / max(abs(gate.threshold), 1e-9)


def run_message(runs: Sequence[FailedRun], url: str, now: dt.datetime) -> Message:
    """Failed runs, a part a job and errors."""
    parts = [_run_part(some, url) for some in _alike(runs, lambda run: (run.job, run.errors))]
    return _message("run", parts, f"{_many(len(runs), 'run')} failed", now)


def _run_part(runs: list[FailedRun], url: str) -> Part:
    one = runs[0]
    many = "" if len(runs) == 1 else f" in {len(runs)} runs"
    keys = tuple(dict.fromkeys(run.partitions for run in runs if run.partitions))
    return Part(
        _cut(
            f"{one.job} failed{many}: {', '.join(one.errors)}"
            + (f"\nPartitions: {', '.join(keys)}" if keys else "")
            + "\nWhat to do: read the error in the run, mend its cause, re-execute from failure"
        ),
        _run_links(url, [run.run_id for run in runs]),
        keys,
        run_id=one.run_id if len(runs) == 1 else None,
    )


def deadline_message(missed: Sequence[MissedDeadline], url: str, now: dt.datetime) -> Message:
    """Missed deadlines, a part a rung and source."""
    parts = [
        _deadline_part(some, url) for some in _alike(missed, lambda m: (m.rung, m.partition.source))
    ]
    return _message("deadline", parts, f"{_many(len(parts), 'deadline')} missed", now)


def _deadline_part(missed: list[MissedDeadline], url: str) -> Part:
    partitions = [each.partition for each in missed]
    one, items = missed[0], sum(each.items for each in missed)
    oldest = max((each.oldest_hours or 0.0 for each in missed), default=0.0)
    waited = f"\nThe oldest undecided has waited {oldest:.0f} h." if oldest else ""
    return Part(
        f"{_many(items, 'item')} {LATE[one.rung]} within {one.hours:g} h of receipt: "
        f"{_span(partitions)}{waited}\nWhat to do: feedback status shows what holds them up",
        (
            Link("deadlines", f"{url}/assets/{TURNAROUND}?view=checks"),
            *_run_links(url, [each.run_id for each in missed]),
        ),
        tuple(partition.key for partition in partitions),
        f"late_{one.rung}",
        float(items),
        0.0,
    )


def review_message(reviews: Sequence[Review], url: str, now: dt.datetime) -> Message:
    """Opened reviews, a part each."""
    parts = [
        Part(
            _cut(f"Review opened: {review.about}\n{review.detail}")
            + f"\nIt stays open until someone closes it: {review.review_id}",
            (
                Link("model reviews", f"{url}/assets/{MODEL_REVIEWS.name}"),
                *_run_links(url, [review.run_id or ""]),
            ),
            (), review.reason, review.value, review.threshold, review.run_id,
        )
        for review in reviews
    ]  # fmt: skip
    return _message("review", parts, f"{_many(len(parts), 'model review')} opened", now)


def _message(kind: str, parts: list[Part], title: str, now: dt.datetime) -> Message:
    only = parts[0].text.partition("\n")[0] if len(parts) == 1 else title
    return Message(kind, only, tuple(parts), now)


def _alike(values: Iterable[Alike], by: Callable[[Alike], Any]) -> list[list[Alike]]:
    return [list(some) for _, some in groupby(sorted(values, key=by), by)]


def _span(partitions: Sequence[Partition]) -> str:
    """Partitions of one source in words."""
    days = sorted(partition.day for partition in partitions)
    source = partitions[0].source
    if len(days) == 1:
        return f"{source} {days[0]}"
    return f"{len(days)} partitions of {source}, {days[0]} to {days[-1]}"


def _check_page(url: str, gate: FailedGate) -> str:
    return _asset_page(url, gate, view="checks", checkDetail=gate.check)


def _partition_page(url: str, gate: FailedGate) -> str:
    return _asset_page(url, gate, view="partitions", partition=gate.partition.key)


def _asset_page(url: str, gate: FailedGate, **query: str) -> str:
    # Checks of the profile judge gold_feedback, and stand on the profile.
    asset = FEEDBACK_PROFILE.name if gate.check in PROFILE_CHECKS else gate.table
    shown = {**query, "partition": gate.partition.key}
    return f"{url}/assets/{quote(asset)}?{urlencode(shown, quote_via=quote)}"


def _run_links(url: str, run_ids: Sequence[str]) -> tuple[Link, ...]:
    different = [run for run in dict.fromkeys(run_ids) if run]
    return tuple(
        Link(f"run {run[:8]}", f"{url}/runs/{quote(run, safe='')}")
        for run in different[:RUNS_LINKED]
    )


def _many(count: int, what: str) -> str:
    return f"{count} {what}" + "s" * (count != 1)


def _cut(text: str) -> str:
    return text if len(text) <= DETAIL_CHARACTERS else f"{text[: DETAIL_CHARACTERS - 1]}…"
