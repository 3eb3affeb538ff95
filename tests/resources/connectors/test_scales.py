"""Rating scales as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.connectors.scales import STARS, Scale, parse_scale

BETTER = frozenset({"good", "best", "satisfied", "likely", "gut"})
WORSE = frozenset({"poor", "worst", "dissatisfied", "not", "schlecht"})


def read(written: str) -> tuple[float, float, float | None] | None:
    scale = parse_scale(written, BETTER, WORSE)
    return None if scale is None else (scale.low, scale.high, scale.best)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1=very good .. 5=very poor", (1, 5, 1)),
        ("0=worst .. 10=best", (0, 10, 10)),
        ("0..10", (0, 10, 10)),
        ("1-5", (1, 5, 5)),
        ("1 to 7", (1, 7, 7)),
        ("-2..2", (-2, 2, 2)),
        ("5..1", (1, 5, 5)),
        ("5=worst .. 1=best", (1, 5, 1)),
        ("very poor (1) to very good (5)", (1, 5, 5)),
        ("1 = not satisfied, 2 = neutral, 3 = satisfied", (1, 3, 3)),
        ("1 = sehr gut, 6 = sehr schlecht", (1, 6, 1)),
        ("0 (not at all likely) - 10 (extremely likely)", (0, 10, 10)),
        ("0.5..5.0", (0.5, 5, 5)),
        ("1=cats .. 5=dogs", (1, 5, None)),
        ("out of ten", None),
        ("5 stars", None),
        ("3..3", None),
        ("", None),
        ("1..5" + " " * 400, None),
    ],
)
def test_wordings(written: str, expected: tuple[float, float, float | None] | None) -> None:
    assert read(written) == expected


@given(st.text(max_size=400))
def test_any_wording_gives_a_scale_or_none(written: str) -> None:
    scale = parse_scale(written, BETTER, WORSE)
    assert scale is None or scale.low < scale.high


@pytest.mark.parametrize(("score", "rating"), [(1, 1.0), ("2", 0.75), (5.0, 0.0)])
def test_one_is_best_where_low_numbers_are(score: object, rating: float) -> None:
    scale = Scale(1.0, 5.0, best=1.0, written="1=very good .. 5=very poor")
    original = f"{float(str(score)):g} of 1=very good .. 5=very poor"
    assert scale.rate({"score": score}, "score") == (rating, original)


def test_an_open_direction_keeps_the_score_as_written() -> None:
    scale = Scale(1.0, 5.0, best=None, written="1=cats .. 5=dogs")
    assert scale.rate({"score": 2}, "score") == (None, "2 of 1=cats .. 5=dogs")


@pytest.mark.parametrize("score", [0, 6, "5.5", -1])
def test_scores_out_of_their_scale(score: object) -> None:
    assert STARS.rate({"score": score}, "score") == (None, f"{score} outside of 1..5")


def test_a_blank_score_is_no_rating() -> None:
    assert STARS.rate({"score": ""}, "score") == (None, None)
