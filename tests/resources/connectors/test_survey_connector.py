"""Survey responses: Typeform, flat exports and the declared column mapping."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from resources.connectors.base import UnreadableItem
from resources.connectors.survey import SurveyConnector

CONNECTOR = SurveyConnector()


def answer(kind: str, value: Any, question: str, ref: str) -> dict[str, Any]:
    return {"type": kind, kind: value, "field": {"id": "f", "type": question, "ref": ref}}


def typeform(*answers: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "landing_id": "t1",
        "token": "t1",
        "response_id": "t1",
        "submitted_at": "2026-06-01T10:00:00Z",
        "hidden": {"country": "jp", "order_id": "MRL-1", "customer_tier": "", "utm": "x"},
        "answers": list(answers),
    } | changes


SCORE = answer("number", 9, "opinion_scale", "q1")
WORDS = answer("text", "Easy to use", "long_text", "q2")


def test_typeform_response() -> None:
    item = CONNECTOR.read(
        typeform(
            SCORE,
            WORDS,
            answer("text", "Thanks", "short_text", "q3"),
            answer("choice", {"label": "Android app"}, "multiple_choice", "product"),
            answer("choices", {"labels": ["home", "office"]}, "multiple_choice", "segment"),
            answer("boolean", True, "yes_no", "q4"),
            answer("email", "a@example.com", "email", "email"),
            answer("text", "Ada", "short_text", "full-name"),
            answer("number", 41, "number", "age"),
        )
    )
    assert (item.native_id, item.body) == ("t1", "Easy to use\n\nThanks")
    assert item.created_at == datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
    assert (item.rating, item.rating_original) == (0.9, "9 of 0..10")
    assert (item.country, item.correlation_id, item.customer_tier) == ("JP", "MRL-1", None)
    assert (item.product, item.segment) == ("Android app", "home;office")
    assert (item.author_email, item.author_name) == ("a@example.com", "Ada")


def test_typeform_webhook() -> None:
    item = CONNECTOR.read({"event_type": "form_response", "form_response": typeform(WORDS)})
    assert (item.native_id, item.body) == ("t1", "Easy to use")


def test_typeform_with_scores_only_has_no_body() -> None:
    with pytest.raises(UnreadableItem, match=r"^missing_body"):
        CONNECTOR.read(typeform(SCORE))


def test_typeforms_mark_of_an_unfinished_response_is_an_absurd_date() -> None:
    with pytest.raises(UnreadableItem, match=r"^absurd_date"):
        CONNECTOR.read(typeform(WORDS, submitted_at="0001-01-01T00:00:00Z"))


@pytest.mark.parametrize(("question", "high"), [("opinion_scale", 10), ("nps", 10), ("rating", 5)])
def test_typeform_scales_by_question_type(question: str, high: int) -> None:
    item = CONNECTOR.read(typeform(WORDS, answer("number", high, question, "q")))
    assert item.rating == 1.0
    beyond = CONNECTOR.read(typeform(WORDS, answer("number", high + 1, question, "q")))
    assert beyond.rating is None
    assert beyond.rating_original is not None
    assert "outside of" in beyond.rating_original


FLAT: dict[str, Any] = {
    "\ufeffResponse ID": "PP-1",
    "Submitted At": "2026-06-01",
    "Question": "How was it?",
    "Comment": "Fast",
    "Score": "2",
    "Score Scale": "1=very good .. 5=very poor",
    "Customer Tier": "Plus",
    "App Version": "5.2.0",
    "Country": "",
    "Email": "a@example.com",
}


def test_flat_row_with_headings_as_people_write_them() -> None:
    item = CONNECTOR.read(FLAT)
    assert (item.native_id, item.body, item.title) == ("PP-1", "Fast", None)
    assert (item.rating, item.rating_original) == (0.75, "2 of 1=very good .. 5=very poor")
    assert (item.customer_tier, item.product_version, item.country) == ("plus", "5.2.0", None)
    assert item.author_email == "a@example.com"
    assert item.metadata == {"question": "How was it?"}


@pytest.mark.parametrize(
    ("score", "scale", "rating"),
    [("10", "0=worst .. 10=best", 1.0), ("0", "0=worst .. 10=best", 0.0), ("", "1..5", None)],
)
def test_stated_scales(score: str, scale: str, rating: float | None) -> None:
    assert CONNECTOR.read(FLAT | {"Score": score, "Score Scale": scale}).rating == rating


@pytest.mark.parametrize("scale", ["", "as you like", "1=cats .. 5=dogs"])
def test_a_score_on_an_unknown_scale_is_kept_as_written(scale: str) -> None:
    item = CONNECTOR.read(FLAT | {"Score Scale": scale})
    assert item.rating is None
    assert item.rating_original == (f"2 of {scale}" if scale else "2")


def test_a_scale_known_by_its_column() -> None:
    assert CONNECTOR.read({"comment": "ok", "nps": "5"}).rating == 0.5


def test_all_text_columns_count_and_the_best_other_column() -> None:
    item = CONNECTOR.read({"answer": "a", "comment": "b", "app_version": "1", "version": "2"})
    assert (item.body, item.product_version) == ("a\n\nb", "1")
    item = CONNECTOR.read({"answer": "a", "app_version": "", "version": "2"})
    assert item.product_version == "2"


def test_a_private_column_is_never_read() -> None:
    item = CONNECTOR.read({"answer": "a", "_question": "b", "_version": "2"})
    assert (item.metadata, item.product_version) == ({}, None)


def test_own_mapping_replaces_what_it_names(tmp_path: Path) -> None:
    own = tmp_path / "columns.yaml"
    own.write_text(
        "columns: {body: [liked, disliked], created_at: [when]}\n"
        "column_scales: {smile: '1=good .. 3=bad'}\n"
        "questions: {q1: 1..9}\n",
        encoding="utf-8",
    )
    connector = SurveyConnector(own)
    item = connector.read({"liked": "a", "disliked": "b", "when": "2026-06-01", "comment": "c"})
    assert item.body == "a\n\nb"
    assert item.created_at == datetime(2026, 6, 1, tzinfo=UTC)
    item = connector.read(typeform(SCORE, WORDS))
    assert (item.rating, item.created_at) == (1.0, datetime(2026, 6, 1, 10, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("columns: {mood: [mood]}", "mood"),
        ("colums: {}", "colums"),
        ("column_scales: {nps: high}", "can't be read"),
        ("columns: [", "columns.yaml"),
    ],
)
def test_a_broken_mapping_says_where(tmp_path: Path, content: str, complaint: str) -> None:
    own = tmp_path / "columns.yaml"
    own.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=complaint) as error:
        SurveyConnector(own)
    assert str(own) in str(error.value)
