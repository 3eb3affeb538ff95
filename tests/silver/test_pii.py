"""Masking: what is found, what is left alone, and that tokens hold."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.pii_quality import measure, read_labelled
from feedback_assets.silver.pii import PRECEDENCE, Masker, find, fold

KEY = b"a key for tests only"
MASKER = Masker(KEY)

FULL_WIDTH = "".join(chr(ord(sign) + 0xFEE0) for sign in "taro@example.com")

FOUND = [
    (
        "EMAIL",
        "write to Jo.O'Hara+shop@Mail.example.com, please",
        "Jo.O'Hara+shop@Mail.example.com",
    ),
    ("EMAIL", "メールはtaro@example.comです", "taro@example.com"),
    ("EMAIL", FULL_WIDTH, FULL_WIDTH),
    ("PHONE", "ring +49 30 5550142 after six", "+49 30 5550142"),
    ("PHONE", "it is +1 555 0142.", "+1 555 0142"),
    ("PHONE", "from 345-555-0142 x45", "345-555-0142 x45"),
    ("PHONE", "(030) 555 0142", "(030) 555 0142"),
    ("PHONE", "06 12 34 56 78 le soir", "06 12 34 56 78"),
    ("PHONE", "tel:030 5550142", "030 5550142"),
    ("PHONE", "電話090-1234-5678まで", "090-1234-5678"),
    ("PHONE", "my number is 612 345 678", "612 345 678"),
    ("CARD", "card 4111 1111 1111 1111 was charged", "4111 1111 1111 1111"),
    ("CARD", "5555-5555-5555-4444", "5555-5555-5555-4444"),
    ("CARD", "378282246310005", "378282246310005"),
    ("IBAN", "to DE89 3704 0044 0532 0130 00 and then", "DE89 3704 0044 0532 0130 00"),
    ("IBAN", "gb29nwbk60161331926819", "gb29nwbk60161331926819"),
    ("IP", "from 192.0.2.141 today", "192.0.2.141"),
    ("IP", "my ip is 5.10.20.30", "5.10.20.30"),
    ("IP", "http://203.0.113.9:8080/x", "203.0.113.9"),
    ("IP", "2001:db8:0:1::7 timed out", "2001:db8:0:1::7"),
    ("NATIONAL_ID", "SSN 536-22-1234", "536-22-1234"),
    ("NATIONAL_ID", "social security number is 536221234", "536221234"),
    ("NATIONAL_ID", "NI AB 12 34 56 C", "AB 12 34 56 C"),
    ("NATIONAL_ID", "CPF 529.982.247-25", "529.982.247-25"),
    ("NATIONAL_ID", "12345678Z", "12345678Z"),
    ("NATIONAL_ID", "X1234567L", "X1234567L"),
    ("NATIONAL_ID", "RSSMRA85T10A562S", "RSSMRA85T10A562S"),
    ("NATIONAL_ID", "2 95 10 99 126 111 93", "2 95 10 99 126 111 93"),
    ("NATIONAL_ID", "BSN: 111222333", "111222333"),
    ("NATIONAL_ID", "Steuer-ID 36 574 261 809", "36 574 261 809"),
    ("URL", "(https://u:pw@shop.example/a).", "https://u:pw@shop.example/a"),
    (
        "URL",
        "go https://shop.example/r?id=1&token=ab12 now",
        "https://shop.example/r?id=1&token=ab12",
    ),
    ("URL", "shop.example/r?X-Amz-Signature=ab12", "shop.example/r?X-Amz-Signature=ab12"),
    ("REFERENCE", "where is MRL-104233?", "MRL-104233"),
    ("REFERENCE", "ORD12345 is late", "ORD12345"),
    ("REFERENCE", "order number 4711", "4711"),
    ("REFERENCE", "Bestellnummer: 104233", "104233"),
    ("REFERENCE", "n° de commande : 998877", "998877"),
    ("REFERENCE", "numero d'ordine 998877", "998877"),
    ("REFERENCE", "pedido nº 998877", "998877"),
    ("REFERENCE", "numer zamówienia 998877", "998877"),
    ("REFERENCE", "注文番号12345です", "12345"),
    ("REFERENCE", "account number 12345678", "12345678"),
    ("HANDLE", "thanks @some_user!", "@some_user"),
    ("HANDLE", "@someone@social.example wrote", "@someone@social.example"),
    ("HANDLE", "as u/other-one said", "u/other-one"),
]

LEFT_ALONE = [
    "it cost 1 234 567 birr and then $1,299.00",
    "called them, they took 12 500 000 VND from me",
    "since 5.2.0 and 103.0.5060.114 in Chrome/103.0.0.0",
    "seamonkey-2.53.7.1 and release 2.53.8.1",
    "on 2024-01-15 10:30, 01/02/2024, 12.03.2024 and 01-02-2020 10",
    "they took from my account 100000",
    "two orders of 15000 and 3 bills",
    "ISO-27001, CVE-2021-44228, PL-402, COVID-19",
    "10:30:45 std::vector a::b 16:9",
    "4111 1111 1111 1112 is no card",
    "npm i @angular/core, @resource://x, me @ 5",
    "either/or and u/s",
    "https://shop.example/p?id=5&page=2#top",
    "monkey=1&turkey=2",
    "localhost 127.0.0.1:8080 and 0.0.0.0",
    "plain words, nothing else",
    "",
]


@pytest.mark.parametrize(("kind", "text", "raw"), FOUND)
def test_found(kind: str, text: str, raw: str) -> None:
    assert [(span.kind, text[span.start : span.end]) for span in find(text)] == [(kind, raw)]


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_left_alone(text: str) -> None:
    assert find(text) == []
    assert MASKER.mask(text).text == text


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("EMAIL", "Jo@Mail.example", "jo@mail.EXAMPLE"),
        ("PHONE", "+49 30 5550142", "+49 (0)30-555-0142"),
        ("PHONE", "+49 30 5550142", "0049 30 5550142"),
        ("CARD", "4111 1111 1111 1111", "4111111111111111"),
        ("IBAN", "DE89 3704 0044 0532 0130 00", "de89370400440532013000"),
        ("HANDLE", "@Some_User", "@some_user"),
        ("REFERENCE", "MRL-104233", "order MRL-104233"),
    ],
)
def test_one_value_has_one_token(kind: str, one: str, other: str) -> None:
    token = MASKER.token(kind, one)
    assert MASKER.mask(one).text == token
    assert token in MASKER.mask(other).text
    assert MASKER.mask(other).types == (kind,)


def test_tokens_depend_on_key_kind_and_value() -> None:
    tokens = {
        MASKER.token("EMAIL", "a@mail.example"),
        MASKER.token("EMAIL", "b@mail.example"),
        MASKER.token("CUSTOMER", "a@mail.example"),
        Masker(KEY + b"2").token("EMAIL", "a@mail.example"),
    }
    assert len(tokens) == 4


def test_longest_find_wins_and_types_are_told_once() -> None:
    masked = MASKER.mask(
        "https://shop.example/?email=a@mail.example&token=x b@mail.example c@mail.example"
    )
    assert masked.types == ("EMAIL", "URL")
    assert masked.text.count("[URL_") == 1
    assert masked.text.count("[EMAIL_") == 2


def test_what_a_find_leaves_behind_is_looked_at_again() -> None:
    masked = MASKER.mask("4111 1111 1111 1111 0612345678")
    assert masked.types == ("CARD", "PHONE")


def test_mask_many_is_mask_of_each() -> None:
    texts = [text for _, text, _ in FOUND]
    assert MASKER.mask_many(texts) == [MASKER.mask(text) for text in texts]


def test_short_keys_and_odd_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 16"):
        Masker(b"short")
    with pytest.raises(ValueError, match="token kind"):
        MASKER.token("e-mail", "x")


PIECES = st.sampled_from(
    [raw for _, _, raw in FOUND]
    + ["order ", "call ", "account no ", "SSN ", "card ", "ip ", "@", " ", "-", "/", "+", "0", "12"]
    + ["x", ".", ":", "\n", "\0", "é", "注", "[EMAIL_", "]", MASKER.token("PHONE", "0")]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=60))
def test_masking_twice_changes_nothing(text: str) -> None:
    once = MASKER.mask(text).text
    assert MASKER.mask(once).text == once


@settings(deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join) | st.text())
def test_spans_are_in_order_and_apart(text: str) -> None:
    end = 0
    for span in find(text):
        assert span.kind in PRECEDENCE
        assert end <= span.start < span.end <= len(text)
        end = span.end
    assert len(fold(text)) == len(text)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "piece",
    ["a", "a@", "@a", "a'", "a.", "1", "1.", ":", "a:", "?a_a-", "://a:", "?token=a", "0 ", "["],
)
def test_a_hostile_megabyte_takes_seconds(piece: str) -> None:
    text = (piece * 1_000_000)[:1_000_000]
    start = time.perf_counter()
    find(text)
    assert time.perf_counter() - start < 20


def test_real_labels() -> None:
    default = Path(__file__).parents[2] / "../shared/real_feed"
    path = Path(os.environ.get("FEEDBACK_REAL_FEED", default)) / "pii.csv"
    if not path.is_file():
        pytest.skip("no real feed here")
    tally = measure(read_labelled(path))
    assert sum(tally.false.values()) <= 2
    for kind in ("EMAIL_ADDRESS", "CREDIT_CARD", "IBAN_CODE", "US_SSN", "IP_ADDRESS"):
        assert tally.covered[kind] >= 0.95 * tally.gold[kind]
    assert tally.covered["PHONE_NUMBER"] >= 0.9 * tally.gold["PHONE_NUMBER"]
