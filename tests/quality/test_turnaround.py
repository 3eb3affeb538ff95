"""Hours from receipt to insight, decision and ticket: through Spark, as metrics, as a check."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from feedback_assets.audit.lateness import ask as ask_polars
from feedback_assets.contracts.quality_rules import read_quality_rules
from feedback_assets.orchestration.watching import hourly_turnaround, watch_turnaround
from feedback_assets.pipeline.assets import check_result
from feedback_assets.pipeline.compute import Compute
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.pipeline.turnaround.groups import GROUPS, as_frame
from feedback_assets.pipeline.turnaround.hours import by_partition, figures, timed
from feedback_assets.pipeline.turnaround.ladder import overdue
from feedback_assets.pipeline.turnaround.ledger import record, runs, still_open
from feedback_assets.quality.assets import turnaround
from feedback_assets.quality.routines import judged
from feedback_assets.quality.turnaround.watching import Watched, as_markdown, ask, watch
from resources.compute.connect import SailEngine
from resources.lakehouse.base import Lakehouse
from resources.settings import Settings
from tests.audit.lake import DAY, HOME, NOON, Lake

DEADLINES = read_quality_rules().deadlines
HOUR = dt.timedelta(hours=1)
NO_RUNS = pl.DataFrame(
    schema={"day": pl.Date, "source": pl.String, "stage": pl.String,
            "recorded_at": pl.Datetime("us", "UTC")}
)  # fmt: skip


def groups(*rows: dict[str, Any]) -> pl.DataFrame:
    plain = {
        "day": DAY, "source": "app_store", "received_at": NOON, "ingested_at": NOON,
        "state": "pending", "belongs_in_ticket": False, "decided_at": None, "ticketed_at": None,
        "items": 1,
    }  # fmt: skip
    frame = pl.DataFrame([{**plain, **row} for row in rows], schema_overrides=NULLABLE)
    return as_frame(frame.to_arrow())


NULLABLE = {"decided_at": pl.Datetime("us", "UTC"), "ticketed_at": pl.Datetime("us", "UTC")}


def ran(stage: str, *hours: float) -> pl.DataFrame:
    return pl.DataFrame(
        [{"day": DAY, "source": "app_store", "stage": stage, "recorded_at": NOON + h * HOUR}
         for h in hours],
        schema=NO_RUNS.schema,
    )  # fmt: skip


def told(items: pl.DataFrame) -> dict[str, Any]:
    return items.select(figures(DEADLINES)).row(0, named=True)


# Hours


def test_insight_is_the_first_run_after_the_row_was_made() -> None:
    insights = ran("insights_daily", -3, 2, 50)
    (item,) = timed(groups({}), insights, NOON + 60 * HOUR).to_dicts()
    assert (item["insight"], item["lacks_insight"], item["age"]) == (2, False, 60)


def test_a_rule_decides_when_its_step_ran_and_a_person_when_they_did() -> None:
    mixed = groups(
        {"state": "auto_approved"},
        {"state": "rejected", "decided_at": NOON + 30 * HOUR},
    )
    items = timed(mixed, ran("validated_feedback", 1), NOON + 60 * HOUR)
    assert sorted(items["decision"].to_list()) == [1, 30]
    assert not items["lacks_decision"].any()


def test_what_landed_waits_until_silver_ran_and_is_settled_then() -> None:
    landed = groups({"state": "landed"})
    assert told(timed(landed, NO_RUNS, NOON + HOUR))["undecided"] == 1
    after = told(timed(landed, ran("silver_feedback", 0.5), NOON + HOUR))
    assert (after["undecided"], after["open"]) == (0, 0)


def test_a_clock_that_runs_ahead_makes_no_age_negative() -> None:
    ahead = groups({"received_at": NOON + 5 * HOUR, "ingested_at": NOON + 5 * HOUR})
    assert told(timed(ahead, NO_RUNS, NOON))["oldest_undecided_hours"] == 0


def test_quantiles_count_items_and_not_groups() -> None:
    many = groups(
        {"items": 89, "state": "approved", "decided_at": NOON + HOUR},
        {"items": 11, "state": "approved", "decided_at": NOON + 70 * HOUR},
    )
    said = told(timed(many, ran("insights_daily", 1), NOON + 80 * HOUR))
    took = [said[f"decision_hours_{name}"] for name in ("p50", "p90", "max")]
    assert took == [1, 70, 70]
    assert (said["ended_in_time"], said["within_72h_share"]) == (100, 1)


@pytest.mark.parametrize(
    ("hours", "late", "soon"), [(36, 0, 0), (36.1, 0, 4), (48, 0, 4), (48.1, 4, 0)]
)
def test_a_deadline_is_past_only_after_its_hour(hours: float, late: int, soon: int) -> None:
    items = timed(groups({"items": 4}), ran("insights_daily", 0), NOON + hours * HOUR)
    said = told(items)
    assert (said["late_decision"], said["soon_decision"], said["soon_late"]) == (late, soon, soon)
    assert sum(one.items for one in overdue(items, DEADLINES)) == late + soon


def test_an_overdue_item_is_told_once_and_late_before_soon() -> None:
    items = timed(
        groups(
            {"state": "clean", "items": 3},
            {"state": "approved", "belongs_in_ticket": True, "source": "survey",
             "received_at": NOON + 39 * HOUR, "decided_at": NOON + 40 * HOUR},
        ),
        pl.concat([
            ran("silver_feedback", 0),
            ran("insights_daily", 1).with_columns(source=pl.lit("survey")),
        ]),
        NOON + 100 * HOUR,
    )  # fmt: skip
    late, soon = overdue(items, DEADLINES)
    assert (late.level, late.rung, late.stuck, late.items) == ("late", "insight", "clean", 3)
    assert (soon.level, soon.rung, soon.stuck, soon.places[0].source) == (
        "soon", "ticket", "approved", "survey",
    )  # fmt: skip
    assert "2026-04-13 app_store: 3" in as_markdown([late, soon])


# Metrics


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def recorded(lake: Lakehouse) -> pl.DataFrame:
    return pl.DataFrame(lake.scan("stage_metrics", predicate="stage = 'turnaround'").read_all())


def test_what_is_settled_adds_no_rows_and_what_is_mended_falls_to_0(lake: Lake) -> None:
    late = timed(groups({}), NO_RUNS, NOON + 100 * HOUR)
    assert record(lake, late, DEADLINES, 1.0, "one")[HOME]["late_decision"] == 1
    assert still_open(lake) == {HOME}
    assert record(lake, late, DEADLINES, 9.0, "two") == {}
    gone = record(lake, late.clear(), DEADLINES, 1.0, "three")
    assert gone[HOME]["late_decision"] == gone[HOME]["oldest_undecided_hours"] == 0
    assert still_open(lake) == set()
    assert record(lake, late.clear(), DEADLINES, 1.0, "four") == {}
    assert set(recorded(lake)["run_id"]) == {"one", "three"}


def test_runs_are_those_of_steps_once_each(lake: Lake) -> None:
    lake.ran("insights_daily")
    lake.ran("gold_topics")
    lake.put("stage_metrics", stage="insights_daily", metric="seconds")
    assert runs(lake, [DAY])["stage"].to_list() == ["insights_daily"]


# Spark


@pytest.fixture
def spark_runtime(runtime: Runtime, lake: Lake) -> Runtime:
    return replace(runtime, lakehouse=lake)


def test_spark_and_polars_say_the_same_and_the_job_tells_it(
    spark_runtime: Runtime, lake: Lake, settings: Settings, engine: SailEngine, tmp_path: Path
) -> None:
    lake.process(validation_state="pending")
    for name, state in (("a", "pending"), ("b", "auto_approved"), ("c", "pending")):
        lake.put("bronze_feedback", feedback_id=name, received_at=NOON - HOUR)
        lake.put("silver_feedback", feedback_id=name)
        lake.put("validated_feedback", feedback_id=name, validation_state=state)
    lake.put("bronze_feedback", feedback_id="d", received_at=NOON + 99 * HOUR)
    lake.put("silver_feedback", feedback_id="d", duplicate_of="a")
    lake.put("bronze_feedback", feedback_id="e")
    lake.put("silver_feedback", feedback_id="e")
    lake.put("quarantine", table="gold_topics", origin="e")
    lake.put("bronze_feedback", feedback_id="f")
    lake.put(
        "review_decisions",
        reviewer="dana",
        feedback_id="a",
        decision="edit",
        decided_at=NOON + HOUR,
    )
    lake.put(
        "review_decisions",
        reviewer="dana",
        feedback_id="a",
        decision="reject",
        decided_at=NOON + 2 * HOUR,
    )
    lake.put("ticket_items", feedback_id="b", added_at=NOON + 3 * HOUR)
    lake.ran("insights_daily", NOON + HOUR)
    by_spark, by_polars = ask(spark_runtime, [DAY]), ask_polars(lake, [DAY])
    assert_frame_equal(by_spark, by_polars, check_row_order=False)
    assert by_spark.schema == pl.DataFrame(GROUPS.empty_table()).schema
    states = {row["state"]: row["items"] for row in by_spark.group_by("state").agg(
        pl.col("items").sum()).to_dicts()}  # fmt: skip
    assert states == {
        "pending": 2, "auto_approved": 1, "rejected": 1, "duplicate": 1, "quarantined": 1,
        "landed": 1,
    }  # fmt: skip
    assert not spark_runtime.engine.session().catalog.listTables()
    assert ask(spark_runtime, [DAY + dt.timedelta(days=1)]).is_empty()

    watched = watch(spark_runtime, NOON + 100 * HOUR)
    assert watched.state == "late"
    assert "2026-04-13 app_store" in watched.message
    assert by_partition(timed(by_spark, runs(lake, [DAY]), NOON), DEADLINES).height == 1

    ours = settings.model_copy(update={"lakehouse": str(tmp_path / "lake")})
    done = dg.materialize(
        [turnaround], resources={"compute": Compute(ours, engine)}, raise_on_error=False,
        instance=dg.DagsterInstance.ephemeral(),
    )  # fmt: skip
    assert done.success, "a deadline that passed fails no run"
    (check,) = done.get_asset_check_evaluations()
    assert (check.check_name, check.passed, check.blocking) == ("deadlines", False, False)
    assert check.severity is dg.AssetCheckSeverity.ERROR
    assert "waiting for a person" in (check.description or "")
    (made,) = done.asset_materializations_for_node("turnaround")
    assert made.metadata["undecided"].value == 2
    assert "app_store" in str(made.metadata["overdue"].value)


@pytest.mark.parametrize(
    ("hours", "passed", "severity", "words"),
    [
        (1, True, dg.AssetCheckSeverity.ERROR, "as far as its age asks for"),
        (40, False, dg.AssetCheckSeverity.WARN, "SOON: 4 items waiting for a person, past 36 h"),
        (300, False, dg.AssetCheckSeverity.ERROR, "the oldest 12.5 days old"),
    ],
)
def test_the_check_climbs_the_ladder(
    hours: int, passed: bool, severity: dg.AssetCheckSeverity, words: str
) -> None:
    items = timed(groups({"items": 4}), ran("insights_daily", 0), NOON + hours * HOUR)
    check = check_result("deadlines", judged(Watched(told(items), overdue(items, DEADLINES), 1, 0)))
    assert (check.passed, check.severity) == (passed, severity)
    assert words in (check.description or "")


def test_the_job_is_there_and_its_schedule_waits_to_be_started() -> None:
    defs = dg.Definitions(
        [turnaround], jobs=[watch_turnaround], schedules=[hourly_turnaround],
        resources={"compute": Compute()},
    )  # fmt: skip
    assert defs.resolve_job_def("watch_turnaround").name == "watch_turnaround"
    schedule = defs.resolve_schedule_def("hourly_turnaround")
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
