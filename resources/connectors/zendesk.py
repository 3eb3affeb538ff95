"""Zendesk: tickets of the incremental export, and satisfaction ratings.

Belongs here: the field names of these two shapes. Does not belong here: anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resources.connectors.base import SourceItem, UnreadableItem
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
    tier,
)

_SCORES = {"good": 1.0, "bad": 0.0}
_NOT_YET_SCORED = frozenset({"offered", "unoffered"})
_TICKET_DETAILS = ("status", "priority", "type", "tags", "organization", "brand_id", "group_id")
_RATING_DETAILS = ("reason", "reason_code")

CUSTOM_FIELDS = (
    "app_version",
    "country",
    "customer_tier",
    "language",
    "order_id",
    "platform",
    "product",
    "segment",
)


class ZendeskConnector:
    """Reads Zendesk tickets and satisfaction ratings.

    `custom_field_ids` maps names of `CUSTOM_FIELDS` to the ids those fields have in your Zendesk
    (numbers, in most accounts). A field it doesn't name is found under its own name.
    """

    source: str = "zendesk"
    containers: tuple[str, ...] = ("tickets", "satisfaction_ratings", "results")

    def __init__(self, custom_field_ids: Mapping[str, str | int] | None = None) -> None:
        """Raises `ValueError` for a name that is not one of `CUSTOM_FIELDS`."""
        ids = custom_field_ids or {}
        if unknown := sorted(set(ids) - set(CUSTOM_FIELDS)):
            raise ValueError(f"unknown custom fields {unknown}, expected some of {CUSTOM_FIELDS}")
        self._names = {str(ids.get(name, name)): name for name in CUSTOM_FIELDS}

    def native_id(self, record: Mapping[str, Any]) -> str | None:
        """The ticket's id, or ``rating-<id>``: tickets and ratings number independently."""
        found = identifier(record, "id")
        return f"rating-{found}" if found and "score" in record else found

    def read(self, record: Mapping[str, Any]) -> SourceItem:
        """The ticket's first message, or the rating's comment. Raises `UnreadableItem`."""
        return self._rating(record) if "score" in record else self._ticket(record)

    def _ticket(self, record: Mapping[str, Any]) -> SourceItem:
        if record.get("status") == "deleted":
            raise UnreadableItem("deleted: the ticket's 'status' is 'deleted'")
        body = text(record, "description")
        subject = text(record, "subject")
        custom = self._custom(record)
        rating, rating_original = _score(mapping(record, "satisfaction_rating"))
        via = record.get("via")
        via = via if type(via) is dict else {}
        requester = _requester(record, via)
        metadata = details(record, _TICKET_DETAILS)
        if channel := details(via, ("channel",)):
            metadata["channel"] = channel["channel"]
        return SourceItem(
            native_id=self.native_id(record),
            body=body or subject or raise_missing_body("description", "subject"),
            title=subject if body else None,
            created_at=instant(record, "created_at"),
            updated_at=instant(record, "updated_at"),
            rating=rating,
            rating_original=rating_original,
            author_id=text(record, "requester_id"),
            author_name=text(requester, "name"),
            author_email=first_text(requester, "email", "address"),
            language=language(custom, "language"),
            product=text(custom, "product"),
            product_version=text(custom, "app_version"),
            platform=text(custom, "platform"),
            country=country(custom, "country"),
            customer_tier=tier(custom, "customer_tier"),
            segment=text(custom, "segment"),
            correlation_id=text(custom, "order_id") or text(record, "external_id"),
            metadata=metadata,
        )

    def _rating(self, record: Mapping[str, Any]) -> SourceItem:
        rating, rating_original = _score(record)
        return SourceItem(
            native_id=self.native_id(record),
            body=required_text(record, "comment"),
            created_at=instant(record, "created_at"),
            updated_at=instant(record, "updated_at"),
            rating=rating,
            rating_original=rating_original,
            author_id=text(record, "requester_id"),
            correlation_id=text(record, "ticket_id"),
            metadata=details(record, _RATING_DETAILS),
        )

    def _custom(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The custom fields the connector knows, by their names in `CUSTOM_FIELDS`."""
        names = self._names
        found: dict[str, Any] = {}
        for custom_field in objects(record, "custom_fields"):
            name = names.get(identifier(custom_field, "id") or "")
            if name is not None:
                found[name] = custom_field.get("value")
        return found


def _score(record: Mapping[str, Any]) -> tuple[float | None, str | None]:
    score = text(record, "score")
    if score is None or score in _NOT_YET_SCORED:
        return None, None
    if score not in _SCORES:
        raise UnreadableItem(
            "rating_out_of_scale: 'score' is none of 'good', 'bad', 'offered', 'unoffered'"
        )
    return _SCORES[score], f"{score} of bad..good"


def _requester(record: Mapping[str, Any], via: Mapping[str, Any]) -> Mapping[str, Any]:
    """Who wrote the ticket: the side-loaded requester, or the sender of the e-mail it came by."""
    requester = mapping(record, "requester")
    if requester or "source" not in via:
        return requester
    return mapping(mapping(via, "source"), "from")
