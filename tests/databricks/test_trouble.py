"""Whatever becomes of a job run: what was not done and reported is not materialized."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from tests.databricks_shop import ON, DatabricksShop, databricks_shop, said
from tests.databricks_workspace.faults import Faults, RequestTrouble
from tests.shop import GOOD, failures, land_complaints

BRONZE = ["bronze_feedback"]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dagster waits ten seconds for the last messages of a process that told nothing."""
    monkeypatch.setattr("dagster._core.pipes.utils.WAIT_FOR_LOGS_AFTER_EXECUTION_INTERVAL", 0.5)


Opened = Callable[..., DatabricksShop]


@pytest.fixture
def opened(tmp_path: Path, wheel: Path, sail: str) -> Iterator[Opened]:
    """Opens a shop with complaints that have landed, its workspace set as asked."""
    shops = []

    def open_shop(on: str = "serverless", **databricks: Any) -> DatabricksShop:
        context = databricks_shop(tmp_path, wheel, sail, **ON[on], **databricks)
        shop = context.__enter__()
        shops.append(context)
        land_complaints(shop.compute.settings, GOOD)
        return shop

    yield open_shop
    for context in shops:
        context.__exit__(None, None, None)


def failed(shop: DatabricksShop, words: str) -> dg.ExecuteInProcessResult:
    """A run of bronze that fails with `words`, and leaves nothing materialized."""
    result = shop.run(GOOD, only=BRONZE)
    assert not result.success
    assert words in failures(result)["bronze_feedback"], failures(result)
    assert shop.made("bronze_feedback") == set()
    return result


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        (Faults(skipped="the limit of concurrent runs is reached"), "SKIPPED: the limit of"),
        (Faults(no_compute="no capacity for Standard_D4ds_v5"), "no capacity"),
        (Faults(pretend_success=True), "reported nothing"),
        (Faults(lost_after=0.2), "driver has stopped unexpectedly"),
    ],
    ids=["skipped", "no_compute", "success_of_nothing", "lost_worker"],
)
def test_a_job_run_that_did_not_do_it_fails_the_step(
    opened: Opened, faults: Faults, words: str
) -> None:
    shop = opened()
    shop.workspace.next_faults(faults)
    result = failed(shop, words)
    (failure,) = [e for e in result.all_events if e.is_step_failure]
    assert "job_run" in failure.step_failure_data.user_failure_data.metadata


@pytest.mark.slow(reason="the workspace tests wait for slow starts too")
def test_a_slow_start_is_waited_for_and_its_page_is_told_at_once(opened: Opened) -> None:
    shop = opened("job_cluster")
    shop.workspace.next_faults(Faults(slow_start=1.0))
    result = shop.run(GOOD, only=BRONZE)
    assert result.success, failures(result)
    told = said(shop, result)
    assert told.index(f"job run 1001: {shop.workspace.host}") < told.index("1001: PENDING")


def test_a_job_that_fails_says_why_in_dagster(opened: Opened) -> None:
    shop = opened()
    shop.workspace.compute.secrets["feedback"].clear()
    result = failed(shop, "FEEDBACK_SECRET_KEY")
    assert "FAILED" in failures(result)["bronze_feedback"]


def test_a_time_limit_ends_the_job_run(opened: Opened) -> None:
    shop = opened(timeout_minutes=1 / 60)
    failed(shop, "TIMEDOUT")


@pytest.mark.parametrize("on", ["serverless", "job_cluster"])
def test_an_interrupted_run_cancels_the_job_run_and_fails(opened: Opened, on: str) -> None:
    shop = opened(on)
    shop.workspace.next_faults(Faults(slow_start=30.0))

    def interrupt() -> None:
        while not (shop.workspace.runs and shop.workspace.runs[0].life_cycles):
            time.sleep(0.02)
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    result = shop.run(GOOD, only=BRONZE)
    assert not result.success
    assert shop.made("bronze_feedback") == set()
    assert shop.workspace.wait().state.result == "CANCELED"


def test_trouble_with_requests_is_got_over(opened: Opened) -> None:
    shop = opened()
    shop.workspace.trouble(
        RequestTrouble(status=429, where="runs/get", retry_after=0),
        RequestTrouble(status=503, where="runs/get"),
        RequestTrouble(status=500, where="runs/get", times=2),
        RequestTrouble(where="runs/submit", after_work=True),
    )
    result = shop.run(GOOD, only=BRONZE)
    assert result.success, failures(result)
    # The answer of the first submission was lost; the token makes the second the same run.
    assert len(shop.workspace.runs) == 1


def test_a_workspace_that_refuses_is_named_with_what_to_do(opened: Opened) -> None:
    shop = opened(wheel="/Volumes/main/feedback/wheels/of_another_time.whl")
    failed(shop, "wheel")


def test_a_refused_token_is_named_with_what_to_do(opened: Opened) -> None:
    shop = opened()
    shop.workspace.trouble(RequestTrouble(status=403, times=99))
    failed(shop, "feedback doctor --databricks")
