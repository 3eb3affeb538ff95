"""Partitions judged by their profiles: what blocks, what warns, what can't be said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from feedback_assets.contracts.monitoring import FEEDBACK_PROFILE
from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.quality_rules import PROFILE_CHECKS
from feedback_assets.contracts.tables import GOLD_FEEDBACK
from feedback_assets.pipeline.gate import data_versions, override_verdict, verdicts
from feedback_assets.pipeline.judgement import Finding
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.quality.profile_judging import judge_profiles

TODAY = dt.date(2026, 6, 29)
HERE = Partition(TODAY, "app_store")
USUAL = {"payment": 0.3, "delivery": 0.3, "search": 0.2, "returns": 0.15, "other": 0.05}
SHIFTED = {"payment": 0.6, "delivery": 0.2, "search": 0.1, "returns": 0.08, "other": 0.02}
FIELDS = {"id: string": 1.0, "text: string": 1.0, "score: number": 0.99, "reply: string": 0.3}


class History:
    """Profiles of days, drawn with a fixed seed."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.rng = np.random.default_rng(7)
        runtime.lakehouse.ensure(FEEDBACK_PROFILE)

    def day(
        self, partition: Partition, items: int = 200, mix: Mapping[str, float] = USUAL, **own: Any
    ) -> None:
        """A day like any other, but for `own` features."""
        drawn = self.rng.multinomial(items, list(mix.values()))
        features: dict[str, Mapping[str, int]] = {
            "category": dict(zip(mix, map(int, drawn), strict=True)),
            "volume": {"": items},
            "submitted": {"": items},
            "landed": {"": items},
            "payloads": {"": items},
            "one_text": {"": 2},
            "field": {name: int(share * items) for name, share in FIELDS.items()},
            "word": {"the": items, "slow": items // 10},
            **own,
        }
        version = data_versions(self.runtime.lakehouse, GOLD_FEEDBACK, [partition])[partition]
        rows = [
            {
                "day": partition.day, "source": partition.source, "feature": feature, "bin": name,
                "items": count, "value": float(count) if feature == "volume" else None,
                "profiled_version": version,
            }
            for feature, counts in features.items()
            for name, count in counts.items()
            if count
        ]  # fmt: skip
        where = f"day = '{partition.day}' AND source = '{partition.source}'"
        batch = pa.RecordBatch.from_pylist(rows, schema=FEEDBACK_PROFILE.schema)
        self.runtime.lakehouse.replace(FEEDBACK_PROFILE, where, [batch])

    def before(self, days: int = 28, until: dt.date = TODAY, **like: Any) -> None:
        """`days` such days before `until`."""
        for n in range(1, days + 1):
            self.day(Partition(until - dt.timedelta(days=n), "app_store"), **like)

    def judge(self, *partitions: Partition) -> dict[str, Finding]:
        """The findings of the last of `partitions`."""
        wanted = partitions or (HERE,)
        found = judge_profiles(self.runtime, wanted)
        assert list(found) == list(PROFILE_CHECKS)
        return {check: by_partition[wanted[-1]] for check, by_partition in found.items()}


@pytest.fixture
def history(runtime: Runtime) -> History:
    return History(runtime)


def states(found: Mapping[str, Finding]) -> dict[str, str]:
    return {check: finding.state for check, finding in found.items()}


def test_a_day_like_the_others_passes_and_every_check_leaves_a_verdict(history: History) -> None:
    history.before()
    history.day(HERE)
    found = history.judge()
    assert not {c for c, state in states(found).items() if state in ("failed", "warned")}
    assert found["drift_category"].state == "passed"
    assert found["drift_volume"].state == "passed"
    assert found["source_fields"].state == "passed"
    kept = verdicts(history.runtime.lakehouse, [HERE])[HERE]
    assert set(kept) == set(PROFILE_CHECKS)
    assert all(verdict.passed for verdict in kept.values())


def test_a_shifted_mix_says_what_moved_which_words_and_what_to_do(history: History) -> None:
    history.before()
    history.day(HERE, mix=SHIFTED, word={"the": 200, "slow": 20, "double": 90})
    finding = history.judge()["drift_category"]
    assert finding.state == "failed"
    assert finding.value is not None
    assert finding.threshold is not None
    assert finding.value > finding.threshold
    (told,) = finding.problems
    assert told.startswith(f"product areas: Cohen's w {finding.value:.2f} against ")
    assert "payment 3" in told
    assert "points)" in told
    assert "double (0.0% → 45.0%)" in told
    assert "| payment |" in finding.shown
    assert f"feedback gate override {TODAY} app_store drift_category" in finding.shown


@pytest.mark.parametrize(
    ("days", "items", "said"),
    [(28, 49, "49 of 50 items"), (6, 200, "6 of 7 days"), (7, 20, "140 of 200 items in the days")],
)
def test_too_little_is_said_and_passes(history: History, days: int, items: int, said: str) -> None:
    history.before(days, items=items)
    history.day(HERE, items=max(items, 49), mix=SHIFTED)
    if items == 20:
        history.day(HERE, items=60, mix=SHIFTED)
    finding = history.judge()["drift_category"]
    assert finding.state == "not_enough_data"
    assert finding.passed
    assert said in finding.told


def test_ten_times_the_items_block_and_a_tenth_warns(history: History) -> None:
    history.before()
    history.day(HERE, items=2000)
    rise = history.judge()["drift_volume"]
    assert rise.state == "failed"
    assert rise.value == pytest.approx(10, rel=0.05)
    history.day(HERE, items=20)
    fall = history.judge()["drift_volume"]
    assert fall.state == "warned"
    assert fall.passed


def test_weekends_at_half_the_volume_and_days_without_data_are_no_alarm(history: History) -> None:
    for n in range(1, 29):
        day = TODAY - dt.timedelta(days=n)
        if n % 9:
            history.day(Partition(day, "app_store"), items=100 if day.weekday() > 4 else 200)
    history.day(HERE, items=95)
    assert history.judge()["drift_volume"].state == "passed"
    gone = Partition(TODAY + dt.timedelta(days=1), "app_store")
    assert set(states(history.judge(gone)).values()) == {"not_enough_data"}


def test_a_failed_day_is_not_what_the_next_is_held_against(history: History) -> None:
    history.before(10)
    days = [Partition(TODAY + dt.timedelta(days=n), "app_store") for n in range(6)]
    for day in days:
        history.day(day, mix=SHIFTED)
    assert history.judge(*days)["drift_category"].state == "failed"
    # The same in a run of its own, by the verdicts on record.
    assert history.judge(days[-1])["drift_category"].state == "failed"


def test_a_new_normal_begins_the_reference_anew(history: History) -> None:
    history.before(10)
    history.day(HERE, mix=SHIFTED)
    assert history.judge()["drift_category"].state == "failed"
    override_verdict(
        history.runtime.lakehouse, HERE, "drift_category", operator="dana", reason="new product",
        hours=24, most_hours=336, new_normal=True,
    )  # fmt: skip
    for n in range(1, 9):
        history.day(Partition(TODAY + dt.timedelta(days=n), "app_store"), mix=SHIFTED)
    second, last = (Partition(TODAY + dt.timedelta(days=n), "app_store") for n in (1, 8))
    assert "1 of 7 days" in history.judge(second)["drift_category"].told
    assert history.judge(last)["drift_category"].state == "passed"


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"one_text": {"": 150}}, "150 of 200 items (75%) bear one and the same text"),
        ({"quarantined": {"": 60}}, "60 of 200 items (30%) could not be read"),
        ({"future_dates": {"": 60}}, "claim to be written after they were received"),
        ({"unread_ratings": {"": 150}}, "bear a rating outside of its scale"),
        ({"no_words": {"": 190}}, "hold no word"),
    ],
)
def test_garbage_needs_no_days_before_to_be_blocked(
    history: History, own: dict[str, Any], said: str
) -> None:
    history.day(HERE, **own)
    finding = history.judge()["plausibility"]
    assert finding.state == "failed"
    assert said in finding.told


def test_fields_that_go_change_their_type_or_come_are_named(history: History) -> None:
    history.before()
    now = {"id: string": 200, "score: string": 198, "reply: string": 60, "sku: number": 200}
    history.day(HERE, field=now)
    finding = history.judge()["source_fields"]
    assert finding.state == "failed"
    assert finding.problems == [
        "field 'score' was number and is string in 99% of payloads",
        "field 'text' is gone: borne by 0% of payloads, 100% before",
        "field 'sku' is new (number): borne by 100% of payloads",
    ]


def test_a_new_field_alone_warns(history: History) -> None:
    history.before()
    history.day(HERE, field={**dict.fromkeys(FIELDS, 200), "sku: number": 200})
    assert history.judge()["source_fields"].state == "warned"


def test_a_days_sources_are_compared_once_all_have_come(history: History) -> None:
    for n in range(1, 15):
        for source in ("app_store", "zendesk"):
            history.day(Partition(TODAY - dt.timedelta(days=n), source))
    history.day(HERE, items=900)
    assert "nothing from zendesk yet" in history.judge()["drift_source_mix"].told
    history.day(Partition(TODAY, "zendesk"), items=60)
    finding = history.judge()["drift_source_mix"]
    assert finding.state == "warned"
    assert "app_store 50% → 94%" in finding.told


def test_confidence_is_compared_class_by_class(history: History) -> None:
    usual = {f"{area}|{low}": 60 for area in ("payment", "search") for low in ("0.8-0.9", "0.9-1")}
    history.before(confidence=usual)
    history.day(HERE, confidence={**usual, "search|0.9-1": 0, "search|0.3-0.4": 60})
    finding = history.judge()["drift_confidence"]
    assert finding.state == "failed"
    assert finding.told.startswith("confidence in search: ")


def test_rows_without_a_profile_or_with_an_older_one_do_not_pass(
    history: History, tmp_path: Path
) -> None:
    history.before()
    history.day(HERE)
    runtime = history.runtime
    row = {
        c.name: {pa.string(): "x", pa.float64(): 0.5, pa.date32(): TODAY}.get(c.type, [])
        for c in GOLD_FEEDBACK.columns
        if not c.nullable
    }
    row |= {"source": "app_store", "received_at": dt.datetime(2026, 6, 29, tzinfo=dt.UTC)}
    batch = pa.RecordBatch.from_pylist([row], schema=GOLD_FEEDBACK.schema)
    runtime.lakehouse.append(GOLD_FEEDBACK, [batch])
    older = history.judge()["drift_category"]
    assert older.state == "failed"
    assert "older than the 1 rows" in older.told
    assert "materialize feedback_profile" in older.told


def test_thresholds_are_those_of_the_rules(history: History) -> None:
    history.before()
    history.day(HERE, mix=SHIFTED)
    rules = history.runtime.quality_rules
    mixes = {**rules.mixes}
    mixes["drift_category"] = mixes["drift_category"].model_copy(update={"action": "warn"})
    lenient = rules.model_copy(update={"mixes": mixes})
    history.runtime = replace(history.runtime, quality_rules=lenient)
    assert history.judge()["drift_category"].state == "warned"
    mixes["drift_category"] = mixes["drift_category"].model_copy(update={"least_effect": 3.0})
    assert history.judge()["drift_category"].state == "passed"
