"""Forum topics and posts."""

from __future__ import annotations

from typing import Any

import pytest

from resources.connectors.base import UnreadableItem
from resources.connectors.community import CommunityConnector

CONNECTOR = CommunityConnector()
POST: dict[str, Any] = {
    "id": 20110,
    "topic_id": 8801,
    "topic_title": "Parcels stuck",
    "post_number": 1,
    "username": "rita",
    "user_id": 12,
    "created_at": "2026-06-01T10:00:00.000Z",
    "cooked": "<p>Mine <b>too</b></p>",
}
TOPIC: dict[str, Any] = {
    "id": 8801,
    "title": "Parcels stuck",
    "created_at": "2026-06-01T10:00:00.000Z",
    "tags": ["delivery", "portugal"],
    "post_stream": {"posts": [POST, POST | {"post_number": 2, "cooked": "<p>me too</p>"}]},
}


def test_topic_is_its_title_and_first_post() -> None:
    item = CONNECTOR.read(TOPIC)
    assert (item.native_id, item.title) == ("topic-8801", "Parcels stuck")
    assert (item.body, item.is_html) == ("<p>Mine <b>too</b></p>", True)
    assert (item.author_id, item.author_name) == ("12", "rita")
    assert item.metadata == {"tags": "delivery;portugal"}


def test_topic_of_a_list_has_an_excerpt_or_only_a_title() -> None:
    bare = {"id": 8801, "title": "Parcels stuck"}
    item = CONNECTOR.read(bare | {"excerpt": "Mine &hellip;"})
    assert (item.body, item.is_html, item.title) == ("Mine &hellip;", True, "Parcels stuck")
    item = CONNECTOR.read(bare)
    assert (item.body, item.is_html, item.title) == ("Parcels stuck", False, None)


def test_post_prefers_its_source_text() -> None:
    item = CONNECTOR.read(POST | {"raw": "Mine **too**"})
    assert (item.native_id, item.body, item.is_html) == ("post-20110", "Mine **too**", False)
    assert item.title == "Parcels stuck"
    assert CONNECTOR.read(POST).is_html


def test_replies_do_not_bear_the_topics_title() -> None:
    assert CONNECTOR.read(POST | {"post_number": 2}).title is None


@pytest.mark.parametrize("kind", [2, 3, 4])
def test_moderators_posts_are_left_out(kind: int) -> None:
    with pytest.raises(UnreadableItem, match=r"^not_feedback"):
        CONNECTOR.read(POST | {"post_type": kind})


def test_flat_topic() -> None:
    record = {
        "topic_id": 8850,
        "title": "Still down",
        "body": "Day three",
        "author": "kim",
        "category": "Checkout",
        "replies": 9,
    }
    item = CONNECTOR.read(record)
    assert (item.native_id, item.title, item.body) == ("topic-8850", "Still down", "Day three")
    assert (item.author_id, item.is_html) == ("kim", False)
    assert item.metadata == {"category": "Checkout", "replies": "9"}
