"""Intercom: conversations, as far as the customer wrote them.

Belongs here: the field names of a conversation. Does not belong here: anything else, turning
HTML into text among it (the reader of the item does that).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from resources.connectors.base import SourceItem
from resources.connectors.fields import (
    country,
    details,
    identifier,
    instant,
    language,
    mapping,
    objects,
    raise_missing_body,
    text,
    tier,
)
from resources.connectors.scales import STARS

_CUSTOMERS = frozenset({"user", "lead", "contact"})
_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>")


class IntercomConnector:
    """Reads Intercom conversations: what customers wrote, not what agents and bots did."""

    source: str = "intercom"
    containers: tuple[str, ...] = ("conversations", "data")

    def native_id(self, record: Mapping[str, Any]) -> str | None:
        """The conversation's id."""
        return identifier(record, "id")

    def read(self, record: Mapping[str, Any]) -> SourceItem:
        """The customer's messages in `record`, one after the other, and the rating's remark.

        Raises `UnreadableItem`; a conversation in which only agents and bots wrote has no body.
        """
        author: Mapping[str, Any] = {}
        messages: list[str] = []
        for speaker, message in _customer_messages(record):
            author = author or speaker
            messages.append(message)
        score = mapping(record, "conversation_rating")
        if remark := text(score, "remark"):
            messages.append(remark)
        subject = text(mapping(record, "source"), "subject")
        if not messages:
            raise_missing_body("source.body", "conversation_parts[].body", "remark")
        rating, rating_original = STARS.rate(score, "rating")
        body, is_html = _joined(messages)
        custom = mapping(record, "custom_attributes")
        return SourceItem(
            native_id=self.native_id(record),
            body=body,
            title=_MARKUP.sub("", subject) or None if subject else None,
            is_html=is_html,
            created_at=instant(record, "created_at"),
            updated_at=instant(record, "updated_at"),
            rating=rating,
            rating_original=rating_original,
            author_id=text(author, "id"),
            author_name=text(author, "name"),
            author_email=text(author, "email"),
            language=language(custom, "language"),
            product=text(custom, "product"),
            product_version=text(custom, "app_version"),
            platform=text(custom, "platform"),
            country=country(custom, "country"),
            customer_tier=tier(custom, "customer_tier"),
            segment=text(custom, "segment"),
            correlation_id=text(custom, "order_id"),
            metadata=_metadata(record),
        )


def _customer_messages(record: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Author and text of the opening message and of the parts, where a customer wrote them."""
    opening = mapping(record, "source")
    author = mapping(opening, "author")
    # Channels that hide their users (X among them) leave the opening author's type blank.
    if (not author.get("type") or _is_customer(author)) and not opening.get("redacted"):
        message = text(opening, "body")
        if message:
            yield author, message
    for part in _parts(record):
        author = mapping(part, "author")
        if _is_customer(author) and not part.get("redacted"):
            message = text(part, "body")
            if message:
                yield author, message


def _is_customer(author: Mapping[str, Any]) -> bool:
    kind = author.get("type")
    return type(kind) is str and kind in _CUSTOMERS


def _parts(record: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    if type(record.get("conversation_parts")) is list:
        return objects(record, "conversation_parts")
    return objects(mapping(record, "conversation_parts"), "conversation_parts")


def _joined(messages: Sequence[str]) -> tuple[str, bool]:
    """The messages as one text, and whether it is HTML; plain ones are escaped beside HTML."""
    marked = [_MARKUP.search(message) is not None for message in messages]
    if not any(marked):
        return "\n\n".join(messages), False
    return (
        "\n".join(
            message if is_html else f"<p>{escape(message, quote=False)}</p>"
            for message, is_html in zip(messages, marked, strict=True)
        ),
        True,
    )


def _metadata(record: Mapping[str, Any]) -> dict[str, str]:
    metadata = details(record, ("state", "priority"))
    metadata.update(details(mapping(record, "source"), ("delivered_as",)))
    tags = record.get("tags")
    listed = tags.get("tags") if type(tags) is dict else None
    if type(listed) is list:
        names = [details(tag, ("name",)).get("name") for tag in listed if type(tag) is dict]
        if joined := ";".join(name for name in names if name):
            metadata["tags"] = joined
    return metadata
