"""No end but a real success looks like one, and what runs can be stopped."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk.errors import InvalidParameterValue
from databricks.sdk.service import jobs

from tests.databricks_workspace.faults import Faults
from tests.databricks_workspace.runs import Run
from tests.databricks_workspace.submitting import (
    materialize,
    plain_wheel,
    submit,
    upload,
    upload_pipes_job,
    wheel_task,
)
from tests.databricks_workspace.workspace import Workspace

# Dagster's own Pipes clients call what Dagster calls a preview.
pytestmark = pytest.mark.filterwarnings("ignore::dagster_shared.utils.warnings.PreviewWarning")


def begin(workspace: Workspace, wheel: str, entry_point: str, **fields: Any) -> Run:
    """Submit a task on a running cluster."""
    task = wheel_task(wheel, "existing_cluster", entry_point)
    workspace.client().jobs.submit(tasks=[task], **fields)
    return workspace.runs[-1]


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def sleeping(run: Run) -> list[int]:
    """The pids of a sleeping job and its child, once both run."""
    until(lambda: run.output.strip().isdigit())
    assert run.tasks[0].process is not None
    return [run.tasks[0].process.pid, int(run.output)]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_task_that_raises_fails_with_its_last_line(workspace: Workspace, wheel: str) -> None:
    run = workspace.wait(begin(workspace, wheel, "fails"))
    assert run.state.life_cycle == "TERMINATED"
    assert run.state.result == "FAILED"
    assert "KeyError: 'no such table'" in run.state.message
    output = workspace.client().jobs.get_run_output(run.tasks[0].run_id)
    assert output.error == "KeyError: 'no such table'"
    assert "in fails" in (output.error_trace or "")
    with pytest.raises(InvalidParameterValue, match="each individual task run"):
        workspace.client().jobs.get_run_output(run.run_id)


@pytest.mark.parametrize(
    ("entry_point", "message"), [("exits", "SystemExit: 3"), ("leaves", "exited with exit code 0")]
)
def test_a_process_that_leaves_early_fails(
    workspace: Workspace, wheel: str, entry_point: str, message: str
) -> None:
    run = workspace.wait(begin(workspace, wheel, entry_point))
    assert run.state.result == "FAILED"
    assert message in run.state.message


def test_what_an_entry_point_returns_is_no_failure(workspace: Workspace, wheel: str) -> None:
    run = workspace.wait(begin(workspace, wheel, "done"))
    assert run.state.result == "SUCCESS"


def test_a_cancelled_run_leaves_no_process(workspace: Workspace, wheel: str) -> None:
    run = begin(workspace, wheel, "sleeps")
    pids = sleeping(run)
    workspace.client().jobs.cancel_run(run.run_id)
    workspace.wait(run)
    assert run.life_cycles == ["PENDING", "RUNNING", "TERMINATING", "TERMINATED"]
    assert run.state.result == "CANCELED"
    until(lambda: not any(alive(pid) for pid in pids))


def test_a_run_over_its_time_is_ended(workspace: Workspace, wheel: str) -> None:
    run = begin(workspace, wheel, "sleeps", timeout_seconds=1)
    pids = sleeping(run)
    workspace.wait(run)
    assert run.state.result == "TIMEDOUT"
    until(lambda: not any(alive(pid) for pid in pids))


def test_the_time_limit_of_a_task_counts_its_start(workspace: Workspace, wheel: str) -> None:
    workspace.next_faults(Faults(slow_start=30))
    run = submit(workspace, wheel_task(wheel, "existing_cluster", "done", timeout_seconds=1))
    assert run.life_cycles == ["PENDING", "TERMINATED"]
    assert run.state.result == "TIMEDOUT"


def test_a_killed_process_is_a_lost_worker(workspace: Workspace, wheel: str) -> None:
    run = begin(workspace, wheel, "sleeps")
    pids = sleeping(run)
    os.kill(pids[0], signal.SIGKILL)
    workspace.wait(run)
    assert run.state.life_cycle == "INTERNAL_ERROR"
    assert run.state.result == "FAILED"
    until(lambda: not alive(pids[1]))


def test_a_worker_is_lost_when_asked_for(workspace: Workspace, wheel: str) -> None:
    workspace.next_faults(Faults(lost_after=0.2))
    run = workspace.wait(begin(workspace, wheel, "sleeps"))
    assert run.state.life_cycle == "INTERNAL_ERROR"


def test_slow_compute_is_pending_first(workspace: Workspace, wheel: str) -> None:
    workspace.next_faults(Faults(slow_start=0.3))
    run = begin(workspace, wheel, "done")
    assert run.state.life_cycle == "PENDING"
    assert workspace.wait(run).state.result == "SUCCESS"
    told = workspace.client().jobs.get_run(run.run_id)
    assert (told.setup_duration or 0) >= 300
    assert (told.execution_duration or 0) > 0


@pytest.mark.parametrize(
    ("faults", "life_cycle"),
    [
        (Faults(no_compute="AZURE_QUOTA_EXCEEDED_EXCEPTION: no cores left"), "INTERNAL_ERROR"),
        (Faults(skipped="The limit of 1 maximum concurrent runs is reached."), "SKIPPED"),
    ],
)
def test_a_run_that_never_began_has_no_success(
    workspace: Workspace, wheel: str, faults: Faults, life_cycle: str
) -> None:
    workspace.next_faults(faults)
    run = workspace.wait(begin(workspace, wheel, "done"))
    assert run.state.life_cycle == life_cycle
    assert run.state.result != "SUCCESS"
    assert (faults.no_compute or faults.skipped or "") in run.state.message
    assert run.tasks[0].process is None


def test_a_pretended_success_ran_nothing(workspace: Workspace, wheel: str) -> None:
    workspace.next_faults(Faults(pretend_success=True))
    run = workspace.wait(begin(workspace, wheel, "done"))
    assert run.state.result == "SUCCESS"
    assert run.tasks[0].process is None
    assert run.output == ""


def test_a_secret_that_is_missing_stops_the_cluster(workspace: Workspace, wheel: str) -> None:
    variables = {"KEY": "{{secrets/feedback/gone}}"}
    run = submit(workspace, wheel_task(wheel, "new_cluster", "done", variables=variables))
    assert run.state.life_cycle == "INTERNAL_ERROR"
    assert "Secret does not exist with scope: feedback and key: gone" in run.state.message


def test_what_follows_a_failed_task_is_not_run(workspace: Workspace, wheel: str) -> None:
    first = wheel_task(wheel, "existing_cluster", "fails")
    second = wheel_task(wheel, "existing_cluster", "done")
    second.task_key, second.depends_on = "second", [jobs.TaskDependency(task_key="main")]
    run = submit(workspace, first, second)
    assert run.state.result == "FAILED"
    assert [task.state.result for task in run.tasks] == ["FAILED", "UPSTREAM_FAILED"]
    assert run.tasks[1].process is None


def test_a_failure_of_the_job_fails_the_asset(workspace: Workspace, tmp_path: Path) -> None:
    wheel = upload_pipes_job(workspace, tmp_path)
    task = wheel_task(wheel, "serverless")
    result = materialize(workspace, task, wheel, extras={"fail": "the table is locked"})
    assert not result.success
    (event,) = result.get_step_failure_events()
    assert "ValueError: the table is locked" in str(event.step_failure_data.error)


def test_slow_messages_still_arrive(workspace: Workspace, tmp_path: Path) -> None:
    workspace.next_faults(Faults(slow_messages=0.6))
    wheel = upload_pipes_job(workspace, tmp_path)
    result = materialize(workspace, wheel_task(wheel, "serverless"), wheel)
    assert result.success
    assert len(result.asset_materializations_for_node("worked")) == 1


def test_leaving_the_workspace_ends_what_runs(tmp_path: Path) -> None:
    with Workspace(tmp_path / "workspace") as workspace:
        wheel = upload(workspace, plain_wheel(tmp_path))
        pids = sleeping(begin(workspace, wheel, "sleeps"))
    assert not any(alive(pid) for pid in pids)
