"""The outbox: whatever goes wrong between a ticket's row and its answer, it is sent once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import orjson
import pyarrow as pa
import pytest

from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.tables import TICKETS
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.pipeline.step import StepContext
from feedback_assets.tickets.delivery import deliver
from resources.lakehouse.base import ConcurrentCommit, TableSpec
from resources.lakehouse.delta import DeltaLakehouse
from resources.settings import Settings
from resources.tracker.base import IssueDraft, OutcomeUnknown, Refused
from resources.tracker.local import LocalTracker
from tests.conftest import DAY, rows

PARTITION = Partition(DAY, "zendesk")


class LosesAnswers(LocalTracker):
    """Creates the issue; its answer never arrives."""

    def create(self, draft: IssueDraft) -> str:
        super().create(draft)
        raise OutcomeUnknown("connection reset while waiting for the answer")


class Refuses(LocalTracker):
    """Says no."""

    def create(self, draft: IssueDraft) -> str:
        raise Refused("the project is archived")


class AlwaysCreates(LocalTracker):
    """Like most trackers, makes an issue for each request, whatever key it carries."""

    def create(self, draft: IssueDraft) -> str:
        with self._alone():
            return self._written(draft)


class SearchLags(LocalTracker):
    """A tracker whose search doesn't see what was just written."""

    finds_at_once = False

    def find(self, idempotency_key: str) -> str | None:
        return None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tickets"


class LosesRace(DeltaLakehouse):
    """Another writer is first when the `nth` merge is committed."""

    nth = 0

    def merge(self, table: TableSpec, key: Sequence[str], rows: pa.Table) -> None:
        self.nth -= 1
        if self.nth == 0:
            raise ConcurrentCommit("another writer was first")
        super().merge(table, key, rows)


def plan(runtime: Runtime, keys: Sequence[str] = ("feedback-1",), state: str = "planned") -> None:
    """Outbox rows as the runtime's run would commit them; `unknown` once they may be sent."""
    draft = IssueDraft("", "PAY", "Charged twice", "Two charges.", ("feedback",), "High")
    made = [
        {
            "day": PARTITION.day,
            "source": PARTITION.source,
            "idempotency_key": key,
            "cluster_id": f"c-{key}",
            "ticket_key": None,
            "state": state,
            "queue": "PAY",
            "title": draft.title,
            "payload": orjson.dumps(asdict(replace(draft, idempotency_key=key))).decode(),
            "updated_at": dt.datetime.now(dt.UTC),
            "run_id": runtime.run_id,
        }
        for key in keys
    ]
    runtime.lakehouse.append(TICKETS, [pa.RecordBatch.from_pylist(made, schema=TICKETS.schema)])


def send(runtime: Runtime) -> dict[str, str]:
    """Deliver, and return the outbox's states by key."""
    deliver(StepContext([PARTITION], runtime))
    return {row["idempotency_key"]: row["state"] for row in rows(runtime, "tickets")}


def test_what_is_planned_is_opened(runtime: Runtime, folder: Path) -> None:
    runtime = replace(runtime, tracker=LocalTracker(folder))
    keys = [f"feedback-{n}" for n in range(60)]
    plan(runtime, keys)
    assert send(runtime) == dict.fromkeys(keys, "open")
    assert len(list(folder.glob("*.md"))) == 60
    assert send(runtime) == dict.fromkeys(keys, "open")
    assert len(list(folder.glob("*.md"))) == 60


def test_a_lost_answer_is_looked_up_and_not_sent_again(runtime: Runtime, folder: Path) -> None:
    losing = replace(runtime, tracker=LosesAnswers(folder))
    plan(losing)
    assert send(losing) == {"feedback-1": "unknown"}
    later = replace(runtime, tracker=LocalTracker(folder), run_id="later")
    assert send(later) == {"feedback-1": "open"}
    (row,) = rows(runtime, "tickets")
    assert row["ticket_key"] == "PAY-1"
    assert len(list(folder.glob("*.md"))) == 1


@pytest.mark.parametrize("nth", [1, 2])
def test_a_race_lost_around_sending_sends_nothing_twice(
    runtime: Runtime, settings: Settings, folder: Path, nth: int
) -> None:
    lakehouse = LosesRace(settings.lakehouse_root)
    same_run = replace(runtime, tracker=AlwaysCreates(folder), lakehouse=lakehouse)
    plan(same_run)
    lakehouse.nth = nth
    with pytest.raises(ConcurrentCommit):
        send(same_run)
    assert send(same_run) == {"feedback-1": "open"}
    assert len(list(folder.glob("*.md"))) == 1


def test_a_crash_after_sending_sends_nothing_twice(runtime: Runtime, folder: Path) -> None:
    plan(runtime, state="unknown")
    payload = orjson.loads(rows(runtime, "tickets")[0]["payload"])
    LocalTracker(folder).create(IssueDraft(**{**payload, "labels": tuple(payload["labels"])}))
    after = replace(runtime, tracker=LocalTracker(folder), run_id="after the crash")
    assert send(after) == {"feedback-1": "open"}
    assert len(list(folder.glob("*.md"))) == 1


def test_a_crash_before_sending_sends_once(runtime: Runtime, folder: Path) -> None:
    plan(runtime)
    after = replace(runtime, tracker=LocalTracker(folder), run_id="after the crash")
    assert send(after) == {"feedback-1": "open"}
    assert len(list(folder.glob("*.md"))) == 1


def test_where_search_lags_a_doubtful_row_is_never_sent(runtime: Runtime, folder: Path) -> None:
    plan(runtime, state="unknown")
    after = replace(runtime, tracker=SearchLags(folder), run_id="after the crash")
    assert send(after) == {"feedback-1": "unknown"}
    assert send(after) == {"feedback-1": "unknown"}
    assert not list(folder.glob("*.md"))


def test_a_refusal_is_kept_and_not_tried_again(runtime: Runtime, folder: Path) -> None:
    refusing = replace(runtime, tracker=Refuses(folder))
    plan(refusing)
    assert send(refusing) == {"feedback-1": "failed"}
    assert send(replace(runtime, tracker=LocalTracker(folder))) == {"feedback-1": "failed"}


def test_a_gate_that_closed_since_the_plan_links_nothing(runtime: Runtime, folder: Path) -> None:
    runtime = replace(runtime, tracker=LocalTracker(folder))
    plan(runtime)
    context = StepContext([PARTITION], runtime)
    # No check has a verdict; what was planned was let through when it was.
    assert deliver(context) == {}
    assert list(context.refused) == [PARTITION]
    assert "no verdict" in context.refused[PARTITION]
    (ticket,) = rows(runtime, "tickets")
    assert ticket["state"] == "open"
    assert not runtime.lakehouse.exists("ticket_items")
