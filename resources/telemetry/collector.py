"""The collector's address and headers, as settings spell them.

Belongs here: reading them, and saying what is wrong without repeating them. Does not belong
here: sending.
"""

from __future__ import annotations

from urllib.parse import unquote, urlsplit


def read_endpoint(text: str) -> str:
    """The collector's base address, to which ``/v1/traces`` and ``/v1/metrics`` are added.

    Raises `ValueError` where it is no address, or holds a secret that would be logged.
    """
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("FEEDBACK_OTLP_ENDPOINT must be an address such as http://collector:4318")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(
            "FEEDBACK_OTLP_ENDPOINT must be a bare address, with no user, password or query; "
            "credentials belong in FEEDBACK_OTLP_HEADERS"
        )
    return text.strip().rstrip("/")


def read_headers(text: str) -> dict[str, str]:
    """Headers of ``name=value,name=value``; values may be percent-encoded, as OpenTelemetry has
    them. Raises `ValueError` naming the entry by its number.
    """
    headers: dict[str, str] = {}
    for number, entry in enumerate(text.split(","), 1):
        if not entry.strip():
            continue
        name, equals, value = entry.partition("=")
        value = unquote(value.strip())
        if not equals or not name.strip().isascii() or not name.strip() or not value.isprintable():
            raise ValueError(f"FEEDBACK_OTLP_HEADERS: entry {number} is not name=value")
        headers[name.strip().lower()] = value
    return headers
