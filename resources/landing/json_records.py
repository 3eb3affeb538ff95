"""Records of .jsonl and .json files.

Belongs here: where a record's text begins and ends, also among broken neighbours.
Does not belong here: parsing one record (`payloads`) and what its fields mean (connectors).
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass

import orjson

from resources.landing.payloads import Outcome, Unreadable, json_outcome, shown


def read_jsonl(lines: Iterable[tuple[int, bytes]], limit: int) -> Iterator[Outcome]:
    """One outcome for each line that is not blank; `limit` is in bytes."""
    for number, line in lines:
        if not line.strip():
            continue
        raw = line.removesuffix(b"\n").removesuffix(b"\r")
        yield json_outcome(number, raw, limit, whole_line=line.endswith(b"\n"))


@dataclass(frozen=True, slots=True)
class _Scan:
    """How to get over text: up to and with the next bracket, or over a value without any."""

    to_bracket: re.Pattern[bytes]
    bare: re.Pattern[bytes]

    @classmethod
    def over(cls, string: bytes) -> _Scan:
        """A scan for which `string` is what a string looks like."""
        return cls(
            re.compile(rb'(?:[^"\[\]{}]++|' + string + rb")*+[\[\]{}]", re.DOTALL),
            re.compile(rb'\}+|(?:[^",\[\]{}]++|' + string + rb")++", re.DOTALL),
        )


# Strings as JSON has them never span lines. That finds a missing quote at the end of its line;
# only where nothing else helps, a string may (some exports leave line breaks unescaped).
_STRING = rb'"(?:[^"\\\n]++|\\[^\n])*+"'
_STRICT = _Scan.over(_STRING)
_OVER_LINES = _Scan.over(rb'"(?:[^"\\]++|\\.)*+"')
_STRAY = re.compile(rb"[^\n\[{]+")
_BETWEEN = re.compile(rb"[ \t\r\n,]*")
_INDENT = re.compile(rb"[ \t]*")
_MEMBER = re.compile(rb"[ \t\r\n,]*(" + _STRING + rb")[ \t\r\n]*:[ \t\r\n]*(?=[^,}\]])", re.DOTALL)
_CLOSE = re.compile(rb"[ \t\r\n,]*\}")
_SPACE = b" \t\r\n"
_COLON, _OPENING, _CLOSING_BRACE = ord(":"), b"[{", ord("}")
_ARRAY, _ARRAY_END, _OBJECT = ord("["), ord("]"), ord("{")

_LONG_SEARCHES = 64
"""Searches for an element's end that may run through the file in vain, so that a large file
with nothing but broken elements takes time in proportion to its size, not to its square."""


def _value_end(data: bytearray, pos: int, limit: int, scan: _Scan = _STRICT) -> int | None:
    """Where the value that begins at `pos` ends, by its brackets; None if that can't be told."""
    if data[pos] not in _OPENING:
        match = scan.bare.match(data, pos, limit)
        return match and match.end()
    awaited = bytearray()
    while match := scan.to_bracket.match(data, pos, limit):
        pos = match.end()
        bracket = data[pos - 1]
        if bracket in _OPENING:
            # Within an object a value follows a colon; if not, the object was never closed.
            if awaited and awaited[-1] == _CLOSING_BRACE and _before(data, pos - 1) != _COLON:
                return None
            awaited.append(bracket + 2)  # in ASCII "]" is "[" + 2 and "}" is "{" + 2
        elif awaited.pop() != bracket:
            return None
        if not awaited:
            return pos
    return None


def _before(data: bytearray, pos: int) -> int:
    pos -= 1
    while data[pos] in _SPACE:
        pos -= 1
    return data[pos]


class JsonDocument:
    """The records of one .json file that is in memory.

    They are the elements of its array, or of the list under the first of `containers` that
    stands in its object with a list, or its object itself. Several values one after the other
    (json lines under the wrong name) are read each in this way.
    """

    def __init__(
        self, data: bytearray, containers: Sequence[str], limit: int, cut_off: str | None = None
    ) -> None:
        """`cut_off` is the known reason why `data` is not the whole file, if there is one."""
        self._data = data
        self._containers = [orjson.dumps(name) for name in containers]
        self._limit = limit
        self._cut_off = cut_off
        self._ended_early = False
        self._line, self._counted_to = 1, 0
        self._long_searches = 0

    def read(self) -> Iterator[Outcome]:
        """Each element once, in the file's order, and whatever else stands in the file."""
        pos = self._after_gap(0)
        while pos < len(self._data):
            if self._data[pos] == _ARRAY:
                pos = yield from self._array(pos)
            elif self._data[pos] == _OBJECT:
                pos = yield from self._object(pos)
            else:
                pos = yield from self._stray(pos)
            pos = self._after_gap(pos)
        if self._cut_off and not self._ended_early:
            yield self._rest(len(self._data), "")

    def _array(self, pos: int) -> Generator[Outcome, None, int]:
        pos = self._after_gap(pos + 1)
        while pos < len(self._data) and self._data[pos] != _ARRAY_END:
            pos = self._after_gap((yield from self._element(pos)))
        if pos == len(self._data) and not self._ended_early:
            yield self._rest(pos, "the list is not closed")
        return pos + 1

    def _object(self, pos: int) -> Generator[Outcome, None, int]:
        """The elements of the object's list of records, or the object as the record."""
        lists, end = self._lists(pos + 1) if self._containers else ({}, None)
        chosen = next((lists[name] for name in self._containers if name in lists), None)
        if chosen is None:
            return (yield from self._element(pos))
        for start in chosen:  # a key given twice: both lists hold records
            if not self._ended_early:
                pos = yield from self._array(start)
        if end is None and not self._ended_early:
            end = self._lists(pos)[1]
            if end is None:
                yield self._rest(pos, "the object is not closed behind its list")
        return end or len(self._data)

    def _lists(self, pos: int) -> tuple[dict[bytes, list[int]], int | None]:
        """Where lists begin among the members from `pos` on, by raw key, and the object's end."""
        lists: dict[bytes, list[int]] = {}
        while member := _MEMBER.match(self._data, pos):
            if self._data[member.end()] == _ARRAY:
                lists.setdefault(member[1], []).append(member.end())
            end = _value_end(self._data, member.end(), len(self._data))
            if end is None:
                return lists, None
            pos = end
        close = _CLOSE.match(self._data, pos)
        return lists, close and close.end()

    def _stray(self, pos: int) -> Generator[Outcome, None, int]:
        """Text outside any array or object: no record, whatever it is."""
        match = _STRAY.match(self._data, pos)
        end = match.end() if match else len(self._data)
        yield json_outcome(self._line_at(pos), bytes(self._data[pos:end]).rstrip(), self._limit)
        return end

    def _element(self, pos: int) -> Generator[Outcome, None, int]:
        line, size = self._line_at(pos), len(self._data)
        limit = size if self._long_searches < _LONG_SEARCHES else self._next_sibling(pos) or size
        end = _value_end(self._data, pos, limit)
        if end is None:
            self._long_searches += 1
            end = self._next_sibling(pos)
            if end is None:
                end = _value_end(self._data, pos, size, _OVER_LINES)
            if end is None:
                yield self._rest(pos, "the end of this element can't be told")
                return size
        raw = bytes(memoryview(self._data)[pos:end])
        yield json_outcome(line, raw.rstrip(b" \t\r\n,"), self._limit)
        return end

    def _next_sibling(self, pos: int) -> int | None:
        """The next line that opens an object just as the line at `pos` does.

        Exports put one element on a line or indent all elements alike, so this finds the next
        one whatever is wrong with this one. None where the elements share a line.
        """
        line_start = self._data.rfind(b"\n", 0, pos) + 1
        indent = _INDENT.match(self._data, line_start, pos)
        alone = indent is not None and indent.end() == pos
        # The first element often stands on the line of the bracket, its siblings below it.
        lead = re.escape(indent[0]) if indent is not None and alone else rb" ?"
        found = re.compile(rb"\n" + lead + rb"(?=\{)").search(self._data, pos)
        return found and found.end()

    def _rest(self, pos: int, found: str) -> Unreadable:
        self._ended_early = True
        reason = self._cut_off or (
            f"broken_json: {found}, so the rest of the file is given up; the file may still be "
            "written, or have it exported again as valid JSON"
        )
        return Unreadable(self._line_at(pos), reason, shown(self._data[pos:].rstrip()))

    def _after_gap(self, pos: int) -> int:
        gap = _BETWEEN.match(self._data, pos)
        return gap.end() if gap else pos

    def _line_at(self, pos: int) -> int:
        self._line += self._data.count(b"\n", self._counted_to, pos)
        self._counted_to = max(pos, self._counted_to)
        return self._line
