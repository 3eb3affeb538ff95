"""Typed access to loosely typed records: text, numbers, instants and containers.

Belongs here: reading one value of a vendor's record, and saying clearly why it can't be read.
Records come from JSON (any JSON type), CSV (text only; empty means absent) and Parquet
(Python values, dates and decimals among them), so each function takes all three.
Does not belong here: any field's name or meaning (the connectors), rating scales (`scales`).

No message quotes text from a record: a shifted CSV column puts a customer's words anywhere,
and messages reach logs. Numbers and dates that were understood are quoted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NoReturn

from resources.connectors.base import UnreadableItem
from resources.connectors.countries import ALPHA_2_BY_ALPHA_3

EARLIEST_YEAR = 1990
LATEST_YEAR = 2100

# Seconds reach this number in the year 5138, milliseconds in 1973: between the two bounds above
# no number can be read both ways.
_MILLISECONDS_FROM = 1e11

_NO_LANGUAGE = frozenset({"und", "zxx", "mul", "mis", "qam", "qct", "qht", "qme", "qst"})
_RENAMED_LANGUAGES = {"iw": "he", "in": "id", "ji": "yi"}

_EMPTY: Mapping[str, Any] = {}


def text(record: Mapping[str, Any], key: str) -> str | None:
    """Text under `key`, stripped and encodable as UTF-8; numbers as written; None if blank.

    Raises `UnreadableItem` (wrong_type) for anything else, booleans included.
    """
    value = record.get(key)
    if value is None:
        return None
    if type(value) is str:
        value = value.strip()
        if value.isascii():
            return value or None
        return _encodable(value)
    return _number_as_text(value, key)


def first_text(record: Mapping[str, Any], *keys: str) -> str | None:
    """The first of `keys` that holds text, read as `text` reads it."""
    for key in keys:
        value = text(record, key)
        if value:
            return value
    return None


def required_text(record: Mapping[str, Any], *keys: str) -> str:
    """The first of `keys` that holds text. Raises `UnreadableItem` (missing_body) if none does."""
    return first_text(record, *keys) or raise_missing_body(*keys)


def raise_missing_body(*keys: str) -> NoReturn:
    """Raises `UnreadableItem`, naming where text was looked for."""
    names = ", ".join(repr(key) for key in keys)
    raise UnreadableItem(f"missing_body: no text in {names}")


def identifier(record: Mapping[str, Any], *keys: str) -> str | None:
    """A vendor's id as text, from the first of `keys` that holds one.

    Never raises: whatever is neither text nor a whole number is no id, so that an item's id can
    be asked for before (and whether or not) the item can be read.
    """
    for key in keys:
        value = record.get(key)
        if type(value) is str:
            value = value.strip()
            if value:
                return value if value.isascii() else _encodable(value)
        elif type(value) is int or (type(value) is float and value.is_integer()):
            try:
                return str(int(value))
            except ValueError:  # more digits than Python turns into text
                continue
    return None


def number(record: Mapping[str, Any], key: str) -> float | None:
    """A finite number under `key`, also where it is written as text; None if blank.

    Raises `UnreadableItem` (wrong_type) for anything else.
    """
    value = record.get(key)
    if value is None:
        return None
    kind = type(value)
    if kind is int or kind is float or kind is str or kind is Decimal:
        if kind is str and not value.strip():
            return None
        try:
            result = float(value)
        except (ValueError, OverflowError):
            result = math.inf
        if math.isfinite(result):
            return result
        if kind is not str and math.isnan(result):
            return None
    raise UnreadableItem(f"wrong_type: {key!r} holds {_kind_of(value)}, expected a finite number")


def instant(record: Mapping[str, Any], key: str) -> datetime | None:
    """The UTC instant under `key`; None if blank.

    Reads ISO 8601 (naive means UTC, a plain date means its midnight), epoch seconds and epoch
    milliseconds, the last two also as text. Raises `UnreadableItem` (absurd_date) for what is
    none of these and for years outside `EARLIEST_YEAR` .. `LATEST_YEAR`.
    """
    value = record.get(key)
    if value is None:
        return None
    kind = type(value)
    if kind is str:
        value = value.strip()
        if not value:
            return None
        moment = _parse_instant(value, key)
    elif kind is int or kind is float:
        if value != value:
            return None
        moment = _from_epoch(value, key)
    elif isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day, tzinfo=UTC)
    else:
        raise _not_a_date(value, key)
    return _bounded(moment, key)


def mapping(record: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under `key`, empty if blank. Raises `UnreadableItem` (wrong_type) otherwise."""
    value = record.get(key)
    if type(value) is dict:
        return value
    if value is None or value == "":
        return _EMPTY
    raise UnreadableItem(f"wrong_type: {key!r} holds {_kind_of(value)}, expected an object")


def objects(record: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    """The list of objects under `key`, empty if blank. Raises `UnreadableItem` otherwise."""
    value = record.get(key)
    if value is None or value == "":
        return ()
    if type(value) is not list:
        raise UnreadableItem(f"wrong_type: {key!r} holds {_kind_of(value)}, expected a list")
    for element in value:
        if type(element) is not dict:
            raise UnreadableItem(
                f"wrong_type: {key!r} lists {_kind_of(element)}, expected objects only"
            )
    return value


def language(record: Mapping[str, Any], key: str) -> str | None:
    """The primary language subtag under `key`, lower case (``pt_BR`` is ``pt``).

    None for what is no language tag and for tags that say "not known" or "no language". Withdrawn
    ISO 639-1 codes, which Google Play and X still send, become the present ones.
    """
    value = text(record, key)
    if value is None:
        return None
    primary = value.replace("_", "-").partition("-")[0].lower()
    if not (2 <= len(primary) <= 3 and primary.isascii() and primary.isalpha()):
        return None
    return None if primary in _NO_LANGUAGE else _RENAMED_LANGUAGES.get(primary, primary)


def country(record: Mapping[str, Any], key: str) -> str | None:
    """The country under `key`: codes as ISO 3166-1 alpha-2 (``prt``: ``PT``), names as written."""
    value = text(record, key)
    if value is None or len(value) > 3:
        return value
    code = value.upper()
    return ALPHA_2_BY_ALPHA_3.get(code, code)


def tier(record: Mapping[str, Any], key: str) -> str | None:
    """The customer tier under `key`, lower case."""
    value = text(record, key)
    return value.lower() if value is not None else None


def details(record: Mapping[str, Any], keys: Iterable[str]) -> dict[str, str]:
    """Those of `keys` that hold text, a number, a boolean or a list of texts, as flat text.

    For metadata, which no item stands or falls with: what has another type is left out. Lists
    are joined with ``;``.
    """
    found: dict[str, str] = {}
    for key in keys:
        value = record.get(key)
        if value is None:
            continue
        if type(value) is bool:
            found[key] = "true" if value else "false"
            continue
        if type(value) is list:
            value = ";".join(each for each in value if type(each) is str)
        try:
            written = text({key: value}, key)
        except UnreadableItem:
            continue
        if written:
            found[key] = written
    return found


def _encodable(value: str) -> str:
    """`value` with halves of surrogate pairs (emoji cut in two by an exporter) replaced."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def _number_as_text(value: Any, key: str) -> str | None:
    if isinstance(value, int | float | Decimal) and type(value) is not bool:
        if value != value:
            return None
        try:
            # CSV readers and data frames turn whole numbers beside blanks into floats.
            return str(int(value)) if value == int(value) else str(value)
        except (ValueError, OverflowError):
            pass
    raise UnreadableItem(f"wrong_type: {key!r} holds {_kind_of(value)}, expected text")


def _parse_instant(value: str, key: str) -> datetime:
    if len(value) != 8 and value.isascii() and value.isdecimal():
        return _from_epoch(float(value), key)
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(value.removesuffix(" UTC"))
    except ValueError:
        pass
    try:
        seconds = float(value)
    except ValueError:
        raise _not_a_date(value, key) from None
    return _from_epoch(seconds, key)


def _from_epoch(value: float, key: str) -> datetime:
    try:
        seconds = value / 1000 if abs(value) >= _MILLISECONDS_FROM else value
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise UnreadableItem(
            f"absurd_date: {key!r} as an epoch is outside {EARLIEST_YEAR} to {LATEST_YEAR}"
        ) from None


def _bounded(moment: datetime, key: str) -> datetime:
    # One year of slack lets the shift to UTC happen first, without overflowing at year 1 or 9999.
    if EARLIEST_YEAR - 1 <= moment.year <= LATEST_YEAR + 1:
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        elif moment.tzinfo is not UTC:
            moment = moment.astimezone(UTC)
        if EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
            return moment
    raise UnreadableItem(
        f"absurd_date: {key!r} is {moment.isoformat()}, "
        f"expected a date from {EARLIEST_YEAR} to {LATEST_YEAR}"
    )


def _not_a_date(value: Any, key: str) -> UnreadableItem:
    return UnreadableItem(
        f"absurd_date: {key!r} holds {_kind_of(value)} that is no date, "
        "expected ISO 8601 or epoch seconds or milliseconds"
    )


def _kind_of(value: Any) -> str:
    if type(value) is str:
        return f"text of {len(value)} characters"
    return type(value).__name__
