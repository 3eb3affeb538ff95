"""What holds for every format: json lines, gzip, names of files, and properties of any input."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.landing.records import (
    Record,
    Unreadable,
    UnreadablePayload,
    parse_payload,
    read_records,
)

ENDINGS = [".jsonl", ".ndjson", ".json", ".csv", ".parquet"]
FEED = b'{"id":1}\n{"id":2}\n{"id":3}\n'


def read(data: bytes, name: str, limit: int = 1_000) -> list[Record | Unreadable]:
    return list(read_records(io.BytesIO(data), name, ("items",), limit))


def brief(outcomes: list[Record | Unreadable]) -> list[str]:
    """Payloads of what was read, codes of what was not."""
    return [o.payload if isinstance(o, Record) else o.reason.split(":")[0] for o in outcomes]


def test_a_json_line_keeps_its_exact_text() -> None:
    line = '{ "b" : 1.50,  "a":"é\\u0000\\/" , "b": 2}  '
    (record,) = read(f"{line}\r\n".encode(), "feed.jsonl")
    assert record == Record(1, line, "json", None, {"b": 2, "a": "é\0/"})


def test_blank_lines_are_skipped_but_counted_as_lines() -> None:
    outcomes = read(b'\xef\xbb\xbf\r\n  \t\r\n{"id":1}\r\n\n{"id":2}', "feed.jsonl")
    assert [(o.line, brief([o])[0]) for o in outcomes] == [(3, '{"id":1}'), (5, '{"id":2}')]


def test_a_byte_order_mark_is_no_part_of_the_first_record() -> None:
    for name in ("feed.jsonl", "feed.json"):
        assert brief(read(b'\xef\xbb\xbf{"id":1}\n', name)) == ['{"id":1}']


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'{"id":', "broken_json"),
        (b'{"id":NaN}', "broken_json"),
        (b'{"id":-Infinity}', "broken_json"),
        (b'{"id":1e999}', "broken_json"),
        (b'{"text":"\\ud800"}', "broken_json"),
        (b'{"text":"\0"}', "broken_json"),
        (b"\0\0\0", "broken_json"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "broken_json"),
        (b'{"id":1}{"id":2}', "broken_json"),
        (b"[1]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"null", "not_an_object"),
        (b'{"text":"caf\xe9"}', "invalid_encoding"),
        (b'{"text":"\xed\xa0\x80"}', "invalid_encoding"),
        (b'{"text":"' + b"x" * 2_000_000 + b'"}', "record_too_large"),
    ],
)
def test_a_bad_line_says_why_and_costs_no_neighbour(line: bytes, code: str) -> None:
    outcomes = read(FEED + line + b"\n" + FEED, "feed.jsonl", limit=1_500_000)
    good = ['{"id":1}', '{"id":2}', '{"id":3}']
    assert brief(outcomes) == [*good, code, *good]
    bad = outcomes[3]
    assert isinstance(bad, Unreadable)
    assert bad.line == 4
    assert bad.raw == line.decode("utf-8", "backslashreplace")
    assert "; " in bad.reason


def test_the_limit_is_counted_in_bytes_of_payload() -> None:
    line = '{"a":"é"}'.encode()
    assert brief(read(line + b"\r\n", "feed.jsonl", limit=10)) == ['{"a":"é"}']
    assert brief(read(line + b"\r\n", "feed.jsonl", limit=9)) == ["record_too_large"]


def test_a_line_of_ten_megabytes_is_a_record_if_allowed() -> None:
    line = b'{"text":"' + b"x" * 10_000_000 + b'"}'
    (record,) = read(line, "feed.jsonl", limit=20_000_000)
    assert isinstance(record, Record)
    assert record.payload.encode() == line


@pytest.mark.parametrize("half", [b'{"id":4,"te', b'{"text":"\xc3', b'{"id":4}{'])
def test_a_half_written_last_line_is_called_truncated(half: bytes) -> None:
    assert brief(read(FEED + half, "feed.jsonl"))[3:] == ["truncated_record"]


def test_a_last_line_without_ending_that_is_whole_but_wrong_keeps_its_reason() -> None:
    assert brief(read(FEED + b"[4]", "feed.jsonl"))[3:] == ["not_an_object"]
    assert brief(read(FEED + b'{"a":"\xe9"}', "feed.jsonl"))[3:] == ["invalid_encoding"]


@pytest.mark.parametrize("name", ["feed.txt", "feed", "feed.gz", "feed.jsonl.zip", "jsonl"])
def test_other_files_are_refused_by_name(name: str) -> None:
    assert brief(read(FEED, name)) == ["unsupported_file_type"]


def test_the_ending_counts_whatever_its_case() -> None:
    assert brief(read(FEED, "2026/Feed.JSONL")) == ['{"id":1}', '{"id":2}', '{"id":3}']


def test_gzip_of_several_members_and_padding_reads_as_one_file() -> None:
    data = gzip.compress(FEED) + gzip.compress(b"") + gzip.compress(FEED) + b"\0" * 20
    assert [o.line for o in read(data, "feed.jsonl.gz")] == [1, 2, 3, 4, 5, 6]


def test_a_gzip_stream_that_breaks_off_keeps_what_came_before() -> None:
    data = gzip.compress(FEED + b'{"id":4,"text":"unfinished"}\n')
    for size in range(len(data)):
        outcomes = read(data[:size], "feed.jsonl.gz")
        *before, last = outcomes
        assert all(isinstance(o, Record) for o in before)
        assert isinstance(last, Unreadable)
        assert last.reason.startswith("truncated_gzip: ")
        assert last.line == len(before) + 1
    assert len(outcomes) == 5


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (b"not gzip", 0),
        (gzip.compress(FEED)[:-8] + b"\0" * 8, 3),
        (gzip.compress(FEED) + b"trailing text", 3),
    ],
    ids=["no_gzip", "wrong_checksum", "text_after_the_end"],  # the bytes hold the time
)
def test_a_broken_gzip_stream_keeps_what_came_before(data: bytes, kept: int) -> None:
    outcomes = read(data, "feed.jsonl.gz")
    assert brief(outcomes[kept:]) == ["broken_gzip"]
    assert len(outcomes) == kept + 1


def test_a_gzip_fault_deep_in_a_large_file_loses_nothing_before_it() -> None:
    lines = [orjson.dumps({"id": at, "text": os.urandom(20).hex()}) for at in range(5_000)]
    data = bytearray(gzip.compress(b"\n".join(lines)))
    half = len(data) // 2
    outcomes = read(bytes(data[:half]), "feed.jsonl.gz")
    assert brief(outcomes[-1:]) == ["truncated_gzip"]
    assert 2_000 < len(outcomes) < 3_000
    assert [o.encode() for o in brief(outcomes[:-1])] == lines[: len(outcomes) - 1]


def test_half_a_csv_row_at_a_gzip_fault_is_not_taken_for_a_whole_one() -> None:
    data = gzip.compress(b"id,text\n1,good\n2,very good")
    assert brief(read(data[:-8], "feed.csv.gz")) == ["1,good", "truncated_gzip"]


def test_the_stream_stays_open() -> None:
    for ending in ENDINGS:
        for name in (ending, f"{ending}.gz"):
            stream = io.BytesIO(FEED)
            list(read_records(stream, name))
            assert not stream.closed


def test_an_unknown_payload_format_is_an_error() -> None:
    with pytest.raises(UnreadablePayload, match="unsupported_payload_format"):
        parse_payload("<a/>", "xml", None)
    with pytest.raises(UnreadablePayload, match="unsupported_payload_format"):
        parse_payload("1,2", "csv", None)


words = st.dictionaries(st.text(max_size=5), st.none() | st.integers(-9, 9) | st.text(), max_size=4)
lines = st.lists(
    st.binary(max_size=30).map(lambda raw: raw.replace(b"\n", b""))
    | words.map(orjson.dumps)
    | st.sampled_from([b"", b" ", b"\t", b'{"a":', b"[]"])
)


@given(lines, st.sampled_from([b"\n", b"\r\n"]), st.booleans())
def test_json_lines_come_out_byte_for_byte_and_each_once(
    raw_lines: list[bytes], ending: bytes, zipped: bool
) -> None:
    data = ending.join([*raw_lines, b""])
    outcomes = read(
        gzip.compress(data) if zipped else data, "feed.jsonl.gz" if zipped else "feed.jsonl"
    )
    # Physical lines end in \n; a \r before it belongs to the ending.
    physical = [raw.removesuffix(b"\r") for raw in data.removeprefix(b"\xef\xbb\xbf").split(b"\n")]
    expected = [(at, raw) for at, raw in enumerate(physical, 1) if raw.strip()]
    assert [o.line for o in outcomes] == [at for at, _ in expected]
    for outcome, (_, raw) in zip(outcomes, expected, strict=True):
        if isinstance(outcome, Record):
            assert outcome.payload.encode() == raw
        else:
            assert outcome.raw == raw.decode("utf-8", "backslashreplace")


marks = [b'"', b"{", b"}", b"[", b"]", b",", b":", b"\n", b"\r\n", b"\\", b";", b"\t", b"\0"]
words_of_formats = [b'{"a":1}', b'{"items":[', b'"items"', b"\xef\xbb\xbf", b"\xff", b"1", b'""']
hostile = st.lists(
    st.binary(max_size=8) | st.sampled_from(marks) | st.sampled_from(words_of_formats),
    max_size=40,
).map(b"".join)


@pytest.mark.parametrize("ending", ENDINGS)
@settings(max_examples=200)
@given(hostile, st.integers(0, 60), st.sampled_from(["plain", "gz", "cut", "not gz"]))
def test_no_bytes_raise_and_records_parse_again(
    ending: str, data: bytes, limit: int, wrapping: str
) -> None:
    name = ending if wrapping == "plain" else f"{ending}.gz"
    if wrapping in ("gz", "cut"):
        data = gzip.compress(data)
    if wrapping == "cut":
        data = data[: len(data) - 1 - limit % len(data)]
    outcomes = read(data, name, limit)
    assert [o.line for o in outcomes] == sorted(o.line for o in outcomes)
    for outcome in outcomes:
        if isinstance(outcome, Record):
            assert len(outcome.payload.encode()) <= limit
            again = parse_payload(outcome.payload, outcome.payload_format, outcome.payload_header)
            assert again == outcome.value
        else:
            assert ": " in outcome.reason
            outcome.raw.encode()
    if wrapping == "cut":
        assert brief(outcomes[-1:]) == ["truncated_gzip"]


def test_every_line_of_the_real_feed_is_a_record() -> None:
    default = Path(__file__).parents[3] / "../shared/real_feed"
    root = Path(os.environ.get("FEEDBACK_REAL_FEED", default))
    if not root.is_dir():
        pytest.skip("no real feed here")
    files = sorted(root.glob("landing/*/*/*.jsonl"))
    assert files
    for file in files:
        with file.open("rb") as stream:
            payloads = [o.payload for o in read_records(stream, file.name) if isinstance(o, Record)]
        assert "".join(f"{payload}\n" for payload in payloads).encode() == file.read_bytes()
