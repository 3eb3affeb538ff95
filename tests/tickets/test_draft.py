"""Tickets' words: what they say, and that customers' words do nothing but show."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from feedback_assets.tickets.draft import (
    GATE_OVERRIDES_TOLD,
    TITLE_LENGTH,
    addition,
    draft,
    idempotency_key,
    title,
)
from feedback_assets.tickets.facts import ClusterFacts, Quote
from feedback_assets.tickets.markdown import block, code, cut, line, quote

RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
BODY_LIMIT = 32_767
"""Characters that Jira takes in a description, the least of the trackers we know."""


def _quote(number: int, source: str = "app_store", text: str = "It spins for ever.") -> Quote:
    origin = f"{source}/2026-06-02/items.jsonl#{number}"
    return Quote(f"item-{number}", source, date(2026, 6, 2), "en", text, origin)


CLUSTER = ClusterFacts(
    cluster_id="c0123456789ab",
    label="paylink spin confirm",
    category="payment",
    sub_category="payment_method",
    severity="high",
    sentiments={"negative": 21, "neutral": 2},
    priority_score=85.0,
    lane="fast",
    owner_team="payments",
    queue="PAY",
    rule_ids=("fast-severe", "severity-high", "owner-by-area"),
    rule_version="rules-0123456789ab",
    size=23,
    first_seen=date(2026, 6, 1),
    last_seen=date(2026, 6, 3),
    sources={"app_store": 15, "zendesk": 8},
    versions={"4.1.9": 3, "4.2.0": 17},
    platforms={"android": 23},
    countries={},
    tiers={"business": 2},
    languages={"en": 18, "de": 5},
    confidence_min=0.71,
    confidence_mean=0.884,
    confidence_max=0.97,
    root_cause_summary="PayLink spins for ever after confirming.",
    root_cause_type="product_defect",
    action="fix_defect",
    action_detail="Reproduce the endless spinner on 4.2.0.",
    quotes=(_quote(1), _quote(2, "zendesk", "PayLink dreht sich endlos.")),
    model_version="topics-1",
    run_id="run-1",
    overrides=("Severity set from medium to high by dana.",),
    customers=22,
)


def test_the_title_is_specific() -> None:
    assert title(CLUSTER) == "[payment] PayLink spins for ever after confirming (22 customers)"
    assert title(replace(CLUSTER, customers=None)).endswith("(23 reports)")
    assert title(replace(CLUSTER, customers=1, category="account_access")).startswith(
        "[account access] "
    )
    unsaid = replace(CLUSTER, root_cause_summary="", label="paylink confirm")
    assert title(unsaid) == "[payment] Paylink confirm (22 customers)"
    bare = replace(CLUSTER, root_cause_summary="", label="")
    assert title(bare) == "[payment] Payment method (22 customers)"


def test_the_issue_carries_what_the_tracker_needs() -> None:
    issue = draft(CLUSTER)
    assert issue.queue == "PAY"
    assert issue.priority == "Highest"
    assert issue.labels == ("feedback", "payment", "severity-high")
    assert issue.idempotency_key == idempotency_key("c0123456789ab", 1)
    assert draft(CLUSTER, 2).idempotency_key == idempotency_key("c0123456789ab", 2)


@pytest.mark.parametrize(
    ("score", "priority"),
    [(100, "Highest"), (80, "Highest"), (79.9, "High"), (30, "Medium"), (29, "Low"), (0, "Low")],
)
def test_priority_follows_the_score(score: float, priority: str) -> None:
    assert draft(replace(CLUSTER, priority_score=score)).priority == priority


def test_the_body_says_all_it_should() -> None:
    body = draft(CLUSTER).body
    headings = [each[3:] for each in body.splitlines() if each.startswith("## ")]
    assert headings == [
        "Summary", "What customers say", "Who is affected", "Recommended action",
        "Why it came here", "Lineage",
    ]  # fmt: skip
    for said in (
        "from 2026-06-01 to 2026-06-03, 23 reports by 22 customers from 2 sources",
        "> PayLink dreht sich endlos.\n>\n> — zendesk, 2026-06-02, en",
        "- **Versions:** 4.2.0 (17), 4.1.9 (3), not known (3)",
        "- **Not known:** segments, countries",
        "**Fix defect.** Reproduce and fix the defect.\n\nReproduce the endless spinner",
        "`fast-severe`, `severity-high`, `owner-by-area`",
        "88% on average, from 71% to 97%",
        "Severity set from medium to high by dana.",
        "`feedback trace c0123456789ab`",
        "- `item-1` from `app_store/2026-06-02/items.jsonl#1`",
        "- and 21 more",
        "`topics-1`",
        "`rules-0123456789ab`",
        "`run-1`",
    ):
        assert said in body


def test_quotes_are_said_once_and_taken_from_each_source_first() -> None:
    many = [_quote(i, text=f"It spins, number {i}.") for i in range(9)]
    many += [_quote(10, text="it  spins, NUMBER 0."), _quote(11, "social", "Stuck on confirm.")]
    body = draft(replace(CLUSTER, quotes=many)).body
    said = [each for each in body.splitlines() if each.startswith("> ") and "—" not in each]
    assert said[:2] == ["> It spins, number 0.", "> Stuck on confirm."]
    assert len(said) == len(set(said)) == 6


def test_a_cluster_without_quotes_says_so() -> None:
    assert "No quote could be checked" in draft(replace(CLUSTER, quotes=())).body


def test_a_note_has_one_key_whatever_the_order() -> None:
    items = [_quote(7), _quote(8, "zendesk", "Still spinning.")]
    key, note = addition(CLUSTER, items)
    assert key == addition(CLUSTER, items[::-1])[0]
    assert key != addition(CLUSTER, items[:1])[0]
    assert key != addition(replace(CLUSTER, cluster_id="other"), items)[0]
    assert "**2 more reports** of the same complaint, received 2026-06-02; 23 in all." in note
    assert "> Still spinning." in note
    assert "`item-8`" in note
    assert "and" not in note.rsplit("Items:", 1)[1]
    with pytest.raises(ValueError, match="at least one"):
        addition(CLUSTER, [])


LET_THROUGH = "dana let 2026-06-02 zendesk pass until 2026-06-04 09:00 UTC, though drift_category"


def test_a_ticket_names_who_let_it_through_a_closed_gate() -> None:
    told = [f"{LET_THROUGH} had failed: a sale began. The check had said: payment rose"]
    let_through = replace(CLUSTER, gate_overrides=told)
    reasons = draft(let_through).body.split("## Why it came here")[1].split("## Lineage")[0]
    said = "- **Let through a closed gate by an operator:** dana let 2026-06-02 zendesk pass"
    assert said in reasons
    assert "a sale began" in reasons
    assert said in addition(let_through, [_quote(7)])[1]
    assert "closed gate" not in draft(CLUSTER).body + addition(CLUSTER, [_quote(7)])[1]


def test_a_ticket_counts_the_overrides_it_has_no_room_for() -> None:
    many = [f"{n}: {LET_THROUGH}" for n in range(GATE_OVERRIDES_TOLD + 2)]
    body = draft(replace(CLUSTER, gate_overrides=many)).body
    assert body.count("Let through a closed gate") == GATE_OVERRIDES_TOLD + 1
    assert "and 2 more, which `feedback trace` lists" in body


def test_idempotency_keys_are_stable_and_apart() -> None:
    assert idempotency_key("c1", 1) == "feedback-05c3c793a92e130c1a80fba5"
    keys = {idempotency_key(cluster, n) for cluster in ("c1", "c11", "c2") for n in (1, 2, 11)}
    assert len(keys) == 9


def test_cut_ends_at_a_word() -> None:
    assert cut("one two three", 13) == "one two three"
    assert cut("one two three", 11) == "one two…"
    assert cut("長い文章には空白がない", 5) == "長い文章…"


HARMFUL = [
    "# Heading\n===\n---\n***",
    "<script>alert(1)</script><img src=x onerror=y>",
    "[click](javascript:alert(1)) ![pixel](http://a.example/x.png) <http://a.example>",
    "[ref]: http://a.example\n[ref]",
    "---\nstatus: closed\n---",
    "```\ncode\n```\n~~~\n    indented\n\tindented",
    "- a\n* b\n+ c\n1. d\n2) e\n> f",
    "| a | b |\n|---|---|\n| c | d |",
    "\\[x\\](y) \\\\[x](y) `x` **x** __x__ ~~x~~ &lt;b&gt; &#60;b&#62;",
    "a\u2028# b\u2029- c\x0b# d\x85# e\r# f",
    "\u202e# backwards\x00",
]
WILD = st.text(st.characters(), max_size=80) | st.sampled_from(HARMFUL) | st.text(
    st.sampled_from("#*_`~[]()<>!&|\\-+=:.1 \n\r\tahtps/@w")
)  # fmt: skip


def _kinds(markdown: str) -> set[str]:
    found = set()
    for token in RENDERER.parse(markdown):
        found.add(token.type)
        found |= {child.type for child in token.children or ()}
    return found


INERT = {"text", "softbreak", "hardbreak", "inline", "paragraph_open", "paragraph_close"}
QUOTED = INERT | {"blockquote_open", "blockquote_close"}


@settings(deadline=None)
@given(text=WILD)
@example(text="1.")
@example(text="\\")
@example(text="www.a.example a@b.example https://a.example")
def test_customers_words_are_only_words(text: str) -> None:
    assert _kinds(block(text)) <= INERT
    assert _kinds(f"a {line(text)}") <= INERT
    assert _kinds(quote(text, 400)) <= QUOTED
    assert _kinds(f"a {code(text)} b") == INERT - {"softbreak", "hardbreak"} | {"code_inline"}


@settings(deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs"]), max_size=80))
@example(text="[x](y) & <b> #1 \\* a_b 1. *c* https://a.example &amp;")
def test_customers_words_show_as_they_were_written(text: str) -> None:
    tokens = RENDERER.parse(block(text))
    shown = "".join(child.content for token in tokens for child in token.children or ())
    assert shown == " ".join(text.split())


PLAIN_KINDS = _kinds(draft(CLUSTER).body) | {"hardbreak"}


@settings(deadline=None, max_examples=50)
@given(text=WILD, other=WILD, number=st.integers(0, 120))
def test_a_ticket_keeps_its_form_whatever_customers_wrote(
    text: str, other: str, number: int
) -> None:
    cluster = replace(
        CLUSTER,
        cluster_id=text, label=other, root_cause_summary=text, action_detail=other,
        versions={text: 1, other: 2}, tiers={other: 1}, countries={text: 3}, overrides=(text,),
        gate_overrides=(text, f"{other}: {text}"),
        sub_category=other, run_id=text, model_version=other, rule_ids=(text,),
        quotes=[_quote(i, other, f"{text} {i}") for i in range(number)],
    )  # fmt: skip
    issue = draft(cluster)
    headings = [each for each in issue.body.splitlines() if each.startswith("#")]
    assert len(headings) == 6
    assert _kinds(issue.body) <= PLAIN_KINDS
    assert len(issue.body) < BODY_LIMIT
    assert 0 < len(issue.title) <= TITLE_LENGTH
    assert len(issue.title.splitlines()) == 1
    if number:
        assert _kinds(addition(cluster, cluster.quotes)[1]) <= PLAIN_KINDS


def test_a_ticket_of_the_longest_words_fits_the_tracker() -> None:
    quotes = [_quote(i, "s" * 900, "*" * 5000 + str(i)) for i in range(200)]
    long = replace(
        CLUSTER,
        quotes=[
            replace(each, feedback_id=each.feedback_id * 50, origin="o" * 900) for each in quotes
        ],
        root_cause_summary="*" * 5000,
        action_detail="_" * 5000,
        versions={f"{i}" * 99: 1 for i in range(99)},
        overrides=["~" * 900] * 30,
        gate_overrides=["|" * 900] * 30,
    )
    assert len(draft(long).body) < BODY_LIMIT
    assert len(addition(long, long.quotes)[1]) < BODY_LIMIT
    assert len(title(long)) <= TITLE_LENGTH
