"""App store reviews: Google Play Developer API, scraper exports, App Store Connect.

Belongs here: the field names of these three shapes. Does not belong here: anything else.
Shapes: an element of `reviews.list` of the Google Play Developer API (``comments``), a review
as scrapers of the Play store export it (``content``), a ``customerReviews`` resource of the
App Store Connect API (``attributes``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resources.connectors.base import SourceItem
from resources.connectors.fields import (
    country,
    details,
    first_text,
    identifier,
    instant,
    language,
    mapping,
    objects,
    raise_missing_body,
    required_text,
    text,
)
from resources.connectors.scales import STARS

_PLATFORMS = {"google_play": "android", "app_store": "ios", "apple": "ios", "itunes": "ios"}
_COMMENT_DETAILS = ("device", "androidOsVersion", "appVersionCode", "thumbsUpCount")


class AppStoreConnector:
    """Reads app store reviews; the stars run from 1 to 5 in all three shapes."""

    source: str = "app_store"
    containers: tuple[str, ...] = ("reviews", "data")

    def native_id(self, record: Mapping[str, Any]) -> str | None:
        """The store's id of the review, the same in the Play API and in scraper exports."""
        return identifier(record, "reviewId", "id")

    def read(self, record: Mapping[str, Any]) -> SourceItem:
        """The review in `record`, without the developer's reply. Raises `UnreadableItem`."""
        if "comments" in record:
            return self._play_api(record)
        if "attributes" in record:
            return self._app_store_connect(record)
        return self._scraped(record)

    def _play_api(self, record: Mapping[str, Any]) -> SourceItem:
        comments = [
            mapping(comment, "userComment")
            for comment in objects(record, "comments")
            if comment.get("userComment")
        ]
        if not comments:
            raise_missing_body("comments[].userComment")
        latest = comments[-1]
        # `text` is a machine translation where `originalText` is given.
        title, body = _split_title(required_text(latest, "originalText", "text"))
        rating, rating_original = STARS.rate(latest, "starRating")
        return SourceItem(
            native_id=self.native_id(record),
            body=body,
            title=title,
            created_at=instant(mapping(comments[0], "lastModified"), "seconds"),
            updated_at=instant(mapping(latest, "lastModified"), "seconds"),
            rating=rating,
            rating_original=rating_original,
            author_name=text(record, "authorName"),
            language=language(latest, "reviewerLanguage"),
            product=text(record, "packageName"),
            product_version=text(latest, "appVersionName"),
            platform="android",
            metadata=details(latest, _COMMENT_DETAILS),
        )

    def _app_store_connect(self, record: Mapping[str, Any]) -> SourceItem:
        review = mapping(record, "attributes")
        body = text(review, "body")
        title = text(review, "title")
        rating, rating_original = STARS.rate(review, "rating")
        return SourceItem(
            native_id=self.native_id(record),
            body=body or title or raise_missing_body("attributes.body", "attributes.title"),
            title=title if body else None,
            created_at=instant(review, "createdDate"),
            rating=rating,
            rating_original=rating_original,
            author_name=text(review, "reviewerNickname"),
            platform="ios",
            country=country(review, "territory"),
        )

    def _scraped(self, record: Mapping[str, Any]) -> SourceItem:
        rating, rating_original = STARS.rate(record, "score")
        platform = text(record, "platform")
        return SourceItem(
            native_id=self.native_id(record),
            body=required_text(record, "content"),
            created_at=instant(record, "at"),
            rating=rating,
            rating_original=rating_original,
            author_name=text(record, "userName"),
            language=language(record, "language"),
            product=first_text(record, "app", "appId"),
            product_version=first_text(record, "reviewCreatedVersion", "appVersion"),
            platform=_PLATFORMS.get(platform, platform) if platform else "android",
            country=country(record, "country"),
            metadata=details(record, ("thumbsUpCount", "repliedAt")),
        )


def _split_title(written: str) -> tuple[str | None, str]:
    """Title and body of a Play review: older ones hold both, set apart by a tab."""
    title, tab, body = written.partition("\t")
    return (title.strip() or None, body.strip()) if tab else (None, written)
