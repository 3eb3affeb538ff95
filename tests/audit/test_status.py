"""Status: counts by partition, gates, and what has landed but was never processed."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from rich.console import Console

from feedback_assets.audit.status import NOT_PROCESSED, Counts, Status, status
from feedback_assets.audit.status_text import render
from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.tables import TABLES
from feedback_assets.pipeline.gate import REQUIRED_CHECKS, data_versions
from resources.lakehouse.delta import DeltaLakehouse

DAY = dt.date(2026, 4, 13)
HOME = Partition(DAY, "survey")
NOON = dt.datetime(2026, 4, 13, 12, tzinfo=dt.UTC)
FILLERS: dict[pa.DataType, Any] = {
    pa.string(): "x", pa.date32(): DAY, pa.timestamp("us", tz="UTC"): NOON, pa.bool_(): True,
    pa.int64(): 1, pa.float64(): 0.5,
}  # fmt: skip


@pytest.fixture
def lake(tmp_path: Path) -> DeltaLakehouse:
    return DeltaLakehouse(str(tmp_path))


def put(lake: DeltaLakehouse, name: str, **values: Any) -> None:
    table = TABLES[name]
    lake.ensure(table)
    row = {c.name: FILLERS.get(c.type, []) for c in table.columns if not c.nullable}
    row |= {"source": "survey", **values}
    lake.append(table, [pa.RecordBatch.from_pylist([row], schema=table.schema)])


def judge(lake: DeltaLakehouse, partition: Partition) -> None:
    for check, table in REQUIRED_CHECKS.items():
        version = data_versions(lake, TABLES[table], [partition])[partition]
        put(
            lake, "gate_status", day=partition.day, source=partition.source, check=check,
            table=table, data_version=version, passed=True, state="passed",
        )  # fmt: skip


def shown(found: Status, width: int = 100) -> str:
    stream = io.StringIO()
    render(found, Console(file=stream, width=width, color_system=None))
    text = stream.getvalue()
    assert max(map(len, text.splitlines())) <= width
    return text


def test_nothing_landed_says_what_to_do(lake: DeltaLakehouse) -> None:
    found = status(lake)
    assert found == Status((), Counts())
    assert "feedback demo" in shown(found)


def test_asking_a_missing_lakehouse_creates_nothing(tmp_path: Path) -> None:
    nowhere = DeltaLakehouse(str(tmp_path / "nothing" / "here"))
    assert status(nowhere).partitions == ()
    assert [p.gate_reason for p in status(nowhere, [HOME]).partitions] == [NOT_PROCESSED]
    assert not any(tmp_path.iterdir())


def test_counts_by_day_and_source_and_in_all(lake: DeltaLakehouse) -> None:
    later = DAY + dt.timedelta(days=1)
    for _ in range(3):
        put(lake, "bronze_feedback")
    put(lake, "bronze_feedback", day=later, source="social")
    put(lake, "silver_feedback")
    put(lake, "quarantine", table="silver_feedback")
    for state in ("auto_approved", "approved", "edited", "pending", "rejected"):
        put(lake, "validated_feedback", validation_state=state)
    put(lake, "tickets")
    put(lake, "ticket_items")
    judge(lake, HOME)
    found = status(lake)
    first, second = found.partitions
    assert first.counts == Counts(3, 1, 1, 1, 2, 1, 1, 1, 1)
    assert first.gate_open
    assert (second.day, second.source, second.counts) == (later, "social", Counts(bronze=1))
    assert not second.gate_open
    assert "no verdict" in (second.gate_reason or "")
    assert found.totals.bronze == 4
    for width in (80, 100):
        text = shown(found, width)
        assert "2026-04-13" in text
        assert "1 closed" in text
        assert "Blocked: 1 partition may open no tickets" in text
        assert "without a verdict: 2026-04-14 social" in " ".join(text.split())
    assert '"day": "2026-04-13"' in found.to_json()


def test_what_landed_and_was_never_processed_shows(lake: DeltaLakehouse) -> None:
    put(lake, "bronze_feedback")
    fresh = Partition(DAY, "zendesk")
    found = status(lake, [fresh, HOME])
    assert [p.source for p in found.partitions] == ["survey", "zendesk"]
    assert found.partitions[1].gate_reason == NOT_PROCESSED
    assert found.partitions[0].gate_reason != NOT_PROCESSED


def test_alike_reasons_are_told_once(lake: DeltaLakehouse) -> None:
    days = [Partition(DAY + dt.timedelta(days=n), "survey") for n in range(5)]
    found = status(lake, days)
    assert [(b.why, len(b.partitions)) for b in found.blocked] == [("not processed", 5)]
    text = shown(found, width=200)
    assert text.count(NOT_PROCESSED) == 1
    assert "and 2 more" in text


def test_what_failed_shows_its_value_and_an_override_who_gave_it(lake: DeltaLakehouse) -> None:
    put(lake, "bronze_feedback")
    judge(lake, HOME)
    version = data_versions(lake, TABLES["gold_feedback"], [HOME])[HOME]
    put(
        lake, "gate_status", day=DAY, check="drift_language", table="gold_feedback", passed=False,
        state="failed", value=0.614, threshold=0.2, detail="de rose from 4% to 61%",
        evaluated_at=NOON + dt.timedelta(hours=1), data_version=version,
    )  # fmt: skip
    found = status(lake, now=NOON)
    (reason,) = found.blocked
    assert (reason.why, reason.checks) == ("failed", ("drift_language",))
    for width in (80, 100):
        text = " ".join(shown(found, width).split())
        assert "drift_language failed: 2026-04-13 survey (0.614, allowed 0.2)" in text
        assert "de rose from 4% to 61%" in text
    put(
        lake, "gate_overrides", override_id="o-1", check="drift_language", operator="dana",
        reason="a campaign in Germany", new_normal=False, revoked=False,
        expires_at=NOON + dt.timedelta(days=1), recorded_at=NOON,
    )  # fmt: skip
    let_pass = status(lake, now=NOON + dt.timedelta(hours=2))
    assert let_pass.blocked == ()
    assert let_pass.partitions[0].overridden
    text = " ".join(shown(let_pass, 80).split())
    assert "dana lets drift_language pass on 2026-04-13 survey until 2026-04-14 12:00 UTC" in text
    assert "a campaign in Germany" in text
    assert '"operator": "dana"' in let_pass.to_json()
    assert status(lake, now=NOON + dt.timedelta(days=2)).overrides == ()
