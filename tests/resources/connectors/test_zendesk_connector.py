"""Zendesk tickets and satisfaction ratings."""

from __future__ import annotations

from typing import Any

import pytest

from resources.connectors.base import UnreadableItem
from resources.connectors.zendesk import ZendeskConnector

CONNECTOR = ZendeskConnector()
TICKET: dict[str, Any] = {
    "id": 1842,
    "subject": "Refund",
    "description": "Returned three weeks ago, no money yet.",
    "created_at": "2026-06-01T10:00:00Z",
    "updated_at": "2026-06-01T11:00:00Z",
    "via": {"channel": "email", "source": {"from": {"address": "a@example.com", "name": "Ada"}}},
    "status": "open",
    "requester_id": 360042,
    "tags": ["refund", "returns"],
    "custom_fields": [
        {"id": "app_version", "value": "5.1.4"},
        {"id": "customer_tier", "value": "Business"},
        {"id": "country", "value": "pt"},
        {"id": "order_id", "value": "MRL-100001"},
        {"id": "colour", "value": "blue"},
        {"id": "product", "value": None},
    ],
    "satisfaction_rating": {"score": "unoffered"},
}


def test_ticket() -> None:
    item = CONNECTOR.read(TICKET)
    assert (item.native_id, item.title) == ("1842", "Refund")
    assert item.body == "Returned three weeks ago, no money yet."
    assert (item.author_id, item.author_name) == ("360042", "Ada")
    assert item.author_email == "a@example.com"
    assert (item.product_version, item.customer_tier) == ("5.1.4", "business")
    assert (item.country, item.correlation_id, item.product) == ("PT", "MRL-100001", None)
    assert (item.rating, item.rating_original) == (None, None)
    assert item.metadata == {"status": "open", "tags": "refund;returns", "channel": "email"}


@pytest.mark.parametrize(("score", "rating"), [("good", 1.0), ("bad", 0.0)])
def test_a_tickets_own_rating(score: str, rating: float) -> None:
    item = CONNECTOR.read(TICKET | {"satisfaction_rating": {"score": score}})
    assert (item.rating, item.rating_original) == (rating, f"{score} of bad..good")


def test_custom_fields_by_configured_ids() -> None:
    connector = ZendeskConnector({"app_version": 36001, "order_id": "36002"})
    values = [{"id": 36001, "value": "5.2.0"}, {"id": 36002, "value": "MRL-100002"}]
    item = connector.read(TICKET | {"custom_fields": values})
    assert (item.product_version, item.correlation_id) == ("5.2.0", "MRL-100002")


def test_an_unknown_custom_field_name_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown custom fields \\['colour'\\]"):
        ZendeskConnector({"colour": 1})


def test_a_subject_alone_is_the_body() -> None:
    item = CONNECTOR.read(TICKET | {"description": ""})
    assert (item.title, item.body) == (None, "Refund")


def test_deleted_tickets_are_left_out() -> None:
    with pytest.raises(UnreadableItem, match=r"^deleted: "):
        CONNECTOR.read(TICKET | {"status": "deleted"})


def rating(score: Any, comment: str | None) -> dict[str, Any]:
    return {"id": 1842, "ticket_id": 7, "score": score, "comment": comment, "requester_id": 3}


def test_satisfaction_rating() -> None:
    item = CONNECTOR.read(rating("bad", "Nothing was done"))
    assert (item.native_id, item.body, item.rating) == ("rating-1842", "Nothing was done", 0.0)
    assert (item.correlation_id, item.author_id) == ("7", "3")


@pytest.mark.parametrize("score", ["offered", "unoffered", "good"])
def test_ratings_without_a_comment(score: str) -> None:
    with pytest.raises(UnreadableItem, match=r"^missing_body"):
        CONNECTOR.read(rating(score, None))


def test_an_unknown_score() -> None:
    with pytest.raises(UnreadableItem, match=r"^rating_out_of_scale"):
        CONNECTOR.read(rating("7", "fine"))
