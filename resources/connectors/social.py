"""Social media: mention exports of listening tools, and posts of the X API v2.

Belongs here: the field names of these two shapes. Does not belong here: anything else.
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
    required_text,
    text,
)

_MENTION_DETAILS = ("like_count", "reply_count", "share_count", "reach")
_TWEET_METRICS = ("like_count", "reply_count", "retweet_count", "quote_count", "impression_count")


class SocialConnector:
    """Reads social media posts; `platform` is the network a post was made on."""

    source: str = "social"
    containers: tuple[str, ...] = ("data", "mentions", "statuses")

    def native_id(self, record: Mapping[str, Any]) -> str | None:
        """The post's id; for an edited post on X, the id it was first published under."""
        if "post_id" in record:
            return identifier(record, "post_id")
        history = record.get("edit_history_tweet_ids")
        if type(history) is list and history:
            return identifier({"id": history[0]}, "id") or identifier(record, "id")
        return identifier(record, "id")

    def read(self, record: Mapping[str, Any]) -> SourceItem:
        """The post in `record`. Raises `UnreadableItem`."""
        return self._mention(record) if "post_id" in record else self._tweet(record)

    def _mention(self, record: Mapping[str, Any]) -> SourceItem:
        return SourceItem(
            native_id=self.native_id(record),
            body=required_text(record, "text"),
            created_at=instant(record, "created_at"),
            author_id=first_text(record, "author_id", "author"),
            author_name=first_text(record, "author_name", "author"),
            language=language(record, "lang" if "lang" in record else "language"),
            product=text(record, "product"),
            platform=text(record, "platform"),
            country=country(record, "country"),
            metadata=details(record, _MENTION_DETAILS),
        )

    def _tweet(self, record: Mapping[str, Any]) -> SourceItem:
        # Beyond 280 characters `text` is cut and `note_tweet` holds all of it.
        whole = text(mapping(record, "note_tweet"), "text")
        metadata = details(mapping(record, "public_metrics"), _TWEET_METRICS)
        metadata.update(details(record, ("conversation_id",)))
        return SourceItem(
            native_id=self.native_id(record),
            body=whole or required_text(record, "text"),
            created_at=instant(record, "created_at"),
            author_id=text(record, "author_id"),
            language=language(record, "lang"),
            platform="x",
            metadata=metadata,
        )
