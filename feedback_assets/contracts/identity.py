"""How an item is named: `feedback_id`.

Belongs here: the one formula. Does not belong here: the source's own ids.
"""

from __future__ import annotations

import hashlib


def sha256_hex(text: str) -> str:
    """SHA-256 of the UTF-8 bytes of `text`, in hex."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def feedback_id(source: str, native_id: str, payload_sha256: str) -> str:
    """``fb`` and 80 bits of hash in hex: one revision of one item.

    The same payload delivered again, on whatever day, has the same id; an edit has another.
    """
    return "fb" + sha256_hex("\x00".join((source, native_id, payload_sha256)))[:20]
