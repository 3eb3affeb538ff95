"""Rows in and out, tables older than what they are made from, and what the gate makes of both."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from feedback_assets.contracts.partitions import predicate
from feedback_assets.contracts.quality_rules import read_quality_rules
from feedback_assets.contracts.tables import TABLES
from feedback_assets.pipeline.contract_check import check_contract
from feedback_assets.pipeline.gate import data_versions
from feedback_assets.pipeline.step import Step
from resources.lakehouse.delta import DeltaLakehouse
from tests.audit.lake import HOME, OTHER
from tests.pipeline.contract_tables import (
    CONTRACTS,
    NEXT_DAY,
    PATH,
    STEPS,
    at,
    batch,
    closed_by,
    item,
    judge,
    judge_path,
    make,
    make_path,
    put,
    record,
    told,
)

MINUTES = len(PATH)


@pytest.fixture
def lake(tmp_path: Path) -> DeltaLakehouse:
    return DeltaLakehouse(str(tmp_path))


def test_rows_that_are_lost_on_the_way_are_counted(lake: DeltaLakehouse) -> None:
    make_path(lake, *range(5))
    counts = {"rows_in": 10, "rows_out": 5, "rows_quarantined": 1, "dropped_duplicate": 2}
    record(lake, "gold_topics", minutes=MINUTES, **counts)
    finding = judge(lake, "gold_topics", row_for_row=True)[HOME]
    assert finding.broken == 2
    assert finding.told == (
        "10 rows of silver_feedback in, 8 accounted for (1 quarantined, 5 out, 2 dropped "
        "duplicate); materialize gold_topics again on this partition"
    )


def test_rows_quarantined_and_known_duplicates_are_accounted_for(lake: DeltaLakehouse) -> None:
    make_path(lake, *range(5))
    counts = {"rows_in": 8, "rows_out": 5, "rows_quarantined": 1, "dropped_duplicate": 2}
    record(lake, "gold_topics", minutes=MINUTES, **counts)
    assert judge(lake, "gold_topics", row_for_row=True)[HOME].passed
    # The same figures of an earlier run say nothing of the later one.
    record(lake, "gold_topics", minutes=MINUTES + 1, rows_in=6, rows_out=5)
    assert "6 rows of silver_feedback in, 5 accounted for" in (
        told(lake, "gold_topics", row_for_row=True)
    )


def test_rows_that_no_run_wrote_are_counted(lake: DeltaLakehouse) -> None:
    make_path(lake, 1, 2)
    put(lake, "silver_feedback", item(3), item(4))
    put(lake, "triage", item(3))
    assert told(lake, "triage", row_for_row=True) == (
        "3 rows stored, 2 were written by the run of 2026-04-13 12:09:00 UTC; materialize triage "
        "again on this partition"
    )
    put(lake, "silver_feedback", item(1, NEXT_DAY))
    put(lake, "triage", item(1, NEXT_DAY))
    assert told(lake, "triage", NEXT_DAY, row_for_row=True) == (
        "no run of triage is on record for 1 row; materialize triage again on this partition"
    )


def test_a_table_is_older_than_what_was_made_again(lake: DeltaLakehouse) -> None:
    make_path(lake, 1, 2)
    make_path(lake, 1, 2, partition=NEXT_DAY)
    assert judge(lake, "gold_topics")[HOME].passed
    make(lake, "silver_feedback", item(1), item(2), minutes=40)
    assert told(lake, "gold_topics", row_for_row=True) == (
        "made 2026-04-13 12:04:00 UTC, older than silver_feedback (made 2026-04-13 12:40:00 UTC); "
        "materialize gold_topics again on this partition"
    )
    assert judge(lake, "gold_topics", [NEXT_DAY])[NEXT_DAY].passed
    # Tables made of other tables are held to those.
    assert judge(lake, "triage")[HOME].passed
    make(lake, "gold_topics", item(1), item(2), minutes=41)
    assert "older than gold_topics (made 2026-04-13 12:41:00 UTC), silver_feedback (" in (
        told(lake, "gold_feedback")
    )


def test_of_many_newer_inputs_the_latest_are_named(lake: DeltaLakehouse) -> None:
    make_path(lake, 1)
    names = TABLES["gold_feedback"].made_from
    for nth, name in enumerate(names):
        make(lake, name, item(1), minutes=40 + nth)
    found = told(lake, "gold_feedback")
    assert [name for name in names if name in found] == list(names[-3:])
    assert f" and {len(names) - 3} more; materialize gold_feedback again" in found


def test_a_table_that_was_never_made_does_not_pass_for_empty(lake: DeltaLakehouse) -> None:
    make(lake, "bronze_feedback", item(1))
    make(lake, "silver_feedback", item(1), minutes=1)
    assert told(lake, "gold_translation", row_for_row=True) == (
        "never made on this partition, though there is silver_feedback (made 2026-04-13 12:01:00 "
        "UTC); materialize gold_translation"
    )
    # A day without data has nothing to be made of.
    assert judge(lake, "gold_translation", [NEXT_DAY], True)[NEXT_DAY].passed
    for nth, step in enumerate(PATH):
        make(lake, step.name, minutes=nth, partition=NEXT_DAY)
    assert judge_path(lake, NEXT_DAY) == {}


def test_files_that_bring_nothing_new_make_nothing_older(lake: DeltaLakehouse) -> None:
    make_path(lake, 1)
    make(lake, "bronze_feedback", minutes=60)
    assert judge_path(lake) == {}
    make(lake, "bronze_feedback", item(2), minutes=61)
    assert "older than bronze_feedback" in judge_path(lake)["silver_feedback"]


def test_age_only_warns_where_the_rules_say_so(lake: DeltaLakehouse) -> None:
    assert read_quality_rules().freshness.action == "block"
    make_path(lake, 1)
    make(lake, "silver_feedback", item(1), minutes=40)
    found = check_contract(TABLES["gold_topics"], [HOME], lake, True, "run", freshness="warn")
    assert (found[HOME].passed, found[HOME].state) == (True, "warned")
    assert "older than silver_feedback" in found[HOME].told


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_what_a_table_is_made_from_is_what_its_step_reads(step: Step) -> None:
    table = step.writes
    if table.group == "tickets":
        # What was sent stays sent, whatever is made again.
        assert table.made_from == ()
    else:
        assert set(table.made_from) == set(step.reads) - {"review_decisions"}
        assert table.made_from[:1] == step.reads[:1]


@pytest.mark.parametrize("name", list(CONTRACTS.values()))
def test_the_gate_closes_when_what_a_table_is_made_from_changes(
    lake: DeltaLakehouse, name: str
) -> None:
    make_path(lake, 1, 2)
    assert judge_path(lake) == {}
    assert closed_by(lake) == ""
    make(lake, name, *([] if name == "bronze_feedback" else [item(1)]), item(2), minutes=40)
    reasons = closed_by(lake).split("; ")
    affected = [t for t in CONTRACTS.values() if name in (t, *TABLES[t].made_from)]
    assert reasons == [
        f"{table}_contract: verdict is older than the data, run the check again"
        for table in affected
    ]


def test_silver_made_again_alone_opens_no_ticket_until_the_rest_follows(
    lake: DeltaLakehouse,
) -> None:
    make_path(lake, 1, 2)
    assert judge_path(lake) == {}
    make(lake, "silver_feedback", item(1, text="Other words"), item(2), minutes=40)
    assert "gold_topics_contract: verdict is older" in closed_by(lake)
    # Running the checks again is not enough: they say what is.
    found = judge_path(lake)
    assert set(found) == {t for t in CONTRACTS.values() if "silver_feedback" in TABLES[t].made_from}
    assert "materialize gold_topics again on this partition" in closed_by(lake)
    # Nor are some of the tables.
    make_path(lake, 1, 2, minutes=41, since="gold_feedback")
    assert "gold_feedback" not in judge_path(lake)
    assert "gold_topics_contract: failed: made 2026-04-13 12:04:00 UTC" in closed_by(lake)
    make_path(lake, 1, 2, minutes=60, since="gold_translation")
    assert judge_path(lake) == {}
    assert closed_by(lake) == ""


def test_what_comes_later_by_right_leaves_the_gate_open(lake: DeltaLakehouse) -> None:
    make_path(lake, 1, 2)
    make_path(lake, 1, 2, partition=NEXT_DAY)
    assert judge_path(lake) == {}
    put(lake, "review_decisions", item(1, reviewer="r.reviewer", decided_at=at(90)))
    put(lake, "tickets", item(0))
    put(lake, "ticket_items", item(1), item(2))
    later = batch(TABLES["tickets"], item(0, state="closed"))
    lake.merge(TABLES["tickets"], ["idempotency_key"], pa.Table.from_batches([later]))
    record(lake, "tickets", minutes=90, rows_in=2, rows_out=1)
    make_path(lake, 1, minutes=40, partition=NEXT_DAY)
    put(lake, "silver_feedback", item(8, NEXT_DAY, duplicate_of=OTHER))
    assert closed_by(lake) == ""
    assert judge_path(lake) == {}


def test_a_fingerprint_is_the_same_however_many_partitions_are_asked_for(
    lake: DeltaLakehouse,
) -> None:
    make_path(lake, 1)
    make_path(lake, 1, partition=NEXT_DAY)
    for name in CONTRACTS.values():
        both = data_versions(lake, TABLES[name], [HOME, NEXT_DAY])
        assert both == {
            **data_versions(lake, TABLES[name], [HOME]),
            **data_versions(lake, TABLES[name], [NEXT_DAY]),
        }
        assert both[HOME] != both[NEXT_DAY]
    before = data_versions(lake, TABLES["triage"], [HOME])
    lake.replace(TABLES["feedback_clusters"], predicate([HOME]), [])
    assert data_versions(lake, TABLES["triage"], [HOME]) != before
