"""Intercom conversations: whose words count."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from resources.connectors.base import UnreadableItem
from resources.connectors.intercom import IntercomConnector

CONNECTOR = IntercomConnector()
USER = {"type": "user", "id": "u1", "name": "Ada", "email": "ada@example.com"}


def part(kind: str, body: str | None, **more: Any) -> dict[str, Any]:
    return {"part_type": "comment", "author": {"type": kind, "id": "x"}, "body": body} | more


def conversation(*parts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "type": "conversation",
        "id": "2154",
        "created_at": 1780308000,
        "updated_at": 1780311600,
        "state": "open",
        "source": {"subject": "<p>Parcel</p>", "body": "<p>Where is it?</p>", "author": USER},
        "conversation_parts": {"conversation_parts": list(parts)},
        "conversation_rating": {"rating": 2, "remark": None},
        "custom_attributes": {"app_version": "5.2.0", "country": "pt", "customer_tier": "PLUS"},
        "tags": {"tags": [{"name": "delivery"}, {"name": "portugal"}]},
    } | changes


def test_only_the_customers_words_are_read() -> None:
    item = CONNECTOR.read(
        conversation(
            part("bot", "<p>We got it</p>"),
            part("admin", "<p>On its way</p>"),
            part("user", "<p>Since Monday & still nothing</p>"),
            part("user", None),
            part("lead", "plain <5"),
            part("user", "<p>secret</p>", redacted=True),
        )
    )
    assert item.body == (
        "<p>Where is it?</p>\n<p>Since Monday & still nothing</p>\n<p>plain &lt;5</p>"
    )
    assert item.is_html
    assert (item.native_id, item.title) == ("2154", "Parcel")
    assert item.created_at == datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
    assert (item.author_id, item.author_name) == ("u1", "Ada")
    assert item.author_email == "ada@example.com"
    assert (item.rating, item.rating_original) == (0.25, "2 of 1..5")
    assert (item.product_version, item.country, item.customer_tier) == ("5.2.0", "PT", "plus")
    assert item.metadata == {"state": "open", "tags": "delivery;portugal"}


def test_plain_text_stays_plain() -> None:
    source = {"body": "costs < 5 > 3?", "author": USER}
    item = CONNECTOR.read(conversation(part("user", "hello?"), source=source))
    assert (item.body, item.is_html) == ("costs < 5 > 3?\n\nhello?", False)


def test_the_remark_with_the_rating_is_the_customers_too() -> None:
    item = CONNECTOR.read(conversation(conversation_rating={"rating": 5, "remark": "quick"}))
    assert item.body == "<p>Where is it?</p>\n<p>quick</p>"


def test_an_agents_opening_is_left_out() -> None:
    source = {"body": "<p>Try our app!</p>", "author": {"type": "admin", "id": "a"}}
    item = CONNECTOR.read(conversation(part("contact", "<p>No</p>"), source=source))
    assert (item.body, item.author_id) == ("<p>No</p>", "x")
    with pytest.raises(UnreadableItem, match=r"^missing_body"):
        CONNECTOR.read(conversation(source=source))


def test_parts_as_a_plain_list() -> None:
    item = CONNECTOR.read(conversation(conversation_parts=[part("user", "<p>Hm</p>")]))
    assert item.body.endswith("<p>Hm</p>")


def test_a_rating_out_of_scale() -> None:
    item = CONNECTOR.read(conversation(conversation_rating={"rating": 6}))
    assert (item.rating, item.rating_original) == (None, "6 outside of 1..5")
