"""Cleaning: what a reader sees stays, what nobody sees goes."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_assets.silver.text import clean_text, content_key


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>First.</p><p>Second<br>line</p>", "First.\nSecond\nline"),
        ("<ul><li>one</li><li>two</li></ul>", "* one\n* two"),
        ("Fish &amp; chips for 5&nbsp;&euro;", "Fish & chips for 5 €"),
        ('See <a href="https://shop.example/a">the page</a>.', "See the page."),
        ('<a href="https://shop.example/a"><img alt="x"></a>', "https://shop.example/a"),
        ('<a href="javascript:go()"></a>gone', "gone"),
        ('before<img src="p.png" alt="a cat">after', "beforeafter"),
        ("<style>p{}</style><script>run()</script><!-- note -->seen", "seen"),
        ("<?xml version='1.0' encoding='utf-8'?><p>kept</p>", "kept"),
        ("I <3 it <b>but</b> 5 < 6", "I <3 it but 5 < 6"),
        ("write to <me@shop.example> <i>now</i>", "write to <me@shop.example> now"),
        ("one\ntwo, no markup", "one\ntwo, no markup"),
        ("<!-- nothing -->", ""),
        ("", ""),
    ],
)
def test_html_becomes_its_visible_text(body: str, expected: str) -> None:
    assert clean_text(None, body, is_html=True) == expected


@pytest.mark.parametrize("body", ["a < b && c > d", "x<y", "<", "1 &lt; 2", "<b>literal</b>"])
def test_plain_text_with_angle_brackets_survives(body: str) -> None:
    assert clean_text(None, body, is_html=False) == body


def test_deeply_nested_markup_keeps_its_words() -> None:
    assert clean_text(None, "<div>" * 5000 + "deep", is_html=True) == "deep"


def test_hidden_and_control_characters_go_and_joiners_stay() -> None:
    hidden = "a\x00b\x1bc\u200bd\u202ee\ufefff\ud800g\U000e0041h"
    assert clean_text(None, hidden, is_html=False) == "abcdefgh"
    family = "\U0001f468\u200d\U0001f469"
    assert clean_text(None, family, is_html=False) == family


def test_whitespace_is_folded_to_single_spaces_and_newlines() -> None:
    assert clean_text(None, " a \t b\u00a0c\r\n\r\n \n d\u2028e ", is_html=False) == "a b c\nd\ne"


def test_text_is_composed() -> None:
    assert clean_text(None, "cafe\u0301", is_html=False) == "caf\u00e9"


@pytest.mark.parametrize(
    ("title", "body", "expected"),
    [
        ("Broken", "It fell apart", "Broken\nIt fell apart"),
        ("It fell", "It fell apart", "It fell apart"),
        ("IT  FELL…", "It fell apart", "It fell apart"),
        ("Two\nlines", "x", "Two lines\nx"),
        ("Only a title", "", "Only a title"),
        ("  ", "x", "x"),
        (None, "x", "x"),
    ],
)
def test_title_leads_unless_the_body_begins_with_it(
    title: str | None, body: str, expected: str
) -> None:
    assert clean_text(title, body, is_html=False) == expected


@given(st.text(), st.booleans())
def test_result_is_clean_whatever_comes_in(body: str, is_html: bool) -> None:
    text = clean_text(None, body, is_html)
    text.encode("utf-8")
    assert text == text.strip()
    assert "\n\n" not in text
    assert unicodedata.is_normalized("NFC", text)
    assert clean_text(None, text, is_html=False) == text


def test_content_key_ignores_case_and_spacing_only() -> None:
    assert content_key("Good  App\n") == content_key("good app")
    assert content_key("good app") != content_key("good app!")
    assert len(content_key("")) == 64
