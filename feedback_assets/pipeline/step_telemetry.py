"""What telemetry is told of a step: which run and partitions, how many rows, how long.

Belongs here: names and attributes of a step's span and numbers. Does not belong here: how they
are sent (resources/telemetry) and `stage_metrics`, which the lakehouse keeps.

No text of an item, of a note or of an error: only names, keys, counts and types.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from feedback_assets.contracts.partitions import Partition
from resources.telemetry.base import Telemetry

KEYS_SHOWN = 20
"""Partition keys on a span; a backfill of a year would have thousands."""

Tally = Mapping[Partition, Mapping[str, float]]
Tell = Callable[[Tally, int, float], None]
"""Called when the step has ended, with its counts by partition, the number of partitions it
refused, and its wall seconds."""


@contextmanager
def step_span(
    telemetry: Telemetry, step: str, partitions: Sequence[Partition], run_id: str
) -> Iterator[Tell]:
    """A span around a step, in the trace of its run; tell it how the step ended."""
    with telemetry.span(step, run_id) as span:
        span.set(
            {
                "dagster.run_id": run_id,
                "feedback.step": step,
                "feedback.partitions": len(partitions),
                "feedback.partition_keys": [p.key for p in sorted(partitions)[:KEYS_SHOWN]],
            }
        )

        def tell(counts: Tally, refused: int, seconds: float) -> None:
            rows = _rows(counts)
            span.set(
                {f"feedback.rows_{outcome}": count for outcome, count in rows.items()}
                | {"feedback.refused": refused, "feedback.seconds": seconds}
            )
            for outcome, count in rows.items():
                told = {"step": step, "outcome": outcome}
                telemetry.count("feedback.step.rows", count, "{row}", told)
            telemetry.measure("feedback.step.duration", seconds, "s", {"step": step})

        yield tell


def _rows(counts: Tally) -> dict[str, int]:
    """Rows of all partitions by what became of them."""
    rows = Counter({"in": 0, "out": 0, "quarantined": 0, "dropped": 0})
    for tally in counts.values():
        for name, value in tally.items():
            kind, _, outcome = name.partition("_")
            if kind == "rows":
                rows[outcome] += int(value)
            elif kind == "dropped":
                rows["dropped"] += int(value)
    return dict(rows)
