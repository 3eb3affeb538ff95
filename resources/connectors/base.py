"""What every connector promises: one vendor's record in, one `SourceItem` out.

Belongs here: the neutral item, the connector protocol and its errors.
Does not belong here: any vendor's field names (one module a source) and anything the
pipeline decides about an item (language, masking, duplicates).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


class UnreadableItem(ValueError):
    """A record that is well-formed but cannot become an item; the message is the reason.

    The message starts with a stable code and says what was found and what was expected,
    for example ``missing_body: neither 'description' nor 'subject' holds text``.
    """


@dataclass(frozen=True, slots=True)
class SourceItem:
    """One piece of feedback in neutral terms, before cleaning and masking.

    Text may still be HTML (`is_html`). `created_at` is timezone-aware UTC or None. `rating`
    runs from 0 (worst) to 1 (best), `rating_original` says what the source wrote
    (``"4 of 1..5"``). A field earns its place when two or more sources can fill it;
    everything else a source knows rides in `metadata` (flat, text values).
    """

    native_id: str | None
    body: str
    title: str | None = None
    is_html: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None
    rating: float | None = None
    rating_original: str | None = None
    author_id: str | None = None
    author_name: str | None = None
    author_email: str | None = None
    language: str | None = None
    product: str | None = None
    product_version: str | None = None
    platform: str | None = None
    country: str | None = None
    customer_tier: str | None = None
    segment: str | None = None
    correlation_id: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


class Connector(Protocol):
    """Reads one source's records, in each of the shapes its vendors export."""

    source: str
    containers: tuple[str, ...]
    """Keys under which a JSON file's wrapper object holds its list of records."""

    def native_id(self, record: Mapping[str, Any]) -> str | None:
        """The source's own id of the item, stable across exports and edits; None if it has none."""
        ...

    def read(self, record: Mapping[str, Any]) -> SourceItem:
        """The item in `record`. Raises `UnreadableItem` when it holds no feedback."""
        ...
