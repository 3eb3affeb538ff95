"""The backtest: figures that are known beforehand, the rule that production has, a real history."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter

import numpy as np
import pytest
import typer
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from typer.testing import CliRunner

from feedback_assets import backtest_cli
from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.quality_rules import Mix, read_quality_rules
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.pipeline.step import run_step
from feedback_assets.quality.backtest import BLOCKING, measure
from feedback_assets.quality.backtest_data import (
    ALL_SOURCES,
    History,
    Pool,
    coded,
    read_history,
)
from feedback_assets.quality.backtest_figures import Backtest, Delay, Share
from feedback_assets.quality.backtest_replay import NO_PROFILE, replay
from feedback_assets.quality.backtest_report import as_figures, as_markdown
from feedback_assets.quality.backtest_shift import exchanging, shift
from feedback_assets.quality.drift_judging import judge_mix
from feedback_assets.quality.mix_rule import check_speaks
from feedback_assets.quality.profile_step import PROFILE
from feedback_assets.quality.reference import Profile, Profiles
from resources.settings import Settings
from tests.quality.test_profile_step import items

RULES = read_quality_rules()
FIRST = dt.date(2026, 4, 1)
PLAIN = Mix(feature="category", action="block", least_effect=0.2)
BY_CLASS = Mix(feature="confidence", action="block", least_effect=0.2, by_class=True)


def measured(pool: Pool, replicates: int = 200, count: int = 200) -> Backtest:
    return measure(History([], Profiles({}, set(), {}), [pool]), RULES, count, replicates)


def two_areas() -> Pool:
    areas = coded(["delivery"] * 60 + ["payment"] * 40)
    return Pool("survey", 100, {"category": areas, "tier": coded(["classifier"] * 100)})


@pytest.fixture(scope="module")
def done() -> Backtest:
    return measured(two_areas())


def test_unchanged_data_rarely_fail(done: Backtest) -> None:
    alarms = done.alarms["survey", BLOCKING]
    assert alarms.tries == 200
    assert alarms.hits <= 6  # P(more) < 1 in 100 at the promised 1%
    assert done.alarms["survey", "drift_category"].tries == 200


def test_a_shift_of_a_fifth_is_found(done: Backtest) -> None:
    for kind in ("spread", "swap"):
        assert done.power["drift_category", kind, "survey"].value >= 0.95


def test_a_class_that_has_no_other_cannot_be_shifted(done: Backtest) -> None:
    assert "fewer than two classes" in done.unshifted["drift_tiers", "survey"]
    assert not any(check == "drift_tiers" for check, *_ in done.power)


def test_the_faster_drift_is_found_sooner(done: Backtest) -> None:
    slow, fast = (done.delays["drift_category", rate, "survey"] for rate in (0.01, 0.02))
    assert 1 < fast.within(0.5) < slow.within(0.5)
    assert fast.never <= slow.never


def test_too_few_items_are_never_judged() -> None:
    done = measured(two_areas(), count=20)
    assert done.alarms["survey", "drift_category"].tries == 0
    assert done.power["drift_category", "spread", "survey"].value == 0
    assert done.delays["drift_category", 0.02, "survey"].never == 1
    assert "not enough data" in as_markdown(done, RULES)


def test_the_same_seed_gives_the_same_figures(done: Backtest) -> None:
    assert as_figures(measured(two_areas())) == as_figures(done)


def test_items_keep_what_goes_together() -> None:
    both = coded(["a", "b"] * 50)
    pool = Pool("survey", 100, {"category": both, "sentiment": both})
    _, features = pool.draw(np.random.default_rng(1), 20, 3, 50)
    (_, _, category), (_, _, sentiment) = features
    assert (category == sentiment).all()


def test_items_without_a_class_are_in_none() -> None:
    pool = Pool("survey", 4, {"unknown_words": coded(["0%", None, None, None])})
    sizes, features = pool.draw(np.random.default_rng(1), 50, 2, 40)
    _, feature, counts = next(features)
    assert feature.shares.tolist() == [1.0]
    assert 0.15 < counts.sum() / sizes.sum() < 0.35


@given(
    weights=st.lists(st.integers(1, 1000), min_size=2, max_size=12),
    by=st.floats(0.001, 0.5),
    kind=st.sampled_from(["spread", "swap"]),
)
def test_a_shift_moves_exactly_so_much(weights: list[int], by: float, kind: str) -> None:
    shares = np.array(weights, float) / sum(weights)
    for group in exchanging(PLAIN, [f"c{n}" for n in range(len(shares))], shares):
        for target in group.room(kind, by):
            moved = shift(shares, [group], kind, [np.array([target])], np.array([by]))[0]
            assert np.abs(moved - shares).sum() / 2 == pytest.approx(by)
            assert (moved >= 0).all()
            assert moved.sum() == pytest.approx(1)


def test_a_shift_by_class_leaves_the_classes_as_large() -> None:
    names = ["a|0.1-0.2", "a|0.9-1.0", "b|0.1-0.2", "b|0.9-1.0"]
    shares = np.array([0.1, 0.4, 0.25, 0.25])
    groups = exchanging(BY_CLASS, names, shares)
    moved = shift(shares, groups, "swap", [np.array([0])] * 2, np.array([0.2]))[0]
    assert moved == pytest.approx([0.2, 0.3, 0.15, 0.35])


@effort(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.integers(3, 12), st.integers(20, 400))
def test_production_says_the_same(seed: int, by_class: bool, days: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    names = [f"{c}|{b}" for c in "abc" for b in range(4)]
    usual = rng.dirichlet(np.ones(len(names)))
    before = rng.multinomial(size, usual, (1, days))
    now = rng.multinomial(size, rng.dirichlet(50 * usual + 0.1), 1)
    rule = BY_CLASS if by_class else PLAIN
    said = check_speaks(rule, names, now, before, RULES)

    def profile(counts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Profile:
        made = Profile()
        made.counts[rule.feature] = {n: int(c) for n, c in zip(names, counts, strict=True) if c}
        return made

    reference = {FIRST + dt.timedelta(days=n): profile(day) for n, day in enumerate(before[0])}
    partition = Partition(FIRST + dt.timedelta(days=days), "survey")
    found = judge_mix("check", rule, partition, profile(now[0]), reference, RULES)
    assert (found.state != "not_enough_data") == said.judged[0]
    assert (found.state == "failed") == said.spoke[0]


def history_of(areas: list[dict[str, int]]) -> dict[Partition, Profile]:
    found = {}
    for n, counts in enumerate(areas):
        profile = Profile(values={"volume": float(sum(counts.values()))})
        profile.counts["category"] = counts
        profile.counts["volume"] = {"": sum(counts.values())}
        found[Partition(FIRST + dt.timedelta(days=n), "survey")] = profile
    return found


def test_a_replay_says_what_would_have_been_said_day_by_day() -> None:
    usual, odd = {"delivery": 60, "payment": 40}, {"delivery": 20, "payment": 80}
    profiles = history_of([usual] * 8 + [odd] * 3 + [usual])
    said = replay([*profiles, Partition(FIRST, "social")], Profiles(profiles, set(), {}), RULES)
    # The odd days are no reference of each other: all three fail, and the last passes.
    assert said["drift_category"] == Counter(
        {"not_enough_data": 7, "passed": 2, "failed": 3, NO_PROFILE: 1}
    )
    assert said["drift_cost"]["not_enough_data"] == 12


def test_a_declared_normal_is_replayed_as_one() -> None:
    usual, odd = {"delivery": 60, "payment": 40}, {"delivery": 20, "payment": 80}
    profiles = history_of([usual] * 8 + [odd] * 9)
    anew = {"survey": [FIRST + dt.timedelta(days=8)]}
    said = replay(list(profiles), Profiles(profiles, set(), anew), RULES)["drift_category"]
    assert said == Counter({"not_enough_data": 13, "passed": 3, "failed": 1})


def test_delays_count_those_never_found() -> None:
    delay = Delay([4, 2, 9], 4)
    assert (delay.within(0.5), delay.within(0.75), delay.never) == (4, 9, 0.25)
    assert delay.within(0.9) == float("inf")


def test_intervals_are_exact() -> None:
    # None of 100: 1 - 0.025 ** (1 / 100).
    assert Share(0, 100).interval == pytest.approx((0, 0.0362167))


def app() -> typer.Typer:
    made = typer.Typer()
    made.command()(backtest_cli.backtest)
    return made


def test_the_command_reads_a_real_history(
    runtime: Runtime, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    partitions = []
    for n in range(2):
        for source in ("survey", "social"):
            day = FIRST + dt.timedelta(days=n)
            areas = [
                {"day": day, "source": source, "feedback_id": f"{source}{n}{i}",
                 "primary_category": "payment" if i % 3 else "search"}
                for i in range(12)
            ]  # fmt: skip
            items(runtime, *areas)
            partitions.append(Partition(day, source))
    run_step(PROFILE, partitions, runtime)
    assert read_history(runtime, "social").partitions == [
        p for p in partitions if p.source == "social"
    ]

    monkeypatch.setattr(backtest_cli, "Settings", lambda: settings)
    result = CliRunner().invoke(app(), ["--replicates", "20", "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["history"] == {"social": 24, "survey": 24, ALL_SOURCES: 48}
    assert found["replay"]["drift_category"] == {"not_enough_data": 4}
    assert found["false_alarms"]["drift_category"]["all"]["tries"] == 40
    assert set(found["power"]["drift_category"]) == {"spread", "swap"}
    assert "drift_sentiment social" in found["not_shifted"]


def test_without_a_history_it_says_what_to_do(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backtest_cli, "Settings", lambda: settings)
    result = CliRunner().invoke(app(), [])
    assert result.exit_code == 2
    assert "feedback run" in result.stderr
