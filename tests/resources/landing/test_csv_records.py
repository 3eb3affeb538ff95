"""Records of .csv files: dialects, multi-line rows, and what breaks them."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.landing.records import (
    Record,
    Unreadable,
    UnreadablePayload,
    parse_payload,
    read_records,
)


def read(text: str | bytes, limit: int = 1_048_576) -> list[Record | Unreadable]:
    data = text.encode() if isinstance(text, str) else text
    return list(read_records(io.BytesIO(data), "f.csv", (), limit))


def brief(outcomes: list[Record | Unreadable]) -> list[str]:
    return [o.payload if isinstance(o, Record) else o.reason.split(":")[0] for o in outcomes]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff", "\ufeff\n \n"])
def test_rows_keep_their_text_and_header(delimiter: str, ending: str, start: str) -> None:
    header = f'id{delimiter}"a,;{delimiter}b"{delimiter} text '
    row = f'1{delimiter}{delimiter}"two{ending}{ending}""lines"""'
    outcomes = read(start + ending.join([header, row, "", f"2{delimiter}{delimiter}NUL\0", ""]))
    first, second = outcomes
    column = f"a,;{delimiter}b"
    line = 2 + start.count("\n")
    value = {"id": "1", column: "", "text": f'two{ending}{ending}"lines"'}
    assert first == Record(line, row, "csv", header, value)
    assert isinstance(second, Record)
    assert (second.line, second.value["text"]) == (line + 4, "NUL\0")


def test_a_file_of_one_column_and_a_last_row_without_ending() -> None:
    assert brief(read("text\ngood\n\nbad; very bad")) == ["good", "bad; very bad"]


@pytest.mark.parametrize("text", ["", "\n\n", "id,text\n", "id,text"])
def test_a_file_without_rows_has_no_records(text: str) -> None:
    assert read(text) == []


def test_a_row_of_nothing_but_delimiters_is_a_row() -> None:
    assert brief(read("id\ttext\n\t\n \n1\tx\n")) == ["\t", "1\tx"]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b"9", "broken_csv_row"),
        (b"9,a,b", "broken_csv_row"),
        (b'9,"never closed', "broken_csv_row"),
        (b'9,"said "hello" to me"', "broken_csv_row"),
        (b'9,b,"two\nlines"', "broken_csv_row"),
        (b"9,carriage\rreturn", "broken_csv_row"),
        (b"9,caf\xe9", "invalid_encoding"),
        (b'9,"two\ncaf\xe9s"', "invalid_encoding"),
        (b"9," + b"x" * 200, "record_too_large"),
        (b'9,"' + b"x" * 200, "record_too_large"),
    ],
)
def test_a_bad_row_says_why_and_costs_no_neighbour(bad: bytes, code: str) -> None:
    good = b'1,a\n2,"b\nb"\n'
    outcomes = read(b"id,text\n" + good + bad + b"\n" + good, limit=100)
    assert brief(outcomes) == ["1,a", '2,"b\nb"', code, "1,a", '2,"b\nb"']
    unreadable = outcomes[2]
    assert isinstance(unreadable, Unreadable)
    assert (unreadable.line, unreadable.raw) == (5, bad.decode("utf-8", "backslashreplace"))


@pytest.mark.parametrize("half", ["3", '3,"half a te', "3,caf\udcc3"])
def test_a_half_written_last_row_is_called_truncated(half: str) -> None:
    data = b"id,text\n1,a\n" + half.encode("utf-8", "surrogateescape")
    assert brief(read(data)) == ["1,a", "truncated_record"]


def test_an_open_quote_is_given_up_after_a_thousand_lines() -> None:
    text = 'id,text\n0,"open\n' + "1,a\n" * 1_500 + '2,"late"\n'
    outcomes = read(text)
    assert brief(outcomes) == ["broken_csv_row", *["1,a"] * 1_500, '2,"late"']
    assert "1,000 lines" in brief_reason(outcomes[0])
    assert len(read('id,text\n0,"' + "line\n" * 999 + '"\n')) == 1


def test_an_open_quote_is_given_up_at_the_record_limit() -> None:
    text = 'id,text\n0,"open\n' + "1,aaaaaaaaaa\n" * 50
    outcomes = read(text, limit=100)
    assert brief(outcomes) == ["broken_csv_row", *["1,aaaaaaaaaa"] * 50]


def brief_reason(outcome: Record | Unreadable) -> str:
    return outcome.reason if isinstance(outcome, Unreadable) else ""


def test_a_field_may_be_as_long_as_a_record() -> None:
    long = "x" * 500_000
    (record,) = read(f"id,text\n1,{long}\n")
    assert isinstance(record, Record)
    assert record.value["text"] == long


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("id,id", "broken_csv_header"),
        ("id,text,", "broken_csv_header"),
        ('id,""', "broken_csv_header"),
        ('id,"text', "broken_csv_header"),
        ("id\rtext", "broken_csv_header"),
        ("id,caf\udce9", "invalid_encoding"),
    ],
)
def test_under_a_broken_header_every_row_is_unreadable(header: str, code: str) -> None:
    data = f"{header}\n1,a\n2,b\n".encode("utf-8", "surrogateescape")
    assert brief(read(data)) == [code, "broken_csv_header", "broken_csv_header"]


@pytest.mark.parametrize("payload", ["1", "1,2,3", '1,"open', "1,2\n3,4", ""])
def test_a_payload_that_is_no_row_is_an_error(payload: str) -> None:
    with pytest.raises(UnreadablePayload, match="broken_csv_row"):
        parse_payload(payload, "csv", "id,text")


def test_a_payload_under_a_broken_header_is_an_error() -> None:
    with pytest.raises(UnreadablePayload, match="broken_csv_header"):
        parse_payload("1,2", "csv", "id,id")


field = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ['"', ",", ";", "\t", "\n", "\r\n", "\r", '","', '"\n"']
)


@given(
    st.lists(st.tuples(field, field), max_size=8),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_the_csv_module_writes_is_read_back(
    rows: list[tuple[str, str]], delimiter: str, ending: str
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL)
    writer.writerows([("id", "text"), *rows])
    outcomes = [o for o in read(out.getvalue()) if isinstance(o, Record)]
    assert [tuple(o.value.values()) for o in outcomes] == rows
    header = '"id"' + delimiter + '"text"'
    assert "".join(p + ending for p in [header, *brief([*outcomes])]) == out.getvalue()
    for record in outcomes:
        assert parse_payload(record.payload, "csv", record.payload_header) == record.value
