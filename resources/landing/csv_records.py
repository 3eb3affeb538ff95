"""Records of .csv files.

Belongs here: the dialect, the header, and where a row begins and ends, also after a stray
quote. Splitting a row into fields is the csv module's, in its strict mode.
Does not belong here: what the columns mean (connectors).
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from resources.landing.payloads import (
    Outcome,
    Record,
    Unreadable,
    UnreadablePayload,
    cut_short,
    not_utf8,
    shown,
    too_large,
)

LOOK_AHEAD_LINES = 1_000
"""How far a quoted field may run before its quote counts as never closed."""

_DELIMITERS = (",", ";", "\t")
_QUOTED = re.compile(r'"[^"]*"?')
_FIELD_LIMIT = 2**31 - 1


def delimiter_of(header: str) -> str:
    """The delimiter that stands most often outside quotes in `header`; a comma if none does."""
    outside = _QUOTED.sub("", header)
    return max(_DELIMITERS, key=outside.count)


@lru_cache(maxsize=64)
def _dialect(header: str) -> tuple[str, tuple[str, ...]]:
    """Delimiter and column names of a raw header; raises `UnreadablePayload`."""
    delimiter = delimiter_of(header)
    try:
        names = tuple(name.strip() for name in next(_reader([header], delimiter)))
    except csv.Error as error:
        raise UnreadablePayload(_broken_header(str(error))) from None
    if "" in names:
        raise UnreadablePayload(_broken_header(f"column {names.index('') + 1} has no name"))
    twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if twice is not None:
        raise UnreadablePayload(_broken_header(f"two columns are named {twice[:80]!r}"))
    return delimiter, names


def _broken_header(found: str) -> str:
    return (
        f"broken_csv_header: {found}; have the file exported with one header line that names "
        "every column once"
    )


def _broken_row(found: str) -> str:
    return (
        f"broken_csv_row: {found}; have it exported again with quotes around every field that "
        "holds a delimiter, quote or line break, and quotes within doubled"
    )


def _column_count(found: int, expected: int) -> str:
    return f"the number of columns is {found}, in the header it is {expected}"


def _reader(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    # The module refuses fields over 128 KiB unless told otherwise, and only for the whole
    # process; what bounds a field here is the record limit.
    if csv.field_size_limit() < _FIELD_LIMIT:
        csv.field_size_limit(_FIELD_LIMIT)
    return csv.reader(lines, delimiter=delimiter, strict=True)


def parse_csv_payload(payload: str, header: str) -> dict[str, str]:
    """The fields of one raw row by column name; raises `UnreadablePayload`."""
    delimiter, names = _dialect(header)
    try:
        rows = list(_reader([payload], delimiter))
    except csv.Error as error:
        raise UnreadablePayload(_broken_row(str(error))) from None
    fields = rows[0] if rows else []
    if len(fields) != len(names):
        raise UnreadablePayload(_broken_row(_column_count(len(fields), len(names))))
    return dict(zip(names, fields, strict=True))


@dataclass(slots=True)
class _Row:
    """The raw text of one row; `problem` says what is wrong with its quotes, if anything."""

    line: int
    raw: bytes
    whole_line: bool
    fields: list[str]
    problem: str | None = None


class _Lines:
    """Hands csv.reader one physical line after the other and can take them back."""

    def __init__(self, lines: Iterable[tuple[int, bytes]], limit: int) -> None:
        self._lines = iter(lines)
        self._again: deque[tuple[int, bytes]] = deque()
        self._limit = limit
        self._blank = b" \t\r\n\v\f"
        self._taken: list[tuple[int, bytes]] = []
        self._size = 0
        self.ran_on = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """The next line of the row; none where the row has run on for too long."""
        if len(self._taken) == LOOK_AHEAD_LINES:
            self.ran_on = True
            raise StopIteration
        number, line = self._next_line()
        if self._taken and self._size + len(line) > self._limit:
            self._again.appendleft((number, line))
            self.ran_on = True
            raise StopIteration
        self._taken.append((number, line))
        self._size += len(line)
        # Bytes that are not UTF-8 pass through here; the row as a whole is judged later.
        return line.decode("utf-8", "surrogateescape")

    def _next_line(self) -> tuple[int, bytes]:
        while True:
            number, line = self._again.popleft() if self._again else next(self._lines)
            if self._taken or line.strip(self._blank):
                return number, line

    def delimiter(self) -> str:
        """The delimiter of the header, which stays the next line to be given."""
        try:
            number, line = self._next_line()
        except StopIteration:
            return _DELIMITERS[0]
        self._again.appendleft((number, line))
        delimiter = delimiter_of(line.decode("utf-8", "surrogateescape"))
        # A line of nothing but delimiters is a row of empty fields, not a blank line.
        self._blank = self._blank.replace(delimiter.encode(), b"")
        return delimiter

    def rows(self) -> Iterator[_Row]:
        """Every row; of one whose quotes are wrong, its first line only."""
        reader = _reader(self, self.delimiter())
        while True:
            self._taken, self._size, self.ran_on = [], 0, False
            fields: list[str] = []
            problem = None
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                problem = self._quote_problem(error)
                self._again.extendleft(reversed(self._taken[1:]))
                del self._taken[1:]
            raw = b"".join(line for _, line in self._taken)
            text = raw.removesuffix(b"\n").removesuffix(b"\r")
            yield _Row(self._taken[0][0], text, raw.endswith(b"\n"), fields, problem)

    def _quote_problem(self, error: csv.Error) -> str:
        if self.ran_on:
            return (
                f"a quote is not closed within {LOOK_AHEAD_LINES:,} lines or {self._limit:,} bytes"
            )
        if "end of data" in str(error):
            return "a quote is not closed before the file ends"
        return str(error)


def _row_reason(row: _Row, columns: int, limit: int) -> str | None:
    """Why `row` can't be read, if so."""
    if len(row.raw) > limit:
        return too_large(len(row.raw), limit)
    problem = row.problem
    if problem is None and len(row.fields) != columns:
        problem = _column_count(len(row.fields), columns)
    if problem is not None:
        return _broken_row(problem) if row.whole_line else cut_short(problem)
    try:
        row.raw.decode()
    except UnicodeDecodeError as error:
        return not_utf8(error, row.whole_line)
    return None


def _header_reason(row: _Row, limit: int) -> str | None:
    """Why `row` can't be the header, if so."""
    if row.problem is not None:
        return _broken_header(row.problem)
    reason = _row_reason(row, len(row.fields), limit)
    if reason is None:
        try:
            _dialect(row.raw.decode())
        except UnreadablePayload as error:
            return str(error)
    return reason


def read_csv(lines: Iterable[tuple[int, bytes]], limit: int) -> Iterator[Outcome]:
    """One outcome for each row after the header; `limit` is in bytes.

    Under a header that can't be used every row is unreadable, and so is the header itself.
    """
    rows = _Lines(lines, limit).rows()
    header_row = next(rows, None)
    if header_row is None:
        return
    header_reason = _header_reason(header_row, limit)
    if header_reason is not None:
        yield Unreadable(header_row.line, header_reason, shown(header_row.raw))
        why = header_reason.partition(";")[0]
        found = f"the header on line {header_row.line} can't be used ({why})"
        for row in rows:
            yield Unreadable(row.line, _broken_header(found), shown(row.raw))
        return
    header = header_row.raw.decode()
    names = _dialect(header)[1]
    for row in rows:
        reason = _row_reason(row, len(names), limit)
        if reason is not None:
            yield Unreadable(row.line, reason, shown(row.raw))
        else:
            value = dict(zip(names, row.fields, strict=True))
            yield Record(row.line, row.raw.decode(), "csv", header, value)
