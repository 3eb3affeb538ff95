"""The fields of payloads as the source sends them: their names and JSON types.

Belongs here: from a batch of bronze rows to counts. Does not belong here: what the fields mean
(connectors) and which of them should be there (the check on fields).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice

import pyarrow as pa

from feedback_assets.quality.words import Tally, counts
from resources.landing.records import UnreadablePayload, parse_payload

COLUMNS = ("day", "source", "payload", "payload_format", "payload_header")
"""What is read of a bronze row."""
MOST_FIELDS = 1_000
"""Fields of a payload that are looked at."""
LONGEST_NAME = 200
"""Characters of a field's name that are kept; surveys name columns by whole questions."""
UNREADABLE = "(payload): unreadable"
"""The bin of a payload that was read once, when it landed, and no longer can be."""

_TYPES = {
    type(None): "null", bool: "boolean", int: "number", float: "number", str: "string",
    list: "array", dict: "object",
}  # fmt: skip


def fields_of(payload: str, payload_format: str, header: str | None) -> set[str]:
    """``<name>: <JSON type>`` of each top-level field of a payload as bronze holds it.

    Fields of a CSV payload are strings.
    """
    try:
        record = parse_payload(payload, payload_format, header)
    except UnreadablePayload:
        return {UNREADABLE}
    return {
        f"{name[:LONGEST_NAME]}: {_TYPES[type(value)]}"
        for name, value in islice(record.items(), MOST_FIELDS)
    }


def count_fields(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """From a batch with `COLUMNS` to its `words.COUNTS`, feature `field`."""
    tally: Tally = defaultdict(Counter)
    columns = [batch.column(name).to_pylist() for name in COLUMNS]
    for day, source, payload, payload_format, header in zip(*columns, strict=True):
        tally[day, source, "field"].update(fields_of(payload, payload_format, header))
    yield counts(tally)
