"""Quotes are found in the text's own words: exactly, or with no difference that matters."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feedback_assets.gold.quotes import locate, locate_all

TEXT = "Die App stürzt ab, sobald ich „Teilen“ drücke.\nSeit 4.2 — jedes  Mal!"


@pytest.mark.parametrize(
    ("quote", "own"),
    [
        ("stürzt ab", "stürzt ab"),
        ("  stürzt ab\n", "stürzt ab"),
        ('sobald ich "Teilen" drücke. Seit', "sobald ich „Teilen“ drücke.\nSeit"),
        ("JEDES MAL!", "jedes  Mal!"),
        ("STÜRZT AB", "stürzt ab"),
        ("stuerzt ab", None),
        ("stürzt, ab", None),
        ("sobald ichTeilen", None),
        ("jedes Mal?", None),
        (" \n", None),
        ("", None),
    ],
)
def test_a_quote_is_found_in_the_texts_own_words_or_not_at_all(quote: str, own: str | None) -> None:
    place = locate(TEXT, quote)
    assert (None if place is None else TEXT[slice(*place)]) == own


def test_the_exact_place_goes_before_an_earlier_like_one() -> None:
    assert locate("Late. Again late.", "late") == (12, 16)


def test_a_match_never_cuts_a_character() -> None:
    assert locate("Straße", "S") == (0, 1)
    assert locate("traße", "S") is None
    assert locate("Straße", "STRASSE") == (0, 6)


def test_spans_come_once_and_in_the_order_of_quotes() -> None:
    assert locate_all("one two three", ["three", "four", "ONE", " three "]) == [(8, 13), (0, 3)]


WILD = st.text(alphabet=st.one_of(st.sampled_from("aAbßſİı \n\u00a0'’\"„“«"), st.characters()))


@given(text=WILD, data=st.data())
def test_every_slice_of_a_text_is_found_exactly(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    quote = text[start:end]
    place = locate(text, quote)
    if quote.strip():
        assert place is not None
        assert text[slice(*place)] == quote.strip()
    else:
        assert place is None


@given(
    text=st.text(alphabet="aAbBß \n\t'’‘\"„“", max_size=12),
    quote=st.text(alphabet="aAbBsS \n'’\"“", max_size=6),
)
@example(text="a ‘b’", quote="A\n'B'")
@example(text="aß", quote="as")
def test_a_quote_is_found_just_where_only_spaces_case_and_quotation_marks_differ(
    text: str, quote: str
) -> None:
    slices = [text[i:j] for i in range(len(text)) for j in range(i + 1, len(text) + 1)]
    alike = {piece for piece in slices if piece == piece.strip() and plain(piece) == plain(quote)}
    place = locate(text, quote)
    if place is None:
        assert not alike
    else:
        assert text[slice(*place)] in alike


def plain(text: str) -> str:
    """`text` without the differences that do not count, said another way than the code does."""
    for mark in "’‘":
        text = text.replace(mark, "'")
    for mark in "„“":
        text = text.replace(mark, '"')
    return " ".join(text.split()).casefold()
