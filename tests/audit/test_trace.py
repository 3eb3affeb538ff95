"""Traces: every way a path can end, told from small tables written row by row."""

from __future__ import annotations

import datetime as dt
import io
import re
from pathlib import Path

import orjson
import pytest
from rich.console import Console

from feedback_assets.audit.terminal import head, period
from feedback_assets.audit.trace import NOTHING_PROCESSED, UnknownIdentifier, trace
from feedback_assets.audit.trace_text import printable, render
from feedback_assets.contracts.tables import TABLES
from feedback_assets.pipeline.gate import REQUIRED_CHECKS
from resources.lakehouse.delta import DeltaLakehouse
from tests.audit.lake import (
    CLUSTER,
    DAY,
    DEFAULTS,
    ITEM,
    KEY,
    NOON,
    OTHER,
    PATH,
    QUOTE,
    STARTS,
    TEXT,
    Lake,
    in_order,
    shown,
)

CHECKS = len(REQUIRED_CHECKS)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path))


def ending(lake: Lake, identifier: str = ITEM) -> tuple[str, str]:
    found = trace(lake, identifier)
    assert found.item is not None
    assert found.item.ending.reason in " ".join(shown(found, width=4000).split("\n"))
    return found.item.ending.kind, found.item.ending.reason


def test_a_ticket_is_told_from_source_text_to_tracker(lake: Lake) -> None:
    lake.process()
    lake.land(day=dt.date(2026, 4, 15), origin="app_store/2026-04-15/again.jsonl#1")
    lake.put("review_decisions", reviewer="ana", reason="seen it", decided_at=NOON)
    lake.put("tickets", payload='{"body": "b"}')
    lake.put("ticket_items")
    lake.judge()
    found = trace(lake, f" {ITEM} ")
    item = found.item
    assert item is not None
    assert item.ending.kind == "ticket"
    assert [d.origin[-1] for d in item.deliveries] == ["7", "1"]
    assert (item.day, item.source) == (DAY, "app_store")
    assert item.said is not None
    assert item.said.source_metadata == {"territory": "DE"}
    assert [f.stage for f in item.findings] == list(PATH[:4])
    for finding in item.findings:
        (quote,) = finding.evidence
        assert item.said.text[quote.start : quote.end] == quote.quote
        assert finding.provenance.model_version == "m-7"
    assert item.cluster is not None
    assert item.cluster.size == 1
    assert item.gate.open
    assert not any(check.stale for check in item.gate.checks)
    assert item.tickets[0].ticket is not None
    glance, landed, rest = shown(found).partition("1. Landed")
    in_order(
        glance, "became a ticket: in ticket PAY-3 (open)", "My card was charged twice",
        "payment (wrong_charge), high severity, negative", "Names a double charge", CLUSTER,
        "fast lane, priority 70: fast-severe", "auto approved",
        f"open: {CHECKS} of {CHECKS} checks",
        "PAY-3, joined 2026-04-13 12:00 UTC: Charged twice",
    )  # fmt: skip
    in_order(
        landed + rest, "reviews.jsonl#7", "ab" * 32, "My card was »charged twice«",
        f"characters {STARTS} to", "run run-gold", CLUSTER, "fast-severe", "auto approved",
        "approve by ana; seen it", f"{CHECKS} of {CHECKS} checks", "PAY-3", "Charged twice",
        "run-triage",
    )  # fmt: skip
    assert shown(found, width=120)


def test_json_says_the_same_with_iso_times_and_without_payloads(lake: Lake) -> None:
    lake.land(payload='{"mail": "ana@example.com"}')
    told = orjson.loads(trace(lake, ITEM).to_json())
    assert told["kind"] == "item"
    delivery = told["item"]["deliveries"][0]
    assert delivery["received_at"] == "2026-04-13T12:00:00Z"
    assert delivery["day"] == "2026-04-13"
    assert "ana@" not in trace(lake, ITEM).to_json()


def test_landed_but_silver_has_yet_to_run(lake: Lake) -> None:
    lake.land()
    kind, reason = ending(lake)
    assert kind == "in_progress"
    assert "feedback run --day 2026-04-13 --source app_store" in reason


def test_landed_after_silver_last_ran(lake: Lake) -> None:
    lake.land()
    lake.ran("silver_feedback", NOON - dt.timedelta(hours=1))
    kind, reason = ending(lake)
    assert kind == "in_progress"
    assert "2026-04-13 11:00" in reason


def test_quarantined_on_the_way_to_silver(lake: Lake) -> None:
    lake.land()
    lake.ran("silver_feedback")
    lake.put("quarantine", reason="missing_body: no text", raw="secret")
    kind, reason = ending(lake)
    assert (kind, reason) == ("quarantined", "kept out of silver_feedback: missing_body: no text")
    assert "secret" not in trace(lake, ITEM).to_json()


def test_quarantined_at_a_model_stage_names_the_first_table(lake: Lake) -> None:
    lake.process(until="gold_topics")
    for table in ("gold_feedback", "gold_sentiment"):
        lake.put("quarantine", table=table, origin=ITEM, reason=f"contract: {table}")
    assert ending(lake) == ("quarantined", "kept out of gold_sentiment: contract: gold_sentiment")


def test_a_quarantined_redelivery_does_not_end_the_path(lake: Lake) -> None:
    lake.process()
    later = dt.date(2026, 4, 14)
    lake.land(day=later)
    lake.put("quarantine", day=later)
    assert ending(lake)[0] != "quarantined"
    item = trace(lake, ITEM).item
    assert item is not None
    assert len(item.quarantined) == 1


def test_a_redelivery_names_what_silver_holds(lake: Lake) -> None:
    lake.process()
    lake.land(feedback_id=OTHER, origin="app_store/2026-04-13/b.jsonl#1")
    kind, reason = ending(lake, OTHER)
    assert kind == "redelivery"
    assert ITEM in reason


def test_an_item_no_table_accounts_for_is_said_so(lake: Lake) -> None:
    lake.land()
    lake.ran("silver_feedback")
    assert ending(lake)[0] == "unaccounted"


def test_a_gold_row_that_is_missing_after_its_run_is_unaccounted(lake: Lake) -> None:
    lake.process(until="gold_topics")
    assert ending(lake)[0] == "in_progress"
    lake.ran("gold_sentiment")
    kind, reason = ending(lake)
    assert kind == "unaccounted"
    assert "gold_sentiment" in reason


def test_a_duplicate_points_to_the_first(lake: Lake) -> None:
    lake.process(until="silver_feedback", duplicate_of=OTHER)
    kind, reason = ending(lake)
    assert kind == "duplicate"
    assert OTHER in reason


def test_revisions_point_to_each_other(lake: Lake) -> None:
    lake.process()
    lake.put("silver_feedback", feedback_id=OTHER, revision=2, supersedes=ITEM)
    found = trace(lake, ITEM)
    assert found.item is not None
    assert found.item.superseded_by == (OTHER,)
    assert f"superseded by {OTHER}" in shown(found)


def test_pending_waits_for_a_person(lake: Lake) -> None:
    lake.process(validation_state="pending", lane="review", auto_approve=False)
    kind, reason = ending(lake)
    assert kind == "pending"
    assert "review lane" in reason


def test_rejected_says_who_and_why(lake: Lake) -> None:
    lake.process(validation_state="rejected", reviewer="ana", decision_reason="spam")
    assert ending(lake) == ("rejected", "rejected by ana: spam")


def test_bulk_is_counted_only(lake: Lake) -> None:
    lake.process(lane="bulk", open_ticket=False)
    kind, reason = ending(lake)
    assert kind == "counted"
    assert "bulk lane" in reason


def test_without_a_complaint_nothing_is_opened(lake: Lake) -> None:
    lake.process(cluster_id=None, similarity=None, cluster_label=None)
    assert ending(lake)[0] == "counted"


def test_a_closed_gate_gives_the_reason(lake: Lake) -> None:
    lake.process()
    lake.judge(failing="triage_contract")
    kind, reason = ending(lake)
    assert kind == "gate_closed"
    assert "triage_contract: failed: 3 rows broken" in reason
    in_order(
        shown(trace(lake, ITEM)), "held at the gate", f"closed: {CHECKS - 1} of {CHECKS} checks",
        "FAILED", "3 rows broken",
    )  # fmt: skip


def test_verdicts_go_stale_with_the_data(lake: Lake) -> None:
    lake.process()
    lake.judge()
    assert ending(lake)[0] == "approved"
    lake.put("triage", feedback_id=OTHER)
    found = trace(lake, ITEM).item
    assert found is not None
    # What is made from it was judged on other data too.
    assert {check.check for check in found.gate.checks if check.stale} == {
        check
        for check, table in REQUIRED_CHECKS.items()
        if "triage" in (table, *TABLES[table].made_from)
    }
    assert found.ending.kind == "gate_closed"


@pytest.mark.parametrize(
    ("state", "words"),
    [("planned", "not yet sent"), ("unknown", "answer was lost"), ("failed", "refused")],
)
def test_a_ticket_that_did_not_arrive_says_so(lake: Lake, state: str, words: str) -> None:
    lake.process()
    lake.put("tickets", state=state, ticket_key=None, payload="{}")
    lake.put("ticket_items")
    kind, reason = ending(lake)
    assert kind == "ticket"
    assert KEY in reason
    assert words in reason


def test_a_cluster_shows_its_first_members_facts_and_tickets(lake: Lake) -> None:
    for number in range(23):
        ids = {"feedback_id": f"fb{number:020x}", "day": dt.date(2026, 4, 13 + number % 2)}
        lake.put("feedback_clusters", **ids)
        if number < 4:
            lake.put("silver_feedback", **ids)
            lake.put("validated_feedback", **ids, severity="high" if number else "critical")
    lake.put("tickets", payload="{}")
    found = trace(lake, CLUSTER)
    cluster = found.cluster
    assert cluster is not None
    assert (found.kind, cluster.size, len(cluster.members)) == ("cluster", 23, 20)
    assert [count.items for count in cluster.by_partition] == [12, 11]
    assert cluster.facts["severity"] == {"high": 3, "critical": 1}
    assert cluster.members[0].text_head == TEXT
    text = shown(found)
    assert "20 of 23" in text
    assert "PAY-3" in text


@pytest.mark.parametrize("identifier", ["PAY-3", "pay-3", KEY])
def test_a_ticket_shows_its_items_in_short(lake: Lake, identifier: str) -> None:
    lake.process()
    lake.put("tickets", payload="{}")
    lake.put("ticket_items")
    lake.put("ticket_outcomes")
    found = trace(lake, identifier)
    assert found.ticket is not None
    assert found.ticket.outcome is not None
    assert found.ticket.outcome.status == "To Do"
    (member,) = found.ticket.members
    assert (member.feedback_id, member.rule_ids) == (ITEM, ("fast-severe", "owner-by-area"))
    assert found.ticket.facts["rule_ids"] == {"fast-severe": 1, "owner-by-area": 1}
    assert found.ticket.highest_priority == 70
    in_order(
        shown(found), "Charged twice", "To Do", "1 in this ticket", "payment",
        "fast-severe, owner-by-area", ITEM, "auto approved",
    )  # fmt: skip
    assert "resolved" not in shown(found)


def test_items_that_came_after_a_fix_are_told(lake: Lake) -> None:
    lake.put("tickets", payload="{}")
    lake.put("ticket_outcomes", status="Done", resolved_at=NOON, items_after_resolution=1)
    text = shown(trace(lake, "PAY-3"))
    assert "2026-04-13 12:00 UTC; 1 item came after it" in text
    assert "0 in this ticket" in text


def test_a_correction_shows_as_it_stands(lake: Lake) -> None:
    lake.process(validation_state="edited", reviewer="ana", decision_reason="it is a refund")
    lake.put("review_decisions", decision="edit", reviewer="ana", severity="low", decided_at=NOON)
    text = shown(trace(lake, ITEM))
    assert "edited by ana: it is a refund" in text
    assert "edit by ana" in text
    assert "severity: low" in text


def test_a_quarantined_line_is_found_by_its_origin(lake: Lake) -> None:
    origin = "app_store/2026-04-13/reviews.jsonl#9"
    lake.put("quarantine", table="bronze_feedback", origin=origin, reason="not_json: line 9")
    found = trace(lake, origin)
    assert found.kind == "quarantined"
    assert "not_json: line 9" in shown(found)


def test_a_landed_line_leads_to_its_item(lake: Lake) -> None:
    lake.land()
    lake.land(feedback_id=OTHER, ingested_at=NOON + dt.timedelta(hours=1))
    found = trace(lake, DEFAULTS["origin"])
    assert found.item is not None
    assert found.item.feedback_id == OTHER
    assert found.other_items == (ITEM,)


@pytest.mark.parametrize("identifier", [ITEM, CLUSTER, KEY, "PAY-9", "x#1", "it's", ""])
def test_an_unknown_identifier_says_what_is_known(lake: Lake, identifier: str) -> None:
    lake.land(feedback_id=OTHER)
    forms = r"(?s)nothing is on record .* feedback id .* cluster id .* ticket key .* feedback-"
    with pytest.raises(UnknownIdentifier, match=forms):
        trace(lake, identifier)


@pytest.mark.parametrize("identifier", [ITEM, CLUSTER, KEY, "PAY-9", "app_store/2026-04-13/a#1"])
def test_an_empty_lakehouse_says_so_and_stays_empty(tmp_path: Path, identifier: str) -> None:
    nowhere = tmp_path / "nothing" / "here"
    with pytest.raises(UnknownIdentifier, match=re.escape(NOTHING_PROCESSED)):
        trace(DeltaLakehouse(str(nowhere)), identifier)
    assert not any(tmp_path.iterdir())


def test_feedback_cannot_drive_the_terminal(lake: Lake) -> None:
    hostile = "[bold]\x1b[2J\u202egnp\tcharged twice"
    begin = hostile.index(QUOTE)
    spans = [{"start": begin, "end": begin + len(QUOTE), "quote": QUOTE}]
    lake.process(text=hostile, evidence_spans=spans)
    stream = io.StringIO()
    render(trace(lake, ITEM), Console(file=stream, width=100, force_terminal=True))
    text = stream.getvalue()
    assert "\x1b[2J" not in text
    assert "\u202e" not in text
    assert "[bold]" in text
    # Once in the customer's text and once under the first of four findings that quote it.
    assert text.count(f"{QUOTE}\x1b[0m") == 1
    assert text.count(f"{QUOTE}”\x1b[0m") == 1
    assert text.count("as for topics, above") == 3


def test_printable_keeps_every_offset() -> None:
    wild = "a\x00\r\n\t\x85\ud800\u2066b"
    assert len(printable(wild)) == len(wild)


def test_a_head_is_cut_between_words_where_there_are_some() -> None:
    assert head("one  two\nthree", 20) == "one two three"
    assert head("one two three four", 11) == "one two …"
    assert head("絞り込みが効かない" * 3, 9) == "絞り込みが効かない …"


def test_a_period_is_said_once_where_it_is_one_minute() -> None:
    later = NOON + dt.timedelta(minutes=5)
    assert period([NOON, NOON]) == "2026-04-13 12:00 UTC"
    assert period([later, NOON]) == "2026-04-13 12:00 to 12:05 UTC"
    assert period([NOON, NOON + dt.timedelta(days=1)]).endswith("to 2026-04-14 12:00 UTC")
