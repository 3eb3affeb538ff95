"""The sample feed from landing file to ticket, and what running it again changes: nothing."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import json
import shutil
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feedback_assets.bronze.landing_step import BRONZE
from feedback_assets.contracts.partitions import SOURCES, Partition
from feedback_assets.contracts.tables import TABLES
from feedback_assets.gold.gold_steps import STEPS as GOLD_STEPS
from feedback_assets.gold.golden_judging import judge_partitions
from feedback_assets.insights.insights_step import INSIGHTS
from feedback_assets.pipeline.contract_check import check_contract
from feedback_assets.pipeline.runtime import Runtime, build_runtime
from feedback_assets.pipeline.step import Step, StepReport, run_step
from feedback_assets.quality.profile_judging import judge_profiles
from feedback_assets.quality.profile_step import PROFILE
from feedback_assets.review.validation_step import VALIDATION
from feedback_assets.silver.silver_step import SILVER
from feedback_assets.tickets.outcome_step import OUTCOMES
from feedback_assets.tickets.ticket_step import TICKETS_STEP
from feedback_assets.triage.cluster_step import CLUSTERS
from feedback_assets.triage.triage_step import TRIAGE_STEP
from resources.compute.connect import SailEngine
from resources.connectors import SOURCES as CONNECTORS
from resources.settings import Settings
from tests.conftest import PutOnRecord, rows

FEED = Path(__file__).parents[2] / "sample_feed"
DAYS = [dt.date(2026, 6, day) for day in (1, 2, 3)]
EVERYTHING = [Partition(day, source) for day in DAYS for source in SOURCES]
PATH: list[Step] = [
    BRONZE, SILVER, *GOLD_STEPS, PROFILE, CLUSTERS, TRIAGE_STEP, VALIDATION, INSIGHTS,
    TICKETS_STEP, OUTCOMES,
]  # fmt: skip


class Run:
    """The whole path over the sample feed, and the reports of its steps."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.reports = self.again(EVERYTHING)

    def again(self, partitions: list[Partition], run_id: str = "first") -> dict[str, StepReport]:
        runtime = replace(self.runtime, run_id=run_id)
        reports = {}
        for step in PATH:
            reports[step.name] = run_step(step, partitions, runtime)
            check_contract(step.writes, partitions, runtime.lakehouse, step.row_for_row, run_id)
            if step is PROFILE:
                judge_profiles(runtime, partitions)
            if step is VALIDATION:
                judge_partitions(runtime, partitions)
        return reports

    def rows(self, table: str) -> list[dict[str, Any]]:
        return rows(self.runtime, table)


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory,
    engine: SailEngine,
    models_folder: Path,
    put_on_record: PutOnRecord,
) -> Run:
    home = tmp_path_factory.mktemp("sample")
    shutil.copytree(models_folder, home / "models")
    settings = Settings(home=home, landing=str(FEED / "landing"))
    runtime = build_runtime(settings, "first", engine)
    put_on_record(runtime.lakehouse)
    return Run(runtime)


def records_in(path: Path) -> int:
    """Records of a landing file, counted without the project's reader."""
    raw = path.read_bytes()
    name = path.name
    if name.endswith(".gz"):
        raw, name = gzip.decompress(raw), name[:-3]
    if name.endswith(".parquet"):
        return pq.read_metadata(path).num_rows
    if name.endswith(".csv"):
        return sum(1 for row in csv.reader(raw.decode().splitlines(keepends=True)) if row) - 1
    if name.endswith(".jsonl"):
        return sum(1 for line in raw.split(b"\n") if line.strip())
    content = json.loads(raw)
    source = path.parent.parent.name
    return len(next(content[key] for key in CONNECTORS[source].containers if key in content))


def test_every_record_is_in_bronze_or_in_quarantine(run: Run) -> None:
    counted: Counter[str] = Counter()
    for table in ("bronze_feedback", "quarantine"):
        for row in run.rows(table):
            counted[row["origin"].partition("#")[0]] += 1
    files = [path for path in (FEED / "landing").rglob("*") if path.is_file()]
    expected = {str(path.relative_to(FEED / "landing")): records_in(path) for path in files}
    assert dict(counted) == expected


def test_payloads_are_kept_byte_for_byte(run: Run) -> None:
    lines = (FEED / "landing/zendesk/2026-06-02/tickets.jsonl").read_text("utf-8").split("\n")
    kept = [
        row
        for row in run.rows("bronze_feedback")
        if "zendesk/2026-06-02/tickets.jsonl" in row["origin"]
    ]
    assert kept
    for row in kept:
        assert row["payload"] == lines[int(row["origin"].partition("#")[2]) - 1]


def test_bad_records_say_what_and_where(run: Run) -> None:
    held = {row["origin"]: row["reason"].partition(":")[0] for row in run.rows("quarantine")}
    assert held["zendesk/2026-06-03/tickets.jsonl#19"] == "truncated_record"
    assert held["zendesk/2026-06-02/tickets.jsonl#14"] == "absurd_date"
    assert held["zendesk/2026-06-02/tickets.jsonl#5"] == "missing_body"
    assert held["social/2026-06-02/mentions.jsonl#13"] == "invalid_encoding"
    assert held["survey/2026-06-02/nps_export.csv#10"] == "broken_csv_row"
    assert len(held) == 13


def test_redeliveries_add_nothing_and_edits_are_revisions(run: Run) -> None:
    again = run.reports["silver_feedback"].counts[Partition(DAYS[2], "app_store")]
    assert again["dropped_redelivery"] == 10
    edited = [row for row in run.rows("silver_feedback") if row["revision"] > 1]
    first = {row["feedback_id"]: row for row in run.rows("silver_feedback")}
    assert len(edited) == 3
    for row in edited:
        before = first[row["supersedes"]]
        assert before["native_id"] == row["native_id"]
        assert (before["text"], before["rating"]) != (row["text"], row["rating"])


def test_a_resubmission_is_a_duplicate_and_equal_words_of_two_customers_are_not(run: Run) -> None:
    silver = {(row["source"], row["native_id"]): row for row in run.rows("silver_feedback")}
    again = silver["zendesk", "184609"]
    assert again["duplicate_of"] == silver["zendesk", "184407"]["feedback_id"]
    one, other = silver["zendesk", "184410"], silver["zendesk", "184459"]
    assert one["content_hash"] == other["content_hash"]
    assert one["duplicate_of"] is other["duplicate_of"] is None


def test_no_personal_data_beyond_bronze(run: Run) -> None:
    for table in ("silver_feedback", "gold_feedback", "gold_root_cause", "tickets"):
        text = json.dumps(run.rows(table), default=str)
        for secret in ("@example.", "4111 1111", "DE89 3704", "MRL-104"):
            assert secret not in text, (table, secret)


def test_evidence_stands_in_the_text(run: Run) -> None:
    texts = {row["feedback_id"]: row["text"] for row in run.rows("silver_feedback")}
    spans = 0
    for table in ("gold_sentiment", "gold_topics", "gold_root_cause", "gold_recommendation"):
        for row in run.rows(table):
            assert row["provenance"]["model_version"]
            assert row["provenance"]["run_id"] == "first"
            for span in row["evidence_spans"]:
                assert texts[row["feedback_id"]][span["start"] : span["end"]] == span["quote"]
                spans += 1
    assert spans > 1000


def test_the_stories_become_clusters(run: Run) -> None:
    stories = {}
    for part in ("part1", "part2"):
        with (FEED / "stories" / f"{part}.csv").open(encoding="utf-8") as file:
            stories |= {(r["source"], r["native_id"]): r["story"] for r in csv.DictReader(file)}
    names = {
        row["feedback_id"]: stories.get((row["source"], row["native_id"]))
        for row in run.rows("silver_feedback")
    }
    members: dict[str, Counter[str | None]] = defaultdict(Counter)
    for row in run.rows("feedback_clusters"):
        if row["cluster_id"]:
            members[row["cluster_id"]][names[row["feedback_id"]]] += 1
    large = [counts for counts in members.values() if counts.total() >= 8]
    assert len(large) >= 8
    pure = sum(counts.most_common(1)[0][1] for counts in large)
    assert pure / sum(counts.total() for counts in large) > 0.85
    told = {counts.most_common(1)[0][0] for counts in large}
    assert {"paylink", "delay_pt", "refund_missing", "search_filters", "double_charge"} <= told


def test_tickets_open_for_what_passed_and_only_that(run: Run) -> None:
    passed = {
        row["feedback_id"]
        for row in run.rows("validated_feedback")
        if row["validation_state"] in ("auto_approved", "approved", "edited") and row["open_ticket"]
    }
    items = run.rows("ticket_items")
    assert {row["feedback_id"] for row in items} <= passed
    tickets = run.rows("tickets")
    assert len(tickets) >= 8
    assert {row["state"] for row in tickets} == {"open"}
    assert len({row["cluster_id"] for row in tickets}) == len(tickets)
    assert any(row["queue"] == "PAY" and "PayLink" in row["payload"] for row in tickets)
    files = [path.stem for path in run.runtime.tracker.folder.glob("*.md")]  # type: ignore[attr-defined]
    assert sorted(files) == sorted(row["ticket_key"] for row in tickets)


def test_every_verdict_is_good(run: Run) -> None:
    verdicts = run.rows("gate_status")
    assert {row["table"] for row in verdicts} == {step.name for step in PATH}
    assert [row["detail"] for row in verdicts if not row["passed"]] == []


def without_floats(value: Any) -> Any:
    """`value` without its floats: sums over other batches differ in the last digits."""
    if isinstance(value, float):
        return None
    if isinstance(value, dict):
        return {key: without_floats(inner) for key, inner in value.items()}
    return [without_floats(inner) for inner in value] if isinstance(value, list) else value


def test_running_again_changes_nothing(run: Run) -> None:
    same = ("silver_feedback", "gold_topics", "feedback_clusters", "triage", "ticket_items")
    volatile = {"provenance", "ingested_at", "updated_at", "added_at", "run_id", "observed_at"}

    def state(table: str) -> list[str]:
        kept = [{k: v for k, v in row.items() if k not in volatile} for row in run.rows(table)]
        return sorted(json.dumps(without_floats(row), default=str) for row in kept)

    def confidences() -> dict[str, float]:
        return {row["feedback_id"]: row["confidence"] for row in run.rows("gold_topics")}

    surely = confidences()
    before = {table: state(table) for table in (*same, "tickets", "bronze_feedback")}
    # Days one at a time and out of order: what earlier days know must not depend on it.
    for day in (DAYS[2], DAYS[0], DAYS[1]):
        run.again([Partition(day, source) for source in SOURCES], f"again-{day}")
    after = {table: state(table) for table in before}
    for table in ("bronze_feedback", "silver_feedback", "gold_topics"):
        assert after[table] == before[table], table
    assert confidences() == pytest.approx(surely, abs=1e-3)
    keys = [row["idempotency_key"] for row in run.rows("tickets")]
    assert len(keys) == len(set(keys))
    linked = [row["feedback_id"] for row in run.rows("ticket_items")]
    assert len(linked) == len(set(linked))


def decide(run: Run, row: dict[str, Any], decision: str, **corrected: Any) -> None:
    """Record a reviewer's decision and carry its partition on to tickets."""
    made = {
        **{field.name: None for field in TABLES["review_decisions"].schema},
        **{name: row[name] for name in ("day", "source", "feedback_id")},
        "decision": decision,
        "reviewer": "r.reviewer",
        "reason": "read it",
        "decided_at": dt.datetime.now(dt.UTC),
        **corrected,
    }
    schema = TABLES["review_decisions"].schema
    run.runtime.lakehouse.append(
        TABLES["review_decisions"], [pa.RecordBatch.from_pylist([made], schema=schema)]
    )
    partition = Partition(row["day"], row["source"])
    runtime = replace(run.runtime, run_id=f"decided-{decision}")
    for step in (VALIDATION, INSIGHTS, TICKETS_STEP, OUTCOMES):
        run_step(step, [partition], runtime)
        check_contract(step.writes, [partition], runtime.lakehouse, step.row_for_row, "decided")
        if step is VALIDATION:
            judge_partitions(runtime, [partition])


def validated(run: Run, feedback_id: str) -> dict[str, Any]:
    return next(r for r in run.rows("validated_feedback") if r["feedback_id"] == feedback_id)


def test_what_a_person_approves_joins_its_ticket(run: Run) -> None:
    ticketed = {row["cluster_id"]: row for row in run.rows("tickets")}
    pending = next(
        row
        for row in run.rows("validated_feedback")
        if row["validation_state"] == "pending"
        and row["open_ticket"]
        and row["cluster_id"] in ticketed
    )
    decide(run, pending, "approve")
    decided = validated(run, pending["feedback_id"])
    assert (decided["validation_state"], decided["reviewer"]) == ("approved", "r.reviewer")
    ticket = ticketed[pending["cluster_id"]]
    (item,) = [r for r in run.rows("ticket_items") if r["feedback_id"] == pending["feedback_id"]]
    assert item["idempotency_key"] == ticket["idempotency_key"]
    folder: Path = run.runtime.tracker.folder  # type: ignore[attr-defined]
    assert pending["feedback_id"] in (folder / f"{ticket['ticket_key']}.md").read_text("utf-8")
    assert len(run.rows("tickets")) == len(ticketed)


def test_a_correction_stands_above_the_model(run: Run) -> None:
    row = next(r for r in run.rows("validated_feedback") if r["primary_category"] == "search")
    decide(run, row, "edit", categories=["delivery"], severity="critical")
    decided = validated(run, row["feedback_id"])
    assert decided["validation_state"] == "edited"
    assert decided["primary_category"] == "delivery"
    assert decided["severity"] == "critical"
    assert decided["sentiment"] == row["sentiment"]


def test_a_complaint_that_comes_back_gets_a_second_ticket(run: Run) -> None:
    tickets = run.rows("tickets")
    waiting = [
        row
        for row in run.rows("validated_feedback")
        if row["validation_state"] == "pending" and row["open_ticket"]
    ]
    row, ticket = next(
        (row, ticket)
        for row in waiting
        for ticket in tickets
        if row["cluster_id"] == ticket["cluster_id"]
    )
    file: Path = run.runtime.tracker.folder / f"{ticket['ticket_key']}.md"  # type: ignore[attr-defined]
    file.write_text(file.read_text("utf-8").replace("status: open", "status: done"), "utf-8")
    opened_in = Partition(ticket["day"], ticket["source"])
    run_step(OUTCOMES, [opened_in], replace(run.runtime, run_id="observe"))
    decide(run, row, "approve")
    both = [r for r in run.rows("tickets") if r["cluster_id"] == row["cluster_id"]]
    assert sorted(r["state"] for r in both) == ["closed", "open"]
    assert len({r["idempotency_key"] for r in both}) == 2
    outcome = run_step(OUTCOMES, [opened_in], replace(run.runtime, run_id="observe-again"))
    assert outcome.counts[opened_in]["rows_quarantined"] == 0
    came_back = {
        r["idempotency_key"]: r["items_after_resolution"] for r in run.rows("ticket_outcomes")
    }
    assert came_back[ticket["idempotency_key"]] == 1


def test_contracts_cover_every_table(run: Run) -> None:
    for step in PATH:
        stored = run.runtime.lakehouse.physical_schema(step.name)
        assert tuple(stored.names) == TABLES[step.name].column_names
