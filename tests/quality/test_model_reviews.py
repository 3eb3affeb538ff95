"""What models are flagged for, on tables of their own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import polars as pl
import pytest

from feedback_assets.contracts.monitoring import MODEL_REVIEWS
from feedback_assets.contracts.taxonomy import CATEGORIES
from feedback_assets.pipeline.compute import Compute
from feedback_assets.pipeline.open_reviews import Review, all_reviews, open_reviews
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.quality.assets import model_reviews
from feedback_assets.quality.model_reviews.confidence_flags import confidence_flags
from feedback_assets.quality.model_reviews.flags import Flag, re_prompt
from feedback_assets.quality.model_reviews.looking import as_markdown, flagged, review_models
from feedback_assets.quality.model_reviews.recording import (
    ReviewRefused,
    close_review,
    record,
)
from feedback_assets.quality.model_reviews.weeks import Weeks, read_weeks
from resources.lakehouse.base import TableSpec
from resources.lakehouse.delta import DeltaLakehouse
from resources.settings import Settings
from tests.quality.people import DAY, NOON, decide, find, names, put, runtime_of

ONE_DAY = dt.timedelta(days=1)
A_MONTH = dt.timedelta(days=28)
FLAG = Flag("topics", "override_rate", "payment", None, "retrain", 0.5, 0.3, "Much was changed.")


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return runtime_of(tmp_path)


def by_label(flags: Iterable[Flag]) -> dict[str | None, Flag]:
    return {flag.label: flag for flag in flags}


# Overrides


def test_nothing_decided_flags_nothing(runtime: Runtime) -> None:
    assert flagged(runtime, NOON) == []
    find(runtime.lakehouse, names(29))
    decide(runtime.lakehouse, names(29), "edit", categories=["returns"])
    assert flagged(runtime, NOON) == []


def test_a_class_that_is_overridden_calls_for_training(runtime: Runtime) -> None:
    find(runtime.lakehouse, names(40))
    decide(runtime.lakehouse, names(30), "edit", categories=["returns"], severity="high")
    decide(runtime.lakehouse, names(40)[30:])
    (flag,) = flagged(runtime, NOON)
    assert (flag.stage, flag.label, flag.source, flag.remedy) == (
        "topics", "payment", None, "retrain"
    )  # fmt: skip
    assert flag.threshold == 0.3
    assert 0.6 < flag.value < 30 / 40
    for words in ("30 of 40 decided items", "payment → returns 30", "classifier tier1-a 30",
                  "survey 30 of 40", "train_classifier"):  # fmt: skip
        assert words in flag.detail


def test_answers_of_the_language_model_call_for_another_prompt(runtime: Runtime) -> None:
    find(runtime.lakehouse, names(40), tier="language_model", doubts=["sentiment"])
    decide(runtime.lakehouse, names(40), "edit", sentiment="neutral")
    (flag,) = flagged(runtime, NOON)
    assert (flag.stage, flag.label, flag.remedy) == ("sentiment", "negative", "re_prompt")
    assert "prompts/sentiment/v2.md from prompts/sentiment/v1.md" in flag.detail
    assert "feedback evaluate --stage sentiment --prompt v2 --against v1" in flag.detail


def test_the_next_prompt_is_the_next_free_one(tmp_path: Path) -> None:
    folder = tmp_path / "prompts" / "topics"
    folder.mkdir(parents=True)
    for version in (1, 2, 10):
        (folder / f"v{version}.md").touch()
    assert "write prompts/topics/v11.md from prompts/topics/v2.md" in re_prompt(
        tmp_path / "prompts", "topics", "topics/v2"
    )


def test_rules_call_for_a_look(runtime: Runtime) -> None:
    find(runtime.lakehouse, names(40))
    decide(runtime.lakehouse, names(40), "reject")
    (flag,) = flagged(runtime, NOON)
    assert (flag.stage, flag.label, flag.remedy) == ("recommendation", "fix_defect", "look")
    assert "fix_defect → rejected 40" in flag.detail


def test_a_model_may_be_as_often_wrong_as_it_says(runtime: Runtime) -> None:
    find(runtime.lakehouse, names(100), doubts=["topics"], confidence=0.5)
    decide(runtime.lakehouse, names(50), "edit", categories=["returns"])
    decide(runtime.lakehouse, names(100)[50:])
    assert flagged(runtime, NOON) == []
    decide(runtime.lakehouse, names(70), "edit", at=NOON + ONE_DAY, categories=["returns"])
    (flag,) = flagged(runtime, NOON + ONE_DAY)
    assert flag.threshold == pytest.approx(0.5)
    assert "its own confidence allows for 50%" in flag.detail


def test_a_source_and_an_area_are_flagged_where_no_class_tells_it(runtime: Runtime) -> None:
    tones = ("negative", "neutral", "positive")
    for source in ("survey", "zendesk"):
        for tone in tones:
            items = names(25, f"{source}-{tone}-")
            find(runtime.lakehouse, items, source=source, sentiment=tone)
            wrong = {"decision": "edit", "sentiment": tones[tones.index(tone) - 1]}
            told: dict[str, Any] = wrong if source == "survey" else {}
            decide(runtime.lakehouse, items[:12], source=source, **told)
            decide(runtime.lakehouse, items[12:], source=source)
    # Of each tone a quarter is changed, of the survey's items half.
    found = {(flag.label, flag.source): flag for flag in flagged(runtime, NOON)}
    assert set(found) == {("sentiment", "survey")}
    assert "the sentiment of items from survey in 36 of 75" in found["sentiment", "survey"].detail
    for area in ("search", "delivery"):
        items = names(40, area)
        find(
            runtime.lakehouse, items, categories=[area], primary_category=area,
            severity="low" if area == "search" else "medium", action="none",
        )  # fmt: skip
        right = "medium" if area == "search" else "low"
        decide(runtime.lakehouse, items[:25], "edit", severity=right)
        decide(runtime.lakehouse, items[25:])
    assert {"low", "medium"} <= set(by_label(flagged(runtime, NOON)))


def test_an_area_is_flagged_for_its_severity(runtime: Runtime) -> None:
    for severity in ("low", "medium", "high"):
        for area in ("search", "delivery"):
            items = names(25, f"{area}-{severity}-")
            find(
                runtime.lakehouse, items, severity=severity, categories=[area],
                primary_category=area,
            )  # fmt: skip
            wrong = {"decision": "edit", "severity": "critical"} if area == "search" else {}
            decide(runtime.lakehouse, items[:12], **wrong)
            decide(runtime.lakehouse, items[12:])
    (flag,) = flagged(runtime, NOON)
    assert (flag.stage, flag.label) == ("topics", "severity in search")


def test_only_decisions_of_the_last_days_count(runtime: Runtime) -> None:
    find(runtime.lakehouse, names(40))
    decide(runtime.lakehouse, names(40), "edit", severity="low")
    assert len(flagged(runtime, NOON + 13 * ONE_DAY)) == 1
    assert flagged(runtime, NOON + 15 * ONE_DAY) == []


# Confidence and words


def profile(
    lakehouse: DeltaLakehouse, day: dt.date, feature: str, bins: dict[str, int],
    source: str = "survey",
) -> None:  # fmt: skip
    rows = [
        {
            "day": day, "source": source, "feature": feature, "bin": name, "items": items,
            "profiled_version": "v",
        }
        for name, items in bins.items()
    ]  # fmt: skip
    put(lakehouse, "feedback_profile", rows)


def weeks_of(runtime: Runtime) -> Weeks:
    weeks = read_weeks(runtime.lakehouse, ("confidence", "unknown_word", "volume"), 28)
    assert weeks is not None
    return weeks


def sure(lakehouse: DeltaLakehouse, days: Iterable[int], bins: dict[str, int], **at: str) -> None:
    for days_before in days:
        profile(lakehouse, DAY - days_before * ONE_DAY, "confidence", bins, **at)


def test_a_class_the_model_is_less_sure_of(runtime: Runtime) -> None:
    sure(runtime.lakehouse, range(7, 35), {"payment|0.9-1.0": 8, "search|0.9-1.0": 8, "x|none": 1})
    sure(runtime.lakehouse, range(7), {"payment|0.6-0.7": 10, "search|0.8-0.9": 10})
    (flag,) = confidence_flags(weeks_of(runtime), runtime.quality_rules)
    assert (flag.label, flag.reason, flag.remedy) == ("payment", "confidence_decline", "look")
    assert flag.value == pytest.approx(0.3)
    assert "fell from 0.95 to 0.65" in flag.detail
    assert [each.label for each in flagged(runtime, NOON)] == ["payment"]


def test_too_little_to_tell_a_decline(runtime: Runtime) -> None:
    sure(runtime.lakehouse, range(7, 12), {"payment|0.9-1.0": 50})
    sure(runtime.lakehouse, range(7), {"payment|0.4-0.5": 20})
    assert confidence_flags(weeks_of(runtime), runtime.quality_rules) == []
    sure(runtime.lakehouse, range(12, 14), {"payment|0.9-1.0": 50})
    assert len(confidence_flags(weeks_of(runtime), runtime.quality_rules)) == 1


def test_another_mix_of_sources_is_no_decline(runtime: Runtime) -> None:
    sure(runtime.lakehouse, range(7, 35), {"payment|0.9-1.0": 90})
    sure(runtime.lakehouse, range(7, 35), {"payment|0.5-0.6": 10}, source="social")
    sure(runtime.lakehouse, range(7), {"payment|0.9-1.0": 10})
    sure(runtime.lakehouse, range(7), {"payment|0.5-0.6": 90}, source="social")
    sure(runtime.lakehouse, range(7), {"payment|0.0-0.1": 90}, source="community")
    assert confidence_flags(weeks_of(runtime), runtime.quality_rules) == []


def test_days_that_always_differ_explain_a_fall(runtime: Runtime) -> None:
    # Each day is sure or unsure as a whole; by their items alone a fall of 0.2 were no chance.
    for days_before in range(7, 35):
        bins = {f"payment|{'0.9-1.0' if days_before % 2 else '0.1-0.2'}": 30}
        sure(runtime.lakehouse, [days_before], bins)
    for days_before in range(7):
        bins = {f"payment|{'0.9-1.0' if days_before in (1, 4) else '0.1-0.2'}": 30}
        sure(runtime.lakehouse, [days_before], bins)
    assert confidence_flags(weeks_of(runtime), runtime.quality_rules) == []


def test_unchanged_confidence_is_seldom_called_a_decline(runtime: Runtime) -> None:
    generator = np.random.default_rng(7)
    strict = runtime.quality_rules.human.model_copy(update={"flag_confidence_decline": 0.0})
    rules = runtime.quality_rules.model_copy(update={"human": strict})
    bins = [f"{step / 10:.1f}-{(step + 1) / 10:.1f}" for step in range(10)]
    rows = []
    for number in range(400):
        for days_before in range(35):
            drawn = generator.multinomial(10, generator.dirichlet(np.full(10, 3.0)))
            rows += [
                (DAY - days_before * ONE_DAY, "survey", "confidence", f"c{number:03}|{bins[i]}", n)
                for i, n in enumerate(drawn.tolist())
                if n
            ]
    counts = pl.DataFrame(rows, ["day", "source", "feature", "bin", "items"], orient="row")
    recent = pl.col("day") > DAY - 7 * ONE_DAY
    weeks = Weeks(DAY, counts.filter(recent), counts.filter(~recent))
    false = len(confidence_flags(weeks, rules)) / 400
    assert false <= 0.03


def words(
    lakehouse: DeltaLakehouse, days: Iterable[int], bins: dict[str, int], items: int = 20,
    **at: str,
) -> None:  # fmt: skip
    for days_before in days:
        day = DAY - days_before * ONE_DAY
        profile(lakehouse, day, "unknown_word", bins, **at)
        profile(lakehouse, day, "volume", {"": items}, **at)


def test_words_that_nobody_used_before(runtime: Runtime) -> None:
    words(runtime.lakehouse, range(7, 35), {"florp": 1, "always": 4})
    words(runtime.lakehouse, range(7), {"florp": 1, "always": 4, "zephyrpay": 2, "rare": 0})
    (flag,) = flagged(runtime, NOON)
    assert (flag.stage, flag.reason, flag.remedy) == ("all", "new_vocabulary", "retrain")
    assert flag.words == ("zephyrpay",)
    assert flag.value == pytest.approx(14 / 140)
    assert "zephyrpay (14 items, 10.0% of all)" in flag.detail


def test_a_word_of_one_source_is_seen_among_many_items(runtime: Runtime) -> None:
    words(runtime.lakehouse, range(7, 35), {"always": 4}, items=1000, source="zendesk")
    words(runtime.lakehouse, range(7), {"always": 4, "seldom": 1}, items=1000, source="zendesk")
    words(runtime.lakehouse, range(7, 35), {"wibble": 1})
    words(runtime.lakehouse, range(7), {"zephyrpay": 2, "quux": 0})
    (flag,) = flagged(runtime, NOON)
    assert flag.words == ("zephyrpay",)
    assert "10.0% of survey" in flag.detail


def test_without_weeks_before_no_word_is_new(runtime: Runtime) -> None:
    words(runtime.lakehouse, range(7), {"zephyrpay": 10})
    assert flagged(runtime, NOON) == []


# Written down


def test_a_flag_opens_one_review_and_keeps_it_up_to_date(runtime: Runtime) -> None:
    lakehouse = runtime.lakehouse
    first = record(lakehouse, [FLAG], A_MONTH, "r1", NOON)
    assert [each.review_id for each in first.opened] == [FLAG.review_id]
    again = record(lakehouse, [FLAG], A_MONTH, "r2", NOON + ONE_DAY)
    assert (again.opened, again.updated) == ([], [])
    more = replace(FLAG, value=0.6)
    assert len(record(lakehouse, [more], A_MONTH, "r3", NOON + ONE_DAY).updated) == 1
    record(lakehouse, [], A_MONTH, "r4", NOON + 2 * ONE_DAY)
    (review,) = open_reviews(lakehouse)
    assert (review.opened_at, review.value, review.run_id) == (NOON, 0.6, "r3")
    assert review.about == "override_rate of topics payment"
    assert lakehouse.scan(MODEL_REVIEWS.name).read_all().num_rows == 2


def test_a_person_closes_a_review(runtime: Runtime) -> None:
    lakehouse = runtime.lakehouse
    record(lakehouse, [FLAG], A_MONTH, "r1", NOON)
    with pytest.raises(ReviewRefused, match="needs a name"):
        close_review(lakehouse, FLAG.review_id, " ", "trained", NOON)
    with pytest.raises(ReviewRefused, match="needs a note"):
        close_review(lakehouse, FLAG.review_id, "ada", "", NOON)
    with pytest.raises(ReviewRefused, match="no review 'review-0'"):
        close_review(lakehouse, "review-0", "ada", "trained", NOON)
    closed = close_review(lakehouse, FLAG.review_id, "ada", "trained", NOON + ONE_DAY)
    assert (closed.state, closed.closed_by, closed.note) == ("closed", "ada", "trained")
    assert open_reviews(lakehouse) == []
    assert all_reviews(lakehouse) == [closed]
    with pytest.raises(ReviewRefused, match="closed by ada at 2026-06-16 12:00 UTC: trained"):
        close_review(lakehouse, FLAG.review_id, "bo", "again", NOON)


@pytest.mark.parametrize(
    ("flag", "days", "opens"),
    [
        (FLAG, 27, False),
        (replace(FLAG, value=0.59), 1, False),
        (replace(FLAG, value=0.61), 1, True),
        (FLAG, 29, True),
    ],
)
def test_what_was_closed_rests(runtime: Runtime, flag: Flag, days: int, opens: bool) -> None:
    record(runtime.lakehouse, [FLAG], A_MONTH, "r1", NOON)
    close_review(runtime.lakehouse, FLAG.review_id, "ada", "trained", NOON)
    done = record(runtime.lakehouse, [flag], A_MONTH, "r2", NOON + days * ONE_DAY)
    assert [each.opened_at for each in done.opened] == [NOON + days * ONE_DAY] * opens
    assert len(open_reviews(runtime.lakehouse)) == opens


def test_other_new_words_open_a_review_again(runtime: Runtime) -> None:
    one = Flag("all", "new_vocabulary", None, None, "retrain", 0.1, 0.02, "New.", ("zephyrpay",))
    record(runtime.lakehouse, [one], A_MONTH, "r1", NOON)
    close_review(runtime.lakehouse, one.review_id, "ada", "a release", NOON)
    same = replace(one, value=0.9)
    assert record(runtime.lakehouse, [same], A_MONTH, "r2", NOON).opened == []
    more = replace(one, words=("quux", "zephyrpay"))
    assert len(record(runtime.lakehouse, [more], A_MONTH, "r3", NOON).opened) == 1


def test_who_closes_meanwhile_is_not_opened_over(runtime: Runtime, tmp_path: Path) -> None:
    root = str(tmp_path / "lakehouse")
    plain = DeltaLakehouse(root)

    class Overtaken(DeltaLakehouse):
        """Somebody closes the review between the reading and the writing."""

        def append(self, table: TableSpec, *rest: Any, **named: Any) -> None:
            if open_reviews(plain):
                close_review(plain, FLAG.review_id, "ada", "trained", NOON + ONE_DAY)
            super().append(table, *rest, **named)

    record(plain, [FLAG], A_MONTH, "r1", NOON)
    record(Overtaken(root), [replace(FLAG, value=0.55)], A_MONTH, "r2", NOON + ONE_DAY / 2)
    assert open_reviews(plain) == []


def test_looking_writes_what_is_flagged(runtime: Runtime) -> None:
    find(runtime.lakehouse, names(40))
    decide(runtime.lakehouse, names(40), "edit", categories=["returns"])
    words(runtime.lakehouse, range(7, 35), {"always": 4})
    words(runtime.lakehouse, range(7), {"<b>zephyr|pay": 2})
    looked = review_models(runtime, NOON)
    assert {review.reason for review in looked.opened} == {"override_rate", "new_vocabulary"}
    again = review_models(runtime, NOON + dt.timedelta(hours=1))
    assert (again.opened, again.updated, len(again.open)) == ([], [], 2)
    shown = as_markdown(looked.open)
    assert "&lt;b&gt;zephyr&#124;pay" in shown
    assert len({line.count("|") for line in shown.splitlines() if line.startswith("|")}) == 1
    assert all(review.review_id in shown for review in looked.open)


def test_the_asset_shows_what_is_open(settings: Settings) -> None:
    lakehouse = DeltaLakehouse(settings.lakehouse_root)
    now = dt.datetime.now(dt.UTC)
    find(lakehouse, names(40))
    decide(lakehouse, names(40), "edit", at=now, categories=["returns"])

    def shown() -> dict[str, Any]:
        done = dg.materialize([model_reviews], resources={"compute": Compute(settings)})
        (event,) = done.asset_materializations_for_node("model_reviews")
        return {name: value.value for name, value in event.metadata.items()}

    first, second = shown(), shown()
    assert (first["open"], first["opened"], second["open"], second["opened"]) == (1, 1, 1, 0)
    assert "payment → returns 40" in first["open_reviews"]
    (review,) = open_reviews(lakehouse)
    close_review(lakehouse, review.review_id, "ada", "trained", now)
    assert shown()["open_reviews"] == "No review of a model is open."


def test_labels_of_classes_and_fields_differ() -> None:
    # A review is told by stage, reason, label and source: no class may read like a field.
    assert not {"area", "severity", "sentiment", "action"} & set(CATEGORIES)


def test_a_review_has_the_columns_of_its_table() -> None:
    assert tuple(Review.__slots__) == MODEL_REVIEWS.column_names
