"""The contract check on real tables: values, keys and references, by name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from feedback_assets.contracts.partitions import SOURCES, Partition
from feedback_assets.contracts.tables import TABLES
from feedback_assets.pipeline import contract_check
from resources.lakehouse.delta import DeltaLakehouse
from tests.audit.lake import DAY, HOME, OTHER
from tests.pipeline.contract_tables import (
    NEXT_DAY,
    PATH,
    batch,
    item,
    judge,
    make,
    make_path,
    put,
    told,
)


@pytest.fixture
def lake(tmp_path: Path) -> DeltaLakehouse:
    return DeltaLakehouse(str(tmp_path))


def test_broken_rules_are_counted_by_column_and_rule_with_their_values(
    lake: DeltaLakehouse,
) -> None:
    names = range(12)
    make_path(lake, *names)
    broken = [item(n, confidence=1.5 + n) for n in names[:4]]
    broken += [item(n, severity="awful", confidence=-1.0) for n in names[4:6]]
    broken += [item(n, categories=["payment", "sofas"]) for n in names[6:7]]
    make(lake, "gold_topics", *broken, *(item(n) for n in names[7:]), minutes=50)
    finding = judge(lake, "gold_topics")[HOME]
    assert finding.broken == 7
    assert finding.told == (
        "confidence: less_than_or_equal_to(1): 4 rows, such as 1.5, 2.5, 3.5; "
        "severity: isin(['low', 'medium', 'high', 'critical']): 2 rows, such as awful; "
        "confidence: greater_than_or_equal_to(0): 2 rows, such as -1.0; "
        "and 1 more; materialize gold_topics again on this partition"
    )


def test_closed_lists_and_long_values_stay_short(lake: DeltaLakehouse) -> None:
    make_path(lake, 1)
    make(lake, "gold_topics", item(1, categories=["x" * 500], sub_category="y" * 500), minutes=50)
    found = told(lake, "gold_topics")
    assert "categories: non-empty, isin: 1 row, such as [" in found
    assert "sub_category: isin([" in found
    assert len(found) < 450


def test_nulls_are_counted(lake: DeltaLakehouse) -> None:
    # Delta itself refuses nulls while the table says so; whoever drops that is still found out.
    columns = tuple(replace(c, nullable=True) for c in TABLES["triage"].columns)
    loose = replace(TABLES["triage"], columns=columns)
    put(lake, "silver_feedback", item(1), item(2), item(3))
    rows = [item(1, queue=None), item(2, queue=None), item(3)]
    lake.append(loose, [batch(loose, *rows)])
    finding = judge(lake, "triage")[HOME]
    assert finding.broken == 2
    assert finding.told == (
        "queue: not_nullable: 2 rows; materialize triage again on this partition"
    )


def test_quotes_that_are_not_in_their_text_are_counted_together(lake: DeltaLakehouse) -> None:
    make_path(lake, 1, 2)
    spans = [[{"start": n, "end": n + 4, "quote": "nope"}] for n in (3, 7)]
    rows = [item(n, evidence_spans=s) for n, s in enumerate(spans, 1)]
    make(lake, "gold_feedback", *rows, minutes=50)
    assert "evidence_spans: not in the text: 2 rows, such as nope" in told(lake, "gold_feedback")


def test_rows_that_share_a_key_are_counted_and_named(lake: DeltaLakehouse) -> None:
    make_path(lake, *range(1, 7))
    put(lake, "triage", *(item(n) for n in range(1, 5)), item(1))
    finding = judge(lake, "triage")[HOME]
    assert finding.broken == 9
    assert (
        "9 rows share a key (feedback_id): fb1, fb2, fb3 and 1 more; materialize triage again"
        in (finding.told)
    )


def test_a_key_may_recur_in_another_partition(lake: DeltaLakehouse) -> None:
    for partition in (HOME, NEXT_DAY):
        make_path(lake, 1, partition=partition)
    found = judge(lake, "triage", [HOME, NEXT_DAY])
    assert {p: (f.passed, f.rows) for p, f in found.items()} == {
        HOME: (True, 1), NEXT_DAY: (True, 1)
    }  # fmt: skip


@pytest.mark.parametrize("name", [step.name for step in PATH if step.name.startswith("gold_")])
def test_every_gold_row_needs_its_silver_row(lake: DeltaLakehouse, name: str) -> None:
    make_path(lake, 1, 2)
    # One is another partition's, one was sent twice and is read where it came first.
    put(lake, "silver_feedback", item(4, NEXT_DAY), item(5, duplicate_of=OTHER))
    put(lake, name, *(item(n) for n in (4, 5, 6, 7)))
    finding = judge(lake, name)[HOME]
    assert finding.broken == 4
    assert finding.told == (
        "4 rows without a row in silver_feedback (of those without duplicate_of) of this "
        f"partition: fb4, fb5, fb6 and 1 more; materialize {name} again on this partition"
    )


def test_every_table_of_items_on_the_path_refers_to_the_one_it_comes_from() -> None:
    for step in PATH[1:]:
        wanted = "bronze_feedback" if step.name == "silver_feedback" else "silver_feedback"
        (reference,) = step.writes.references
        assert (reference.table, reference.key) == (wanted, ("feedback_id",))
        assert not reference.anywhere


def test_items_of_tickets_are_judged_with_them(lake: DeltaLakehouse) -> None:
    # A complaint's items come on many days; its ticket stands where it was opened.
    put(lake, "tickets", item(0, NEXT_DAY, idempotency_key="feedback-a"))
    put(lake, "ticket_items", item(1, idempotency_key="feedback-a"))
    assert judge(lake, "tickets")[HOME].passed
    put(lake, "ticket_items", item(2, idempotency_key="feedback-b"))
    assert told(lake, "tickets") == (
        "ticket_items: 1 row without a row in tickets: feedback-b; mend these rows, or restore "
        "them from an earlier version of ticket_items"
    )
    assert judge(lake, "tickets", [NEXT_DAY])[NEXT_DAY].passed


def test_outcomes_are_of_tickets_of_their_partition(lake: DeltaLakehouse) -> None:
    put(lake, "tickets", item(0, NEXT_DAY, idempotency_key="feedback-a"))
    put(lake, "ticket_outcomes", item(0, NEXT_DAY, idempotency_key="feedback-a"))
    assert judge(lake, "ticket_outcomes", [NEXT_DAY])[NEXT_DAY].passed
    put(lake, "ticket_outcomes", item(0, idempotency_key="feedback-a"))
    assert "1 row without a row in tickets of this partition: feedback-a" in (
        told(lake, "ticket_outcomes")
    )


class Counting(DeltaLakehouse):
    """Counts how often rows are asked for."""

    scans = 0

    def scan(
        self, name: str, columns: Sequence[str] | None = None, predicate: str | None = None
    ) -> pa.RecordBatchReader:
        self.scans += 1
        return super().scan(name, columns, predicate)


@pytest.mark.parametrize("bulk", [50, contract_check.BULK_ROWS])
def test_a_range_is_read_as_often_as_one_partition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bulk: int
) -> None:
    monkeypatch.setattr(contract_check, "BULK_ROWS", bulk)
    lake = Counting(str(tmp_path))
    places = [Partition(DAY + dt.timedelta(days=n), s) for n in range(30) for s in SOURCES]
    lake.append(TABLES["silver_feedback"], [
        batch(TABLES["silver_feedback"], *(item(n, p) for n, p in enumerate(places)))
    ])  # fmt: skip
    rows = [item(n, p) for n, p in enumerate(places)]
    rows[17]["lane"], rows[140]["feedback_id"] = "elsewhere", "fb-lost"
    lake.append(TABLES["triage"], [batch(TABLES["triage"], *rows)])
    contract_check.check_contract(TABLES["triage"], places[:1], lake, False, "run")
    once, lake.scans = lake.scans, 0
    found = contract_check.check_contract(TABLES["triage"], places, lake, False, "run")
    assert lake.scans == once
    assert {p: f.rows for p, f in found.items()} == dict.fromkeys(places, 1)
    failed = {partition: finding.told for partition, finding in found.items() if finding.broken}
    assert failed.keys() == {places[17], places[140]}
    assert "lane: isin" in failed[places[17]]
    assert "fb-lost" in failed[places[140]]
