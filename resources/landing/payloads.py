"""One record of a landing file: what it holds, or why it cannot be read.

Belongs here: the two outcomes every reader gives, the words of the reasons several readers
share, and the parsing of one JSON record.
Does not belong here: finding where records begin and end (one module a file format) and what
the fields of a record mean (connectors).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it was delivered.

    `line` is the 1-based physical line where it begins (parquet: the row). `payload` is its
    exact text, `payload_format` one of ``json``, ``csv``, ``parquet``; a csv payload needs
    `payload_header`, the file's raw header, to be understood. `value` is
    ``parse_payload(payload, payload_format, payload_header)``, already done.
    """

    line: int
    payload: str
    payload_format: str
    payload_header: str | None
    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Text that gave no record: where it begins, why, and the text itself.

    `reason` is ``<code>: what was found; what to do``. `raw` is whole; bytes that are not
    UTF-8 stand in it as ``\\xNN``. It is empty where there is no text to show.
    """

    line: int
    reason: str
    raw: str


Outcome = Record | Unreadable

_JSON_WORDS = {
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
}


class UnreadablePayload(ValueError):
    """A payload that does not parse; the message is a reason as in `Unreadable.reason`."""


def shown(raw: bytes | bytearray) -> str:
    """The text of `raw`, with every byte that is not UTF-8 as ``\\xNN``."""
    return raw.decode("utf-8", "backslashreplace")


def too_large(size: int, limit: int) -> str:
    """The reason for a record of `size` bytes where `limit` are allowed."""
    return (
        f"record_too_large: {size:,} bytes, the limit is {limit:,}; "
        "have it exported in smaller parts, or raise the limit if it is genuine"
    )


def cut_short(found: str) -> str:
    """The reason for a last line without line ending which does not parse."""
    return (
        f"truncated_record: the last line has no line ending and does not parse ({found}); "
        "the file may still be written, read it again when it is whole"
    )


def not_utf8(error: UnicodeDecodeError, whole_line: bool = True) -> str:
    """The reason for text that is not UTF-8; half a character at a file's end was cut short."""
    if not whole_line and error.end == len(error.object) and "end of data" in error.reason:
        return cut_short("it ends within a character")
    return (
        f"invalid_encoding: byte 0x{error.object[error.start]:02x} at byte {error.start} is not "
        "UTF-8; have the file exported as UTF-8"
    )


def parse_json_object(text: str | bytes) -> dict[str, Any]:
    """The JSON object in `text`; of duplicate keys the last wins.

    Integers beyond 64 bits become floats. Raises `UnreadablePayload` with ``broken_json``
    (also for NaN, Infinity, lone surrogates and nesting too deep) or ``not_an_object``.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UnreadablePayload(
            f"broken_json: {error}; have the record exported again as valid JSON"
        ) from None
    if type(value) is not dict:
        raise UnreadablePayload(
            f"not_an_object: found {_JSON_WORDS[type(value)]}; deliver one JSON object a record"
        )
    return value


def json_outcome(line: int, raw: bytes, limit: int, whole_line: bool = True) -> Outcome:
    """What the JSON text `raw`, which begins at `line`, holds.

    `whole_line` is False for a last line that has no line ending: where it is broken, the
    file may just not be finished.
    """
    if len(raw) > limit:
        return Unreadable(line, too_large(len(raw), limit), shown(raw))
    try:
        payload = raw.decode()
        return Record(line, payload, "json", None, parse_json_object(raw))
    except UnicodeDecodeError as error:
        return Unreadable(line, not_utf8(error, whole_line), shown(raw))
    except UnreadablePayload as error:
        reason = str(error)
        if not whole_line and reason.startswith("broken_json"):
            reason = cut_short(reason.partition("; ")[0])
        return Unreadable(line, reason, payload)
