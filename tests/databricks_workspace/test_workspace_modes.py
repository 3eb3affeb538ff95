"""Every kind of compute really runs a wheel, and what it reports arrives in Dagster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from tests.databricks_workspace.submitting import On, materialize, upload_pipes_job, wheel_task
from tests.databricks_workspace.workspace import Workspace

# Dagster's own Pipes clients call what Dagster calls a preview.
pytestmark = pytest.mark.filterwarnings("ignore::dagster_shared.utils.warnings.PreviewWarning")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace(tmp_path / "workspace") as workspace:
        yield workspace
    assert workspace.unknown == []


def reported(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    (event,) = result.asset_materializations_for_node("worked")
    return {key: value.value for key, value in event.metadata.items()}


@pytest.mark.parametrize("on", ["new_cluster", "existing_cluster", "serverless"])
def test_each_kind_of_compute_runs_the_wheel(
    workspace: Workspace, tmp_path: Path, on: On, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEEDBACK_HOME", "of-the-test")
    monkeypatch.setenv("DATABRICKS_CONFIG_PROFILE", "of-the-test")
    workspace.put_secret("feedback", "job", "told to nobody else")
    wheel = upload_pipes_job(workspace, tmp_path)
    secret = {"JOB_SECRET": "{{secrets/feedback/job}}"}

    result = materialize(workspace, wheel_task(wheel, on, variables=secret), wheel)

    assert result.success
    (run,) = workspace.runs
    assert run.life_cycles == ["PENDING", "RUNNING", "TERMINATING", "TERMINATED"]
    metadata = reported(result)
    assert metadata["rows"] == 3
    # Variables reach a new cluster only; elsewhere Pipes speaks by parameters.
    assert metadata["by_variables"] == (on == "new_cluster")
    assert metadata["secret"] == ("told to nobody else" if on == "new_cluster" else "none")
    assert workspace.clusters_started == (1 if on == "new_cluster" else 0)
    assert "printed on the cluster" in run.output
    environment = run.tasks[0].environment
    assert "FEEDBACK_HOME" not in environment
    assert "DATABRICKS_CONFIG_PROFILE" not in environment
    assert environment["DATABRICKS_HOST"] == workspace.host
    (event,) = result.asset_materializations_for_node("worked")
    assert event.tags is not None
    assert event.tags["dagster/data_version"] == "v1"


def test_messages_are_gone_once_read(workspace: Workspace, tmp_path: Path) -> None:
    wheel = upload_pipes_job(workspace, tmp_path)
    materialize(workspace, wheel_task(wheel, "serverless"), wheel)
    left = workspace.client().files.list_directory_contents(
        workspace.volume("main", "feedback", "pipes") + "/tmp"
    )
    assert list(left) == []
    assert json.dumps(workspace.runs[0].as_json(workspace.host))
