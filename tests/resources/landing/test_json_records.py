"""Records of .json files: arrays, wrappers, single objects, and what breaks them."""

from __future__ import annotations

import gzip
import io
import time
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.landing.records import Record, Unreadable, read_records


def read(text: str | bytes, *containers: str, name: str = "f.json") -> list[Record | Unreadable]:
    data = text.encode() if isinstance(text, str) else text
    return list(read_records(io.BytesIO(data), name, containers))


def brief(outcomes: list[Record | Unreadable]) -> list[str]:
    return [o.payload if isinstance(o, Record) else o.reason.split(":")[0] for o in outcomes]


def test_elements_are_exact_slices_with_the_line_they_begin_on() -> None:
    outcomes = read('\n[\n  { "a" : 1.0 },{"b":\n"]},{"}\n,\n\n{}]\n')
    assert [(o.line, brief([o])[0]) for o in outcomes] == [
        (3, '{ "a" : 1.0 }'),
        (3, '{"b":\n"]},{"}'),
        (7, "{}"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"reviews":[{"a":1},{"b":2}],"next":null}', ['{"a":1}', '{"b":2}']),
        ('{"meta":{"reviews":[1]},"reviews":[{"a":1}]}', ['{"a":1}']),
        ('{"data":[{"b":2}],"reviews":[{"a":1}]}', ['{"a":1}']),
        ('{"reviews":{"x":1},"data":[{"b":2}]}', ['{"b":2}']),
        ('{"reviews":null,"data":[]}', []),
        ('{"reviews":[{"a":1}],"reviews":[{"b":2}]}', ['{"a":1}', '{"b":2}']),
        ('{"id":7,"tags":[{"a":1}]}', ['{"id":7,"tags":[{"a":1}]}']),
        ("{}", ["{}"]),
        ("[]", []),
        (" \n", []),
        ('{"a":1}\n{"b":2}\n', ['{"a":1}', '{"b":2}']),
        ('[[{"reviews":[]}]]', ["not_an_object"]),
        ('[{"reviews":[{"a":1}]}]', ['{"reviews":[{"a":1}]}']),
        ("5", ["not_an_object"]),
        ("no json at all, really", ["broken_json"]),
    ],
)
def test_where_the_records_are(text: str, expected: list[str]) -> None:
    assert brief(read(text, "reviews", "data")) == expected


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ("nope", "broken_json"),
        ("this is not json", "broken_json"),
        ('{"x":NaN}', "broken_json"),
        ('{"x":tru}', "broken_json"),
        ("{'x':[1]}", "broken_json"),
        ('{"x":1,}', "broken_json"),
        ('{"x":"raw\nline break"}', "broken_json"),
        ('{"x":"tab\there"}', "broken_json"),
        ('{"x":"\\ud83d"}', "broken_json"),
        ('{"x":' * 5_000 + "1" + "}" * 5_000, "broken_json"),
        ('"}],["', "not_an_object"),
        ("null", "not_an_object"),
        ('{"x":"' + "y" * 2_000_000 + '"}', "record_too_large"),
    ],
)
@pytest.mark.parametrize("layout", ['[{"a":1},@,{"b":2}]', '{"items":[{"a":1}, @, {"b":2}],"n":3}'])
def test_a_bad_element_costs_no_neighbour(layout: str, bad: str, code: str) -> None:
    outcomes = read(layout.replace("@", bad), "items")
    assert brief(outcomes) == ['{"a":1}', code, '{"b":2}']
    assert isinstance(outcomes[1], Unreadable)
    assert outcomes[1].raw == bad


@pytest.mark.parametrize("bad", ['{"x":"y}', '{"x":1', '{"x":[1,2}', '{"x":{"y":[1}', '{"x'])
@pytest.mark.parametrize(
    "layout",
    [
        '[\n  {"a":1},\n  @,\n  {"b":2}\n]',
        '[{"a":1},\n@,\n{"b":2}]',
        '{"items":[{"a":1},\n @,\n {"b":2}],"n":3}',
        '{"a":1}\n@\n{"b":2}\n',
    ],
)
def test_an_element_without_end_costs_no_neighbour_on_other_lines(layout: str, bad: str) -> None:
    outcomes = read(layout.replace("@", bad), "items")
    assert brief(outcomes) == ['{"a":1}', "broken_json", '{"b":2}']
    assert isinstance(outcomes[1], Unreadable)
    assert outcomes[1].raw == bad


def test_an_element_whose_end_cannot_be_told_gives_up_the_rest() -> None:
    first, rest = read('[{"a":1},{"b":"x},{"c":3}]')
    assert brief([first, rest]) == ['{"a":1}', "broken_json"]
    assert isinstance(rest, Unreadable)
    assert rest.raw == '{"b":"x},{"c":3}]'
    assert "rest of the file" in rest.reason


def test_invalid_encoding_costs_one_element() -> None:
    outcomes = read(b'[{"a":1},{"b":"caf\xe9"},{"c":3}]')
    assert brief(outcomes) == ['{"a":1}', "invalid_encoding", '{"c":3}']
    assert isinstance(outcomes[1], Unreadable)
    assert outcomes[1].raw == '{"b":"caf\\xe9"}'


@pytest.mark.parametrize("text", ['[\n{"a":1},\n{"b":"é"}\n]', '{"items":[{"a":1},{"b":2}],"n":0}'])
def test_a_file_that_breaks_off_says_so_once(text: str) -> None:
    data = text.encode()
    for size in range(1, len(data)):
        outcomes = read(data[:size], "items")
        assert brief(outcomes[-1:]) == ["broken_json"], data[:size]
        assert all(isinstance(o, Record) for o in outcomes[:-1])
        zipped = read(gzip.compress(data[:size])[:-8], "items", name="f.json.gz")
        assert brief(zipped) == [*brief(outcomes[:-1]), "truncated_gzip"]


def test_a_large_file_with_nothing_but_open_elements_is_read_in_time() -> None:
    element = '{"a":[{"b":1},{"c":2,\n'
    began = time.monotonic()
    outcomes = read("[\n" + element * 50_000 + "]")
    assert len(outcomes) == 50_000
    assert time.monotonic() - began < 10


scalars = st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=8)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
objects = st.dictionaries(st.text(max_size=4), values, max_size=4)


@given(st.lists(objects), st.sampled_from([b",", b",\n", b" ,\r\n  "]), st.booleans())
def test_any_well_formed_list_comes_out_whole(
    items: list[dict[str, Any]], comma: bytes, indented: bool
) -> None:
    dumped = [orjson.dumps(item, option=orjson.OPT_INDENT_2 if indented else 0) for item in items]
    listed = b"[" + comma.join(dumped) + b"]"
    for data in (listed, b'{"list":{"items":[1]},"items":' + listed + b',"n":"]"}'):
        outcomes = read(data, "items")
        assert brief(outcomes) == [raw.decode() for raw in dumped]
        assert [o.value for o in outcomes if isinstance(o, Record)] == items
