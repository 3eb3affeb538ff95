"""Runs the path on one engine, in a process of its own.

    python -m tests.parity.worker '{"engine": "jvm", "homes": [{"home": "...", ...}]}'

Belongs here: what a run of the path is, the same for every engine. Does not belong here: starting
an engine (engines.py) and comparing what came of it (tables.py).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import sys
import time
from pathlib import Path

import orjson
import pyarrow as pa

from feedback_assets.bronze.landing_step import BRONZE
from feedback_assets.contracts.partitions import SOURCES, Partition
from feedback_assets.contracts.tables import REVIEW_DECISIONS
from feedback_assets.gold.gold_steps import STEPS as GOLD_STEPS
from feedback_assets.gold.golden_judging import judge_partitions
from feedback_assets.insights.insights_step import INSIGHTS
from feedback_assets.pipeline.contract_check import check_contract
from feedback_assets.pipeline.runtime import Runtime, build_runtime
from feedback_assets.pipeline.step import Step, run_step
from feedback_assets.quality.profile_judging import judge_profiles
from feedback_assets.quality.profile_step import PROFILE
from feedback_assets.review.validation_step import VALIDATION
from feedback_assets.silver.silver_step import SILVER
from feedback_assets.tickets.outcome_step import OUTCOMES
from feedback_assets.tickets.ticket_step import TICKETS_STEP
from feedback_assets.triage.cluster_step import CLUSTERS
from feedback_assets.triage.triage_step import TRIAGE_STEP
from resources.settings import Settings
from tests.parity.engines import start

PATH: list[Step] = [
    BRONZE, SILVER, *GOLD_STEPS, PROFILE, CLUSTERS, TRIAGE_STEP, VALIDATION, INSIGHTS,
    TICKETS_STEP, OUTCOMES,
]  # fmt: skip
DAYS = ("2026-06-01", "2026-06-02", "2026-06-03")
"""Days of the landing zones that are run."""
DECIDED_AT = dt.datetime(2026, 6, 4, 9, 0, tzinfo=dt.UTC)


@dataclasses.dataclass(frozen=True)
class Work:
    """One run of the path: `days` of the landing zone into `home`.

    With `decide`, that many waiting items are decided by a person first; with `steps`, only these
    steps run.
    """

    home: str
    landing: str
    days: tuple[str, ...]
    run_id: str
    decide: int = 0
    steps: tuple[str, ...] = ()


def main() -> None:
    """Do the work of the command line's JSON; prints seconds by step as JSON."""
    asked = orjson.loads(sys.argv[1])
    started = time.monotonic()
    engine = start(asked["engine"], **asked.get("settings", {}))
    engine.session()
    took: dict[str, float] = {"start": time.monotonic() - started}
    for fields in asked["work"]:
        work = Work(**fields)
        settings = Settings(home=Path(work.home), landing=work.landing)
        for name, seconds in run_path(build_runtime(settings, work.run_id, engine), work).items():
            took[name] = took.get(name, 0) + seconds
    engine.stop()
    sys.stdout.write(orjson.dumps(took).decode() + "\n")


def run_path(runtime: Runtime, work: Work) -> dict[str, float]:
    """Every step from landing file to ticket and its contract check; seconds by step."""
    days = [dt.date.fromisoformat(day) for day in work.days]
    partitions = [Partition(day, source) for day in days for source in SOURCES]
    if work.decide:
        decide(runtime, work.decide)
    took = {}
    for step in PATH:
        if work.steps and step.name not in work.steps:
            continue
        report = run_step(step, partitions, runtime)
        took[step.name] = report.seconds
        check_contract(step.writes, partitions, runtime.lakehouse, step.row_for_row, runtime.run_id)
        if step is PROFILE:
            judge_profiles(runtime, partitions)
        if step is VALIDATION:
            judge_partitions(runtime, partitions)
    return took


def decide(runtime: Runtime, items: int) -> None:
    """A reviewer's word on the first waiting items: approved, edited and rejected in turn."""
    rows = runtime.lakehouse.scan("validated_feedback").read_all().to_pylist()
    waiting = sorted(
        (row for row in rows if row["validation_state"] == "pending"),
        key=lambda row: str(row["feedback_id"]),
    )
    schema = REVIEW_DECISIONS.schema
    made = [
        {
            **dict.fromkeys(schema.names),
            **{name: row[name] for name in ("day", "source", "feedback_id")},
            "decision": ("approve", "edit", "reject")[nth % 3],
            "categories": ["delivery", "other"] if nth % 3 == 1 else None,
            "reviewer": "r.reviewer",
            "reason": None if nth % 2 else "read it ✅",
            "decided_at": DECIDED_AT + dt.timedelta(microseconds=nth),
        }
        for nth, row in enumerate(waiting[:items])
    ]
    runtime.lakehouse.append(REVIEW_DECISIONS, [pa.RecordBatch.from_pylist(made, schema=schema)])


if __name__ == "__main__":
    main()
