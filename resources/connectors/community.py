"""Community forums: Discourse topics and posts, and flat topic exports.

Belongs here: the field names of these shapes. Does not belong here: anything else, turning HTML
into text among it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resources.connectors.base import SourceItem, UnreadableItem
from resources.connectors.fields import (
    details,
    first_text,
    identifier,
    instant,
    language,
    mapping,
    number,
    objects,
    raise_missing_body,
    text,
)

_REGULAR_POST = 1
_TOPIC_DETAILS = ("category", "category_id", "tags", "posts_count", "views", "like_count")
_POST_DETAILS = ("topic_id", "post_number", "reply_to_post_number", "category_id", "like_count")
_FLAT_DETAILS = ("category", "tags", "status", "resolution", "priority", "replies", "url")


class CommunityConnector:
    """Reads forum topics and posts; ids are prefixed, as topics and posts number independently."""

    source: str = "community"
    containers: tuple[str, ...] = ("topics", "latest_posts", "posts")

    def native_id(self, record: Mapping[str, Any]) -> str | None:
        """``post-<id>`` or ``topic-<id>``."""
        if _is_post(record):
            prefix, found = "post", identifier(record, "id")
        else:
            prefix, found = "topic", identifier(record, "id", "topic_id")
        return f"{prefix}-{found}" if found else None

    def read(self, record: Mapping[str, Any]) -> SourceItem:
        """The post, or the topic with its first post. Raises `UnreadableItem`."""
        if _is_post(record):
            return self._post(record)
        return self._topic(record) if "id" in record else self._flat(record)

    def _post(self, record: Mapping[str, Any]) -> SourceItem:
        kind = number(record, "post_type")
        if kind is not None and kind != _REGULAR_POST:
            raise UnreadableItem(
                f"not_feedback: 'post_type' is {kind:g}; moderator notes and whispers are left out"
            )
        body, is_html = _post_text(record)
        return SourceItem(
            native_id=self.native_id(record),
            body=body or raise_missing_body("raw", "cooked"),
            title=text(record, "topic_title") if number(record, "post_number") == 1 else None,
            is_html=is_html,
            created_at=instant(record, "created_at"),
            updated_at=instant(record, "updated_at"),
            author_id=first_text(record, "user_id", "username"),
            author_name=first_text(record, "name", "username"),
            language=language(record, "locale"),
            metadata=details(record, _POST_DETAILS),
        )

    def _topic(self, record: Mapping[str, Any]) -> SourceItem:
        posts = objects(mapping(record, "post_stream"), "posts")
        first = posts[0] if posts else record
        body, is_html = _post_text(first)
        if not body:
            # Topic lists carry no posts, at most the beginning of the first one.
            body, is_html = text(record, "excerpt"), True
        title = text(record, "title")
        return SourceItem(
            native_id=self.native_id(record),
            body=body or title or raise_missing_body("raw", "cooked", "excerpt", "title"),
            title=title if body else None,
            is_html=is_html and body is not None,
            created_at=instant(record, "created_at"),
            updated_at=instant(first, "updated_at"),
            author_id=first_text(first, "user_id", "username"),
            author_name=first_text(first, "name", "username"),
            language=language(first, "locale"),
            metadata=details(record, _TOPIC_DETAILS),
        )

    def _flat(self, record: Mapping[str, Any]) -> SourceItem:
        body = text(record, "body")
        title = text(record, "title")
        return SourceItem(
            native_id=self.native_id(record),
            body=body or title or raise_missing_body("body", "title"),
            title=title if body else None,
            created_at=instant(record, "created_at"),
            updated_at=instant(record, "updated_at"),
            author_id=first_text(record, "author_id", "author"),
            author_name=first_text(record, "author_name", "author"),
            language=language(record, "language"),
            product=text(record, "product"),
            product_version=text(record, "product_version"),
            metadata=details(record, _FLAT_DETAILS),
        )


def _is_post(record: Mapping[str, Any]) -> bool:
    return "post_number" in record or ("id" in record and "topic_id" in record)


def _post_text(post: Mapping[str, Any]) -> tuple[str | None, bool]:
    """A post's text and whether it is HTML: its Markdown source if exported, else as rendered."""
    raw = text(post, "raw")
    return (raw, False) if raw else (text(post, "cooked"), True)
