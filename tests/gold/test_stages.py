from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback_assets.contracts.tables import TABLES
from feedback_assets.contracts.validation import conform, violations
from feedback_assets.gold import suspicion
from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.guarantee import CLASSES, FIELDS, NEVER, Guarantee
from feedback_assets.gold.reading import watched
from feedback_assets.gold.root_cause import LONGEST_SUMMARY, cause_type, summary, trimmed
from feedback_assets.gold.stages import STAGES, Stamp
from feedback_assets.gold.topics import standing

STAMP = Stamp("run-1", dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC))
Item = tuple[str, str, float | None]
NOBODY = suspicion.train([])


def batch_of(items: list[Item]) -> pa.RecordBatch:
    count = len(items)
    return pa.record_batch(
        {
            "day": pa.array([dt.date(2026, 5, 1)] * count, pa.date32()),
            "source": pa.array(["survey"] * count, pa.string()),
            "feedback_id": pa.array([str(i) for i in range(count)], pa.string()),
            "text": pa.array([item[0] for item in items], pa.string()),
            "language": pa.array([item[1] for item in items], pa.string()),
            "rating": pa.array([item[2] for item in items], pa.float64()),
        }
    )


def run_all(items: list[Item], model: TriageClassifier) -> dict[str, pa.RecordBatch]:
    batch = batch_of(items)
    made: dict[str, pa.RecordBatch] = {}
    for name, stage in STAGES.items():
        made[name] = stage.infer(watched(batch.select(stage.inputs), NOBODY), model, STAMP)
        for column in made[name].schema.names:
            wanted = any(column in later.inputs for later in STAGES.values())
            if wanted and column not in batch.schema.names and name != "gold_sentiment":
                batch = batch.append_column(column, made[name].column(column))
        if name == "gold_sentiment":
            batch = batch.append_column("sentiment", made[name].column("sentiment"))
    return made


def check_contract(items: list[Item], made: dict[str, pa.RecordBatch]) -> None:
    for name, found in made.items():
        assert found.schema.equals(TABLES[name].schema)
        assert found.num_rows == len(items)
        assert violations(TABLES[name], conform(TABLES[name], found)) == {}
        if "evidence_spans" not in found.schema.names:
            continue
        quotes = found.column("evidence_spans").to_pylist()
        for (text, _, _), spans in zip(items, quotes, strict=True):
            for span in spans:
                assert text[span["start"] : span["end"]] == span["quote"]


def column(made: dict[str, pa.RecordBatch], table: str, name: str) -> list[Any]:
    values: list[Any] = made[f"gold_{table}"].column(name).to_pylist()
    return values


def test_all_stages_meet_their_contracts(small_model: TriageClassifier) -> None:
    items: list[Item] = [
        ("Charged twice for one ticket. Thanks for nothing", "en", 0.0),
        ("lovely app, thank you", "en", None),
        ("", "und", None),
        ("🔥🔥", "und", 1.0),
        ("คืนเงิน ไม่ได้", "th", None),
        ("lovely app, thank you", "en", None),
    ]
    made = run_all(items, small_model)
    check_contract(items, made)
    assert column(made, "topics", "primary_category")[0] == "payment"
    assert column(made, "topics", "sub_category")[2:4] == ["noise", "noise"]
    assert column(made, "topics", "evidence_spans")[2:4] == [[], []]
    assert column(made, "topics", "severity")[2:4] == ["low", "low"]
    assert column(made, "recommendation", "action")[1:4] == ["thank_customer", "none", "none"]
    assert column(made, "root_cause", "root_cause_summary")[1:4] == ["", "", ""]
    provenance = column(made, "topics", "provenance")
    assert provenance[1]["input_hash"] == provenance[5]["input_hash"]
    assert provenance[0]["input_hash"] != provenance[1]["input_hash"]
    assert provenance[0]["tier"] == "classifier"
    assert provenance[0]["model_version"] == small_model.version
    assert provenance[0]["produced_at"] == STAMP.produced_at
    assert column(made, "recommendation", "provenance")[0]["tier"] == "rules"


def test_what_stands_is_valid_and_the_rest_is_doubtful(small_model: TriageClassifier) -> None:
    """Twenty examples prove nothing, so thresholds are set by hand."""
    items: list[Item] = [("charged twice, where is my money", "en", 0.0), ("🔥🔥", "und", None)]
    sure = dict.fromkeys(FIELDS, 0.0)
    for category, severity in ((0.0, 0.0), (0.0, NEVER), (NEVER, 0.0)):
        least = {**sure, "category": category, "severity": severity}
        limits = {field: np.full(len(CLASSES[field]), least[field]) for field in FIELDS}
        model = replace(small_model, guarantee=Guarantee(limits))
        made = run_all(items, model)
        topics = made["gold_topics"]
        stands = standing(
            model,
            column(made, "topics", "primary_category"),
            topics.column("confidence").to_numpy(),
            column(made, "topics", "severity"),
            topics.column("severity_confidence").to_numpy(),
        )
        # That a text without a letter has no topic is certain.
        assert stands.areas.tolist() == [category == 0.0, True]
        assert stands.severity.tolist() == [severity == 0.0, True]
        state = "valid" if category == severity == 0.0 else "doubtful"
        for table, wanted in (("sentiment", "valid"), ("topics", state), ("root_cause", "valid")):
            states = [row["validation_state"] for row in column(made, table, "provenance")]
            assert states == [wanted, "valid"]


def test_an_empty_batch_gives_an_empty_batch(small_model: TriageClassifier) -> None:
    check_contract([], run_all([], small_model))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.text(max_size=200),
            st.sampled_from(["en", "und", "th"]),
            st.one_of(st.none(), st.floats(0, 1)),
        ),
        max_size=5,
    )
)
def test_wild_texts_meet_the_contracts(small_model: TriageClassifier, items: list[Item]) -> None:
    # Arrow strings hold no lone surrogates, so neither does what reaches a stage.
    clean = [(t.encode("utf-8", "ignore").decode(), lang, rating) for t, lang, rating in items]
    check_contract(clean, run_all(clean, small_model))


def test_a_rating_against_the_words_is_doubt(small_model: TriageClassifier) -> None:
    text = "lovely app, thank you"
    batch = batch_of([(text, "en", 0.0), (text, "en", 1.0)])
    made = STAGES["gold_sentiment"].infer(batch, small_model, STAMP)
    against, agreeing = made.column("confidence").to_pylist()
    assert against <= 0.5
    assert agreeing > against
    assert "contradicts" in made.column("rationale").to_pylist()[0]


def test_words_of_theft_raise_a_complaint_to_critical(small_model: TriageClassifier) -> None:
    batch = batch_of([("my account was hacked and the card declined at the till", "en", None)])
    made = STAGES["gold_topics"].infer(batch, small_model, STAMP)
    assert made.column("severity").to_pylist() == ["critical"]
    assert "fraud or theft" in made.column("rationale").to_pylist()[0]


@pytest.mark.parametrize(
    ("quote", "line"),
    [
        ("Hi team, the export stops at row 200.", "the export stops at row 200."),
        ("Guten Tag,\nder Export bricht ab", "der Export bricht ab"),
        ("The export stops halfway. Thanks a lot!", "The export stops halfway"),
        ("History is gone", "History is gone"),
    ],
)
def test_greetings_and_thanks_are_no_part_of_the_cause(quote: str, line: str) -> None:
    assert trimmed(quote) == line


@pytest.mark.parametrize(
    ("lead", "rest", "line"),
    [
        ("Now the map stays blank.", " I updated to version 7.2.1.",
         "Now the map stays blank (version 7.2.1)"),
        ("Export does nothing.", " It worked before. Since the last update, on the invoices page.",
         "Export does nothing (on the invoices page; Since the last update)"),
        ("Die App stürzt ab.", " Seit gestern, auf der Bezahlseite.",
         "Die App stürzt ab (auf der Bezahlseite; Seit gestern)"),
        ("L'appli plante.", " Depuis la mise à jour, sur la page de paiement.",
         "L'appli plante (sur la page de paiement; Depuis la mise à jour)"),
        ("No puedo pagar.", " Desde ayer, en la pantalla de pago.",
         "No puedo pagar (en la pantalla de pago; Desde ayer)"),
        ("真っ白です。", "アップデート後、ログイン画面。",
         "真っ白です (ログイン画面; アップデート後)"),
        ("It freezes every morning.", " Every single morning!", "It freezes every morning."),
    ],
)  # fmt: skip
def test_where_and_when_are_told_if_said_elsewhere(lead: str, rest: str, line: str) -> None:
    told, spans = summary(lead + rest, [(0, len(lead))])
    assert told == line
    assert spans[0] == (0, len(lead))
    for start, end in spans[1:]:
        assert (lead + rest)[start:end] in line


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.sampled_from(
            ["since the last update", "on the login page", "7.2.1", "Hi,", "crash", "\n", ". ",
             "x" * 90, "[EMAIL_1a2b3c4d]", "every morning", "画面", "昨日から", "é", "iPhone 12"]
        ),
        max_size=20,
    )
)  # fmt: skip
def test_summaries_are_short_and_quote_the_text(parts: list[str]) -> None:
    text = " ".join(parts)
    told, spans = summary(text, [])
    assert len(told) <= LONGEST_SUMMARY
    assert bool(told) == bool(spans)
    ordered = sorted(spans)
    for start, end in ordered:
        assert 0 <= start < end <= len(text)
    for (_, end), (start, _) in pairwise(ordered):
        assert end <= start


def test_kinds_of_cause() -> None:
    assert cause_type("payment", "fees_and_pricing", "negative") == "pricing_confusion"
    assert cause_type("search", "no_results", "negative") == "product_defect"
    assert cause_type("search", "no_results", "positive") == "other"
    assert cause_type("onboarding", "activation", "neutral") == "documentation_gap"
    assert cause_type("other", "noise", "neutral") == "other"
