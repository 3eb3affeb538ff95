"""App store reviews in the shapes of both stores and of scrapers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from resources.connectors.app_store import AppStoreConnector
from resources.connectors.base import UnreadableItem

CONNECTOR = AppStoreConnector()


def play(**comment: Any) -> dict[str, Any]:
    return {
        "reviewId": "r1",
        "authorName": "Ada Quill",
        "comments": [
            {
                "userComment": {
                    "text": "Takes a minute to open",
                    "lastModified": {"seconds": "1780308000", "nanos": 5},
                    "starRating": 2,
                    "reviewerLanguage": "pt_BR",
                    "appVersionName": "5.2.0",
                    "device": "oriole",
                }
                | comment
            },
            {"developerComment": {"text": "Sorry!", "lastModified": {"seconds": "1780309000"}}},
        ],
    }


def test_play_api_review() -> None:
    item = CONNECTOR.read(play())
    assert (item.native_id, item.body, item.title) == ("r1", "Takes a minute to open", None)
    assert item.created_at == datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
    assert (item.rating, item.rating_original) == (0.25, "2 of 1..5")
    assert (item.author_name, item.language) == ("Ada Quill", "pt")
    assert (item.platform, item.product_version) == ("android", "5.2.0")
    assert item.metadata == {"device": "oriole"}
    assert "Sorry" not in repr(item)


def test_play_api_title_and_original_language() -> None:
    item = CONNECTOR.read(play(text="Slow\tVery slow", originalText="Lento\tMuito lento"))
    assert (item.title, item.body) == ("Lento", "Muito lento")
    item = CONNECTOR.read(play(text="\tVery slow", originalText=""))
    assert (item.title, item.body) == (None, "Very slow")


def test_play_api_without_a_users_comment() -> None:
    reply_only = {"reviewId": "r1", "comments": [{"developerComment": {"text": "Thanks"}}]}
    with pytest.raises(UnreadableItem, match=r"^missing_body"):
        CONNECTOR.read(reply_only)


def test_scraped_review() -> None:
    record = {
        "reviewId": "r2",
        "app": "com.marlo.shop",
        "userName": "Kim",
        "content": "keeps spinning",
        "score": "1",
        "thumbsUpCount": 3,
        "reviewCreatedVersion": "5.2.0",
        "at": "2026-06-01 10:00:00",
        "replyContent": "Sorry!",
    }
    item = CONNECTOR.read(record)
    assert (item.native_id, item.body, item.rating) == ("r2", "keeps spinning", 0.0)
    assert item.created_at == datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
    assert (item.product, item.product_version) == ("com.marlo.shop", "5.2.0")
    assert item.platform == "android"
    assert item.metadata == {"thumbsUpCount": "3"}
    assert CONNECTOR.read(record | {"platform": "app_store"}).platform == "ios"


def connect(**attributes: Any) -> dict[str, Any]:
    return {"type": "customerReviews", "id": "r3", "attributes": attributes}


def test_app_store_connect_review() -> None:
    item = CONNECTOR.read(
        connect(
            rating=5,
            title="Lovely",
            body="Fast delivery",
            reviewerNickname="kim",
            createdDate="2026-06-01T03:00:00-07:00",
            territory="PRT",
        )
    )
    assert (item.native_id, item.title, item.body) == ("r3", "Lovely", "Fast delivery")
    assert (item.platform, item.country, item.rating) == ("ios", "PT", 1.0)
    assert item.created_at == datetime(2026, 6, 1, 10, 0, tzinfo=UTC)


def test_a_title_alone_is_the_body() -> None:
    item = CONNECTOR.read(connect(title="Lovely", body=""))
    assert (item.title, item.body) == (None, "Lovely")


@pytest.mark.parametrize("record", [{"content": " "}, connect(rating=1), {"comments": []}])
def test_reviews_without_words(record: dict[str, Any]) -> None:
    with pytest.raises(UnreadableItem, match=r"^missing_body"):
        CONNECTOR.read(record)


@pytest.mark.parametrize("stars", [0, 6, "9"])
def test_stars_out_of_scale(stars: Any) -> None:
    assert CONNECTOR.read({"content": "ok", "score": stars}).rating is None
