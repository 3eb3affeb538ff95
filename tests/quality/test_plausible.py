"""What no source sends in earnest is told by itself, at its bound and not below it."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.quality_rules import ODDITIES, read_quality_rules
from feedback_assets.pipeline.judgement import Finding
from feedback_assets.quality.plausible import OUT_OF, judge_plausibility
from feedback_assets.quality.reference import Profile

RULES = read_quality_rules()
HERE = Partition(dt.date(2026, 6, 29), "survey")


def judged(items: int = 100, **odd: int) -> Finding:
    profile = Profile()
    for feature in set(OUT_OF.values()):
        profile.counts[feature][""] = items
    for feature, count in odd.items():
        profile.counts[feature][""] = count
    unread = odd.get("unread_ratings", 0)
    profile.counts["rating"] = {"0.8-1.0": items - unread, "none": unread}
    return judge_plausibility(HERE, profile, RULES)


@pytest.mark.parametrize("name", ODDITIES)
def test_a_share_speaks_above_its_bound_and_not_at_it(name: str) -> None:
    most = round(100 * RULES.plausibility[name].most)
    at, above = judged(**{name: most}), judged(**{name: most + 1})
    assert at.state == "passed"
    assert at.value == at.threshold == pytest.approx(most / 100)
    assert above.state == "failed"
    assert above.value == pytest.approx((most + 1) / 100)
    assert f"{most + 1} of 100 items" in above.told
    assert "feedback gate override 2026-06-29 survey plausibility --by NAME" in above.shown


@pytest.mark.parametrize("name", ODDITIES)
def test_too_few_items_are_not_held_against_it(name: str) -> None:
    least = RULES.plausibility[name].least_items
    assert judged(least - 1, **{name: least - 1}).passed
    assert not judged(least, **{name: least}).passed


def test_of_several_all_are_told_and_the_worst_gives_the_figures() -> None:
    finding = judged(one_text=60, future_dates=90)
    assert len(finding.problems) == 2
    assert (finding.value, finding.threshold) == (0.9, RULES.plausibility["future_dates"].most)
    assert all(problem in finding.shown for problem in finding.problems)


def test_unread_ratings_are_a_share_of_the_ratings_given() -> None:
    profile = Profile()
    for feature in set(OUT_OF.values()):
        profile.counts[feature][""] = 100
    profile.counts["unread_ratings"][""] = 40
    profile.counts["rating"] = {"none": 100}
    finding = judge_plausibility(HERE, profile, RULES)
    assert finding.state == "failed"
    assert "40 of 40 items (100%) bear a rating outside of its scale" in finding.told


def test_a_partition_of_which_nothing_could_be_read_is_blocked() -> None:
    profile = Profile()
    profile.counts["landed"][""] = profile.counts["quarantined"][""] = 30
    assert judge_plausibility(HERE, profile, RULES).state == "failed"


def test_nothing_to_judge_is_said() -> None:
    finding = judge_plausibility(HERE, Profile(), RULES)
    assert finding.state == "not_enough_data"
    assert finding.told == "not enough data: 0 items landed"


@given(st.dictionaries(st.sampled_from([*ODDITIES, *OUT_OF.values()]), st.integers(0, 10**9)))
def test_any_profile_gets_a_verdict(features: dict[str, int]) -> None:
    profile = Profile()
    for name, items in features.items():
        profile.counts[name][""] = items
    finding = judge_plausibility(HERE, profile, RULES)
    assert finding.told
    assert finding.passed == (not finding.problems)
