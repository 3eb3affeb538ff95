"""What starts a training, on a real instance and real tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from feedback_assets.contracts.quality_rules import BUILT_IN
from feedback_assets.orchestration.instance import open_instance
from feedback_assets.orchestration.jobs import train_classifier
from feedback_assets.orchestration.model_triggers import (
    TRAINED,
    TRIGGERED_BY,
    daily_model_reviews,
    retrain_on_reviews,
    review_models,
)
from feedback_assets.pipeline.compute import Compute
from resources.lakehouse.delta import DeltaLakehouse
from resources.settings import Settings
from tests.quality.people import decide, names, put

NOW = dt.datetime.now(dt.UTC)
AN_HOUR = dt.timedelta(hours=1)


class Looks:
    """The sensor's looks, one after the other, each with the cursor of the one before."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance) -> None:
        self.settings, self.instance = settings, instance
        self.lakehouse = DeltaLakehouse(settings.lakehouse_root)
        self.cursor: str | None = None

    def look(self) -> dg.RunRequest | None:
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            resources={"compute": Compute(self.settings)},
        ) as context:
            found = retrain_on_reviews(context)
            if isinstance(found, dg.SkipReason):
                self.cursor = context.cursor
                return None
            assert isinstance(found, dg.SensorResult)
            self.cursor = found.cursor
            assert found.run_requests is not None
            (request,) = found.run_requests
            assert isinstance(request, dg.RunRequest)
            return request

    def why(self) -> str | None:
        """What started a training, if anything did."""
        request = self.look()
        return None if request is None else request.tags[TRIGGERED_BY]

    def flag(self, review_id: str, at: dt.datetime = NOW, **fields: Any) -> None:
        review = {
            "review_id": review_id, "stage": "topics", "reason": "override_rate",
            "label": "payment", "remedy": "retrain", "value": 0.5, "threshold": 0.3, "words": [],
            "detail": "", "state": "open", "opened_at": at, "recorded_at": at,
        }  # fmt: skip
        put(self.lakehouse, "model_reviews", [review | fields])

    def train(self) -> None:
        self.instance.report_runless_asset_event(
            dg.AssetMaterialization(TRAINED, metadata={"version": "tier1-a"})
        )


@pytest.fixture
def looks(settings: Settings) -> Iterator[Looks]:
    settings.home.mkdir(parents=True)
    with open_instance(settings) as instance:
        yield Looks(settings, instance)


def test_nothing_happened_nothing_starts(looks: Looks) -> None:
    assert looks.why() is None


def test_a_review_that_calls_for_training_starts_one_once(looks: Looks) -> None:
    looks.flag("review-1")
    assert looks.why() == "override_rate of topics payment (review-1)"
    assert looks.why() is None
    looks.flag("review-1", NOW, recorded_at=NOW + AN_HOUR, value=0.7)
    assert looks.why() is None
    looks.flag("review-2", stage="all", label=None, reason="new_vocabulary")
    assert looks.why() == "new_vocabulary of all (review-2)"


def test_causes_at_the_same_time_share_a_run(looks: Looks) -> None:
    looks.flag("review-1")
    looks.flag("review-2", source="survey", label=None)
    decide(looks.lakehouse, names(150), at=NOW)
    request = looks.look()
    assert request is not None
    told = request.tags[TRIGGERED_BY].split("; ")
    assert len(told) == 3
    assert "override_rate of topics in survey (review-2)" in told
    assert "150 items decided and no training on record" in told
    assert looks.why() is None


def test_other_remedies_and_closed_reviews_start_nothing(looks: Looks) -> None:
    looks.flag("review-1", remedy="re_prompt")
    looks.flag("review-2", remedy="look")
    looks.flag("review-3")
    looks.flag("review-3", recorded_at=NOW + AN_HOUR, state="closed", closed_by="ada", note="no")
    assert looks.why() is None


def test_what_was_opened_before_the_last_training_is_dealt_with(looks: Looks) -> None:
    looks.flag("review-1", NOW - AN_HOUR)
    looks.train()
    assert looks.why() is None
    later = dt.datetime.now(dt.UTC) + AN_HOUR
    looks.flag("review-1", later)
    assert looks.why() is not None


def test_so_many_decisions_since_the_last_training_start_one(looks: Looks) -> None:
    decide(looks.lakehouse, names(99), at=NOW - AN_HOUR)
    # The same items again are no more to learn from.
    decide(looks.lakehouse, names(50), at=NOW - AN_HOUR / 2)
    assert looks.why() is None
    decide(looks.lakehouse, names(1, "more"), at=NOW - AN_HOUR)
    first = looks.look()
    assert first is not None
    # The training failed: nothing starts it again until there is as much again to learn from.
    decide(looks.lakehouse, names(99, "again"), at=NOW - AN_HOUR)
    assert looks.why() is None
    decide(looks.lakehouse, names(1, "enough"), at=NOW - AN_HOUR)
    second = looks.look()
    assert second is not None
    assert first.run_key != second.run_key
    looks.train()
    assert looks.why() is None
    decide(looks.lakehouse, names(100, "new"), at=dt.datetime.now(dt.UTC) + AN_HOUR)
    assert looks.why() == "100 items decided since tier1-a was trained"


def test_a_training_under_way_is_waited_for(looks: Looks) -> None:
    run = looks.instance.create_run_for_job(
        dg.Definitions(jobs=[_training]).resolve_job_def(train_classifier.name)
    )
    looks.flag("review-1")
    assert looks.why() is None
    looks.instance.report_run_failed(run)
    assert looks.why() is not None


@dg.op
def _nothing() -> None:
    pass


@dg.job(name=train_classifier.name)
def _training() -> None:
    _nothing()


def test_a_lost_cursor_asks_for_the_same_run(looks: Looks) -> None:
    looks.flag("review-1")
    first = looks.look()
    looks.cursor = None
    second = looks.look()
    assert first is not None
    assert second is not None
    # Dagster starts no run twice for one key of a sensor.
    assert first.run_key == second.run_key


def test_the_number_of_decisions_is_the_rules(looks: Looks) -> None:
    path = looks.settings.home / "rules.yaml"
    rules = BUILT_IN.read_text(encoding="utf-8")
    path.write_text(rules.replace("retrain_after_decisions: 100", "retrain_after_decisions: 5"))
    looks.settings = looks.settings.model_copy(update={"quality_rules": path})
    decide(looks.lakehouse, names(5), at=NOW)
    assert looks.why() == "5 items decided and no training on record"


def test_sensor_and_schedule_are_off_by_default() -> None:
    assert retrain_on_reviews.default_status is dg.DefaultSensorStatus.STOPPED
    assert daily_model_reviews.default_status is dg.DefaultScheduleStatus.STOPPED
    assert retrain_on_reviews.job_name == train_classifier.name
    assert review_models.name == "review_models"
