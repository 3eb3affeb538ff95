"""Bronze rows to canonical rows: parsed, cleaned, masked, tokens in place of customers.

Belongs here: what one item becomes on its own. Does not belong here: what depends on other
items (duplicates.py) and how text is cleaned, told apart or masked (text, language, pii).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from feedback_assets.contracts.columns import STRING
from feedback_assets.contracts.tables import SILVER_FEEDBACK
from feedback_assets.silver.language import detect
from feedback_assets.silver.pii import Masker
from feedback_assets.silver.text import clean_text, content_key
from resources.connectors.base import Connector, SourceItem, UnreadableItem
from resources.landing.records import parse_payload

SETTLED_LATER = ("revision", "supersedes", "duplicate_of")
"""Columns that depend on other items."""

CANONICAL = pa.schema(
    [
        *[
            pa.field(field.name, field.type)
            for field in SILVER_FEEDBACK.schema
            if field.name not in SETTLED_LATER
        ],
        ("_quarantined", STRING),
        ("_raw", STRING),
    ]
)


def canonicaliser(
    connectors: Mapping[str, Connector], token_key: bytes
) -> Callable[[pa.RecordBatch], Iterator[pa.RecordBatch]]:
    """A function from a batch of `bronze_feedback` to a batch of `CANONICAL`."""

    def canonicalise(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        masker = Masker(token_key)
        rows = [_read(row, connectors[row["source"]]) for row in batch.to_pylist()]
        _clean_and_mask(rows, masker)
        yield pa.RecordBatch.from_pylist(rows, schema=CANONICAL)

    return canonicalise


def _read(row: dict[str, Any], connector: Connector) -> dict[str, Any]:
    kept = {
        name: row[name]
        for name in ("day", "source", "feedback_id", "native_id", "received_at", "origin")
    }
    record = parse_payload(row["payload"], row["payload_format"], row["payload_header"])
    try:
        return {**kept, "_item": connector.read(record)}
    except UnreadableItem as unreadable:
        # Bronze read it once; a connector that has changed since may no longer.
        return {**kept, "_quarantined": str(unreadable), "_raw": row["payload"]}


def _clean_and_mask(rows: list[dict[str, Any]], masker: Masker) -> None:
    """Turns each row's `_item` into canonical columns, a column at a time."""
    read = [row for row in rows if "_item" in row]
    items: list[SourceItem] = [row.pop("_item") for row in read]
    plain = [clean_text(item.title, item.body, item.is_html) for item in items]
    languages = detect(plain, [item.language for item in items])
    masked = masker.mask_many(plain)
    for row, item, text, language in zip(read, items, masked, languages, strict=True):
        row.update(_facts(item, row["source"], masker))
        row["text"] = text.text
        row["pii_types"] = list(text.types)
        row["language"] = language
        row["content_hash"] = content_key(text.text)


def _facts(item: SourceItem, source: str, masker: Masker) -> dict[str, Any]:
    return {
        "created_at": item.created_at,
        "rating": item.rating,
        "rating_original": item.rating_original,
        "product": item.product,
        "product_version": item.product_version,
        "platform": item.platform,
        "country": item.country,
        "customer_token": _customer(item, source, masker),
        "customer_tier": item.customer_tier,
        "segment": item.segment,
        "correlation_id": (
            masker.token("REFERENCE", item.correlation_id) if item.correlation_id else None
        ),
        "source_metadata": [(k, masker.mask(v).text) for k, v in sorted(item.metadata.items())],
    }


def _customer(item: SourceItem, source: str, masker: Masker) -> str | None:
    """The customer's token. A display name alone is no identity: many share one."""
    if item.author_email:
        return masker.token("EMAIL", item.author_email)
    if item.author_id:
        return masker.token("CUSTOMER", f"{source}:{item.author_id}")
    return None
