"""What can't be run as asked is refused, or fails; it is never passed over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from databricks.sdk.errors import InternalError, InvalidParameterValue
from databricks.sdk.service import compute, jobs

from tests.databricks_workspace.faults import RequestTrouble
from tests.databricks_workspace.submitting import environments, submit, upload, wheel_task
from tests.databricks_workspace.wheels import build_tiny_wheel
from tests.databricks_workspace.workspace import CLUSTER, Workspace


def test_a_single_task_in_the_older_form_runs(workspace: Workspace, wheel: str) -> None:
    workspace.add_cluster("with-variables", {"A": "b"})
    named = {"day": "2026-06-01"}
    work = {"package_name": "tiny-job", "entry_point": "done", "named_parameters": named}
    body = {
        "existing_cluster_id": "with-variables",
        "libraries": [{"whl": wheel}],
        "python_wheel_task": work,
    }
    workspace.client().api_client.do("POST", "/api/2.1/jobs/runs/submit", body=body)
    run = workspace.wait()
    assert run.state.result == "SUCCESS", run.output
    assert "done ['--day=2026-06-01']" in run.output
    assert run.tasks[0].environment["A"] == "b"


@pytest.mark.parametrize(
    "change", [{"no_such_field": 1}, {"git_source": {}}, {"tasks": []}, {"health": {}}]
)
def test_a_field_nobody_knows_is_refused(
    workspace: Workspace, wheel: str, change: dict[str, Any]
) -> None:
    task = wheel_task(wheel, "existing_cluster", "done", existing_cluster_id=CLUSTER).as_dict()
    body = {"tasks": [task], **change}
    with pytest.raises(InvalidParameterValue):
        workspace.client().api_client.do("POST", "/api/2.2/jobs/runs/submit", body=body)
    assert workspace.runs == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"wheel": "/Volumes/main/feedback/wheels/gone-1.0-py3-none-any.whl"}, "does not exist"),
        ({"wheel": "/somewhere/tiny_job-1.0-py3-none-any.whl"}, "must be stored in UC Volumes"),
        ({"wheel": "no-such-package-anywhere>=1"}, "Could not find a version"),
        ({"package": "another_job"}, "Python wheel with name another_job could not be found"),
        ({"entry_point": "gone"}, "No module named 'tiny_job'"),
    ],
)
def test_without_its_wheel_or_entry_point_nothing_succeeds(
    workspace: Workspace, wheel: str, change: dict[str, str], message: str
) -> None:
    given = {"wheel": wheel, "entry_point": "done", "package": "tiny_job", **change}
    path = given["wheel"]
    task = wheel_task(path, "serverless", given["entry_point"], package=given["package"])
    run = submit(workspace, task, environments=environments(path))
    assert run.state.result == "FAILED"
    assert message in run.state.message


def test_a_broken_wheel_is_not_installed(workspace: Workspace, tmp_path: Path) -> None:
    broken = tmp_path / "tiny_job-1.0-py3-none-any.whl"
    broken.write_bytes(b"PK no archive")
    run = submit(workspace, wheel_task(upload(workspace, broken), "existing_cluster", "done"))
    assert run.state.life_cycle == "INTERNAL_ERROR"
    assert "is invalid" in run.state.message


def test_packages_a_cluster_lacks_can_not_be_imported(tmp_path: Path) -> None:
    text = "def main():\n    import polars\n"
    with Workspace(tmp_path / "workspace", absent=["polars"]) as workspace:
        wheel = upload(workspace, build_tiny_wheel(tmp_path, {"p.py": text}, {"go": "p:main"}))
        run = submit(workspace, wheel_task(wheel, "existing_cluster", "go"))
    assert "No module named 'polars'" in run.state.message


@pytest.mark.parametrize(
    "change",
    [
        {"notebook_task": jobs.NotebookTask("/a")},
        {"spark_jar_task": jobs.SparkJarTask(main_class_name="a")},
        {"run_if": jobs.RunIf.ALL_DONE},
        {"libraries": [compute.Library(jar="dbfs:/a.jar")]},
        {"existing_cluster_id": "gone"},
        {"environment_key": "default"},
    ],
)
def test_what_the_workspace_can_not_do_it_refuses(
    workspace: Workspace, wheel: str, change: dict[str, Any]
) -> None:
    task = wheel_task(wheel, "existing_cluster", "done")
    for name, value in change.items():
        setattr(task, name, value)
    with pytest.raises(InvalidParameterValue):
        workspace.client().jobs.submit(tasks=[task])
    assert workspace.runs == []


def test_an_answer_lost_on_its_way_submits_twice_without_a_token(
    workspace: Workspace, wheel: str
) -> None:
    task = wheel_task(wheel, "existing_cluster", "done")
    for token, runs in ((None, 2), ("once", 3)):
        workspace.trouble(RequestTrouble(where="runs/submit", after_work=True))
        submit(workspace, task, idempotency_token=token)
        assert len(workspace.runs) == runs
    for run in workspace.runs:
        workspace.wait(run)


def test_requests_meet_trouble_as_asked(workspace: Workspace) -> None:
    """The SDK asks again after 429, 503 and a lost connection, and not after 500."""
    client = workspace.client()
    workspace.trouble(RequestTrouble(500, where="scim"))
    with pytest.raises(InternalError):
        client.current_user.me()
    for trouble in (RequestTrouble(429, retry_after=0), RequestTrouble(503), RequestTrouble()):
        workspace.trouble(trouble)
        assert client.current_user.me().user_name
    assert len(workspace.asked) == 7
