"""Social media posts."""

from __future__ import annotations

from datetime import UTC, datetime

from resources.connectors.social import SocialConnector

CONNECTOR = SocialConnector()


def test_mention() -> None:
    record = {
        "post_id": "m-1",
        "created_at": "2026-06-01T10:00:00Z",
        "platform": "instagram",
        "text": "new ceramics",
        "author": "kim",
        "like_count": 58,
        "language": "en",
        "url": "https://instagram.example/p/m-1",
    }
    item = CONNECTOR.read(record)
    assert (item.native_id, item.body, item.platform) == ("m-1", "new ceramics", "instagram")
    assert (item.author_id, item.author_name, item.language) == ("kim", "kim", "en")
    assert item.created_at == datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
    assert item.metadata == {"like_count": "58"}


def test_tweet() -> None:
    record = {
        "id": "2062",
        "text": "down again",
        "created_at": "2026-06-01T10:00:00.000Z",
        "author_id": "17",
        "lang": "in",
        "public_metrics": {"like_count": 1, "retweet_count": 0},
    }
    item = CONNECTOR.read(record)
    assert (item.native_id, item.body, item.platform) == ("2062", "down again", "x")
    assert (item.author_id, item.language) == ("17", "id")
    assert item.metadata == {"like_count": "1", "retweet_count": "0"}


def test_an_edited_tweet_keeps_its_first_id() -> None:
    edited = {"id": "9", "text": "down", "edit_history_tweet_ids": ["7", "9"]}
    assert CONNECTOR.native_id(edited) == "7"


def test_a_long_tweet_is_read_whole() -> None:
    record = {"id": "9", "text": "down…", "note_tweet": {"text": "down since Sunday"}}
    assert CONNECTOR.read(record).body == "down since Sunday"


def test_languages_that_say_nothing() -> None:
    assert CONNECTOR.read({"id": "9", "text": "x", "lang": "qme"}).language is None
