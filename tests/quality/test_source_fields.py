"""Fields that go, come or change their type, by name; and those that merely vary."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.quality_rules import read_quality_rules
from feedback_assets.pipeline.judgement import Finding
from feedback_assets.quality.reference import Profile
from feedback_assets.quality.source_fields import judge_fields

RULES = read_quality_rules()
FIRST = dt.date(2026, 6, 1)
USUAL = {"id: string": 100, "score: number": 99, "score: null": 1, "reply: string": 30}


def profile(fields: dict[str, int], payloads: int = 100) -> Profile:
    made = Profile()
    made.counts["field"] = dict(fields)
    made.counts["payloads"] = {"": payloads}
    return made


def judged(
    now: dict[str, int], before: dict[str, int] = USUAL, days: int = 10, payloads: int = 100
) -> Finding:
    reference = {FIRST + dt.timedelta(days=n): profile(before) for n in range(days)}
    here = Partition(FIRST + dt.timedelta(days=days), "survey")
    return judge_fields(here, profile(now, payloads), reference, RULES)


def test_the_same_fields_pass() -> None:
    finding = judged(USUAL)
    assert finding.state == "passed"
    assert finding.value == pytest.approx(0.99)


@pytest.mark.parametrize("share", [0, 49, 50, 99])
def test_a_usual_field_is_gone_below_the_bound(share: int) -> None:
    finding = judged({**USUAL, "id: string": share})
    assert finding.passed == (share >= 50)
    assert ("'id' is gone" in finding.told) == (share < 50)
    assert finding.value == pytest.approx(share / 100)


def test_a_field_that_holds_nothing_any_more_is_gone() -> None:
    assert "'id' is gone" in judged({**USUAL, "id: string": 0, "id: null": 100}).told


def test_a_field_of_another_type_is_told_with_both() -> None:
    finding = judged({**USUAL, "score: number": 0, "score: string": 90, "score: null": 10})
    assert finding.state == "failed"
    assert finding.problems == ["field 'score' was number and is string in 90% of payloads"]
    assert "feedback gate override 2026-06-11 survey source_fields --by NAME" in finding.shown


def test_a_name_that_looks_like_a_type_keeps_its_own() -> None:
    before = {"When: date: string": 100}
    assert judged(before, before).state == "passed"
    assert "'When: date' is gone" in judged({}, before).told


@pytest.mark.parametrize(("share", "state"), [(4, "passed"), (6, "warned"), (100, "warned")])
def test_a_new_field_warns_once_it_is_more_than_stray(share: int, state: str) -> None:
    assert judged({**USUAL, "sku: number": share}).state == state


def test_a_field_that_was_seen_at_all_is_not_new() -> None:
    assert judged({**USUAL, "rare: string": 90}, {**USUAL, "rare: string": 1}).state == "passed"


@pytest.mark.parametrize(
    ("days", "payloads", "said"), [(6, 100, "6 of 7 days"), (10, 49, "49 of 50 items")]
)
def test_too_little_passes_and_says_so(days: int, payloads: int, said: str) -> None:
    finding = judged({}, days=days, payloads=payloads)
    assert finding.state == "not_enough_data"
    assert said in finding.told


NAMES = st.dictionaries(
    st.builds("{}: {}".format, st.text(max_size=5), st.sampled_from(["null", "string", "array"])),
    st.integers(0, 100),
)


@given(NAMES, NAMES)
def test_any_names_get_a_verdict(now: dict[str, int], before: dict[str, int]) -> None:
    finding = judged(now, before)
    assert finding.told
    assert 0 <= (finding.value or 0) <= 1
