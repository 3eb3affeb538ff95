"""What a service's response headers say about its limits.

Belongs here: reading Retry-After and x-ratelimit-* in the forms services write them. Does not
belong here: what is done about it (rate_limit.py).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = r"(\d+(?:\.\d+)?)(ms|s|m|h|d)"


@dataclass(frozen=True, slots=True)
class Allowance:
    """One limit as the service reports it: so much in a minute, what is left, and how many
    seconds until all of it is back. None is what the service does not say."""

    per_minute: float | None
    remaining: float | None
    reset: float | None


def allowance(headers: Mapping[str, str], kind: str) -> Allowance:
    """The limit of `kind`, ``requests`` or ``tokens``.

    Azure names the limit's period in ``x-ratelimit-renewalperiod-*`` (seconds) and writes 0 or
    -1 for a limit it does not know; where no period is named it is a minute.
    """
    limit = _number(headers.get(f"x-ratelimit-limit-{kind}"))
    period = _number(headers.get(f"x-ratelimit-renewalperiod-{kind}")) or 60.0
    return Allowance(
        per_minute=limit * 60.0 / period if limit else None,
        remaining=_number(headers.get(f"x-ratelimit-remaining-{kind}")),
        reset=duration(headers.get(f"x-ratelimit-reset-{kind}")),
    )


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds to wait, from ``retry-after-ms`` or ``Retry-After`` (seconds or an HTTP date).

    A date counts from the service's own ``Date`` where it sends one, so that a clock that is
    off does no harm. None where neither header can be read.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None or value is None:
        return seconds
    until = _date(value)
    if until is None:
        return None
    start = _date(headers.get("date", "")) or now or datetime.now(UTC)
    return max(0.0, (until - start).total_seconds())


def duration(value: str | None) -> float | None:
    """Seconds of ``1s``, ``6m0s``, ``120ms``, ``1h2m3.5s`` or a bare number of seconds."""
    if value is None:
        return None
    value = value.strip()
    if re.fullmatch(f"(?:{_PART})+", value):
        return sum(float(number) * _SECONDS[unit] for number, unit in re.findall(_PART, value))
    return _number(value)


def _number(value: str | None) -> float | None:
    try:
        number = float(value) if value is not None else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
