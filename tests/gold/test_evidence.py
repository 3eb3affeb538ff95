from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.evidence import LONGEST, explain, whole
from feedback_assets.gold.features import MASK
from feedback_assets.gold.findings import Span

PIECES = st.sampled_from(
    ["[EMAIL_1a2b3c4d]", "[PERSON_NAME_00ff00ff]", "e\u0301", "👩\u200d👧", "👍🏽", " ", "\n", ". ",
     "! ", "。", "payment", "charged twice", "ไม่ได้", "คืนเงิน", "返金", "x" * 90, "money "]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=40).map("".join))


def spans_of(texts: list[str], model: TriageClassifier, head: int = 3) -> list[list[Span]]:
    found: list[list[Span]] = []
    for reading in model.readings(texts):
        count = len(reading.layout.lengths)
        added = model.contributions(reading, np.full(count, head))
        own = texts[len(found) : len(found) + count]
        explained = explain(own, reading.layout, reading.occurrences, added, reading.telling)
        found += explained.spans
    return found


@settings(deadline=None, max_examples=200)
@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_spans_are_exact_short_apart_and_cut_nothing(
    small_model: TriageClassifier, texts: list[str]
) -> None:
    for text, spans in zip(texts, spans_of(texts, small_model), strict=True):
        assert len(spans) <= 2
        assert bool(spans) == bool(text.strip())
        for start, end in spans:
            assert 0 <= start < end <= len(text)
            assert end - start <= LONGEST + 40
            for mask in MASK.finditer(text):
                assert not mask.start() < start < mask.end()
                assert not mask.start() < end < mask.end()
        if len(spans) == 2:
            (a, b), (c, d) = spans
            assert b <= c or d <= a


def test_no_cut_before_a_combining_mark() -> None:
    text = "e\u0301" * 200
    ((start, end),) = whole(text)
    assert start == 0
    assert end <= LONGEST
    assert unicodedata.category(text[end])[0] != "M"


def test_the_clause_that_speaks_for_the_finding_is_quoted(small_model: TriageClassifier) -> None:
    text = "Hello there, nice weather. You charged me twice, give my money back! Bye now."
    ((start, end), *_) = spans_of([text], small_model)[0]
    assert text[start:end] == "You charged me twice, give my money back!"


def test_contributions_sum_to_the_score(small_model: TriageClassifier) -> None:
    texts = ["charged twice, twice, twice for the app app", "", "ไม่ได้ ไม่ได้"]
    (reading,) = small_model.readings(texts)
    added = small_model.contributions(reading, np.array([3, 3, 3]))
    sums = np.bincount(reading.occurrences.rows, added, len(texts))
    assert np.allclose(sums, reading.scores[:, 3] - small_model.bias[3], atol=1e-4)


def test_of_equal_clauses_the_first_is_quoted(small_model: TriageClassifier) -> None:
    text = "Charged twice. Charged twice. Charged twice."
    assert spans_of([text], small_model)[0][0] == (0, len("Charged twice."))


def test_a_long_clause_is_narrowed_at_words(small_model: TriageClassifier) -> None:
    text = "well you see it is " * 20 + "charged twice for the money and the fee "
    text += "so and so " * 30
    ((start, end), *_) = spans_of([text], small_model)[0]
    assert end - start <= LONGEST
    assert "charged twice" in text[start:end]
    assert text[start - 1] == " "
    assert not text[end].isalpha()


def test_of_equal_windows_the_first_is_quoted_whatever_stands_beside(
    small_model: TriageClassifier,
) -> None:
    text = "charged twice " * 1500
    beside = [f"the fee number {n} and my money " * n for n in range(1, 9)]
    alone = spans_of([text], small_model)[0]
    assert alone[0][0] < LONGEST
    for n in range(1, len(beside) + 1):
        assert spans_of([*beside[:n], text], small_model)[-1] == alone


@pytest.mark.parametrize("text", ["", " ", "\n\n"])
def test_nothing_to_quote(text: str) -> None:
    assert whole(text) == []


def test_a_long_text_without_a_sign_is_cut_at_a_word() -> None:
    text = "lorem ipsum " * 40
    ((start, end),) = whole(text)
    assert (start, end) == (0, len(text[:end].rstrip()))
    assert end <= LONGEST
    assert text[end] == " "
