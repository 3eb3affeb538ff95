"""Reading single values of loosely typed records."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from resources.connectors import fields
from resources.connectors.base import UnreadableItem

HUGE = pytest.param(pow(10, 5000), id="5001 digits")
HUGE_ID = pytest.param(pow(10, 5000), None, id="5001 digits")
TEN = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        (" \n", None),
        (" ok ", "ok"),
        (5, "5"),
        (5.0, "5"),
        (5.2, "5.2"),
        (float("nan"), None),
        (Decimal("7.50"), "7.50"),
        ("caf\u00e9", "caf\u00e9"),
        ("cut \ud83d", "cut \ufffd"),
        ("\ud83d\ude00", "\U0001f600"),
    ],
)
def test_text(value: Any, expected: str | None) -> None:
    assert fields.text({"key": value}, "key") == expected


@pytest.mark.parametrize("value", [True, [], {}, ["a"], b"a", float("inf"), HUGE])
def test_text_refuses_what_is_not_text(value: Any) -> None:
    with pytest.raises(UnreadableItem, match=r"^wrong_type: 'key' holds \w+, expected text$"):
        fields.text({"key": value}, "key")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, None), ("", None), (4, 4.0), ("4", 4.0), (" 4.5 ", 4.5), (Decimal(3), 3.0)],
)
def test_number(value: Any, expected: float | None) -> None:
    assert fields.number({"key": value}, "key") == expected


@pytest.mark.parametrize("value", ["four", "nan", "inf", True, [], HUGE, float("inf")])
def test_number_refuses_what_is_no_finite_number(value: Any) -> None:
    with pytest.raises(UnreadableItem, match=r"^wrong_type: 'key' holds"):
        fields.number({"key": value}, "key")


@pytest.mark.parametrize(
    "value",
    [
        "2026-06-01T10:00:00Z",
        "2026-06-01T10:00:00.000000000Z",
        "2026-06-01T12:00:00+02:00",
        "2026-06-01T03:00:00-0700",
        "2026-06-01 10:00:00",
        "2026-06-01 10:00:00 UTC",
        " 20260601T100000 ",
        1780308000,
        1780308000.0,
        1780308000000,
        "1780308000",
        "1780308000000",
        "1780308000.0",
        datetime(2026, 6, 1, 10, 0),
        datetime(2026, 6, 1, 12, 0, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_instants_in_every_notation(value: Any) -> None:
    moment = fields.instant({"key": value}, "key")
    assert moment == TEN
    assert moment.tzinfo is UTC


@pytest.mark.parametrize("value", ["2026-06-01", "20260601", date(2026, 6, 1)])
def test_a_plain_date_is_its_midnight(value: Any) -> None:
    assert fields.instant({"key": value}, "key") == datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize("value", [None, "", "  ", float("nan")])
def test_a_blank_date_is_none(value: Any) -> None:
    assert fields.instant({"key": value}, "key") is None


@pytest.mark.parametrize(
    "value",
    [
        "yesterday",
        "31/02/2026",
        "2026-02-30",
        "1989-12-31T23:59:59Z",
        "2101-01-01",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1990-01-01T00:30:00+01:00",
        0,
        -1,
        HUGE,
        float("inf"),
        1780308000000000,
        True,
        [],
        {"seconds": 1},
    ],
)
def test_absurd_dates(value: Any) -> None:
    with pytest.raises(UnreadableItem, match=r"^absurd_date: 'key' "):
        fields.instant({"key": value}, "key")


def test_the_first_and_the_last_moment_of_the_accepted_years() -> None:
    assert fields.instant({"key": "1990-01-01"}, "key") == datetime(1990, 1, 1, tzinfo=UTC)
    assert fields.instant({"key": "2100-12-31T23:59:59Z"}, "key") is not None


def test_messages_do_not_repeat_a_customers_words() -> None:
    record = {"key": "Ada Quill, +1 555 0142"}
    for read in (fields.number, fields.instant, fields.mapping, fields.objects):
        with pytest.raises(UnreadableItem) as refusal:
            read(record, "key")
        assert "Ada" not in str(refusal.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, "7"),
        (7.0, "7"),
        (" a-7 ", "a-7"),
        ("", None),
        (True, None),
        ([], None),
        HUGE_ID,
    ],
)
def test_identifiers_never_raise(value: Any, expected: str | None) -> None:
    assert fields.identifier({"id": value}, "absent", "id") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("en", "en"),
        ("pt_BR", "pt"),
        ("ZH-Hant", "zh"),
        ("iw", "he"),
        ("und", None),
        ("qme", None),
        ("English", None),
        ("", None),
    ],
)
def test_language(value: str, expected: str | None) -> None:
    assert fields.language({"key": value}, "key") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("prt", "PT"),
        ("GBR", "GB"),
        ("de", "DE"),
        ("Portugal", "Portugal"),
        ("EU", "EU"),
        ("", None),
    ],
)
def test_country(value: str, expected: str | None) -> None:
    assert fields.country({"key": value}, "key") == expected


def test_containers_may_be_blank_but_not_of_another_type() -> None:
    assert fields.mapping({"a": None}, "a") == {}
    assert list(fields.objects({"a": ""}, "a")) == []
    with pytest.raises(UnreadableItem, match=r"^wrong_type: 'a' lists int, expected objects only"):
        fields.objects({"a": [{}, 1]}, "a")


def test_details_keep_what_is_flat_and_leave_the_rest() -> None:
    record = {"a": 1, "b": True, "c": ["x", "y", 1], "d": {"e": 1}, "f": None, "g": "", "h": []}
    assert fields.details(record, "abcdefgh") == {"a": "1", "b": "true", "c": "x;y"}
