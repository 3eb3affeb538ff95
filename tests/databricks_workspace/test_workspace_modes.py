"""Every kind of compute really runs a wheel, and what it reports arrives in Dagster."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from databricks.sdk.service import compute, jobs
from pysail.spark import SparkConnectServer

from tests.databricks_workspace.submitting import (
    On,
    environments,
    materialize,
    submit,
    upload,
    upload_pipes_job,
    wheel_task,
)
from tests.databricks_workspace.wheels import build_tiny_wheel
from tests.databricks_workspace.workspace import CLUSTER, Workspace

# Dagster's own Pipes clients call what Dagster calls a preview.
pytestmark = pytest.mark.filterwarnings("ignore::dagster_shared.utils.warnings.PreviewWarning")


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


@pytest.fixture(scope="module")
def spark() -> Iterator[str]:
    """The address of a Sail server."""
    server = SparkConnectServer("127.0.0.1", 0)
    server.start()
    host, port = server.listening_address
    yield f"sc://{host}:{port}"
    server.stop()


@pytest.mark.parametrize("on", ["new_cluster", "existing_cluster"])
def test_dbfs_carries_context_and_messages(tmp_path: Path, on: On, spark: str) -> None:
    # The job's DBFS writer asks the cluster's Spark session where logs go.
    with Workspace(tmp_path / "workspace", environment={"SPARK_REMOTE": spark}) as workspace:
        wheel = upload_pipes_job(workspace, tmp_path)
        task = wheel_task(wheel, on, "by-dbfs")
        result = materialize(workspace, task, wheel, channel="dbfs")
    assert result.success, workspace.runs[0].output
    assert reported(result)["rows"] == 3
    assert workspace.unknown == []
    assert any("dbfs/read" in line for line in workspace.asked)


def test_a_session_is_ready_and_connects_where_the_environment_says(
    tmp_path: Path, spark: str
) -> None:
    text = """
def main():
    from pyspark.sql import SparkSession
    ready = SparkSession.getActiveSession()
    session = SparkSession.builder.getOrCreate()
    assert session is ready
    print("counted", session.range(7).count())
"""
    with Workspace(tmp_path / "workspace", environment={"SPARK_REMOTE": spark}) as workspace:
        wheel = upload(
            workspace, build_tiny_wheel(tmp_path, {"counts.py": text}, {"go": "counts:main"})
        )
        task = wheel_task(wheel, "serverless", "go")
        run = submit(workspace, task, environments=environments(wheel))
    assert run.state.result == "SUCCESS", run.output
    assert "counted 7" in run.output


def test_what_the_job_prints_and_logs_reaches_dagster(
    workspace: Workspace, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    wheel = upload_pipes_job(workspace, tmp_path)
    assert materialize(workspace, wheel_task(wheel, "serverless"), wheel).success
    seen = capfd.readouterr()
    assert "printed on the cluster" in seen.out
    assert "logged on the cluster" in seen.err


def test_a_python_file_runs_with_its_libraries(workspace: Workspace, tmp_path: Path) -> None:
    wheel = build_tiny_wheel(tmp_path, {"told.py": "WORD = 'from the wheel'"}, {})
    library = upload(workspace, wheel)
    path = f"{workspace.volume('main', 'feedback', 'wheels')}/script.py"
    script = b"import sys, told; print(told.WORD, sys.argv[1:], __name__)"
    workspace.client().files.upload(path, io.BytesIO(script))
    task = jobs.SubmitTask(
        task_key="main",
        spark_python_task=jobs.SparkPythonTask(python_file=path, parameters=["a", "b"]),
        existing_cluster_id=CLUSTER,
        libraries=[compute.Library(whl=library)],
    )
    run = submit(workspace, task)
    assert run.state.result == "SUCCESS", run.output
    assert "from the wheel ['a', 'b'] __main__" in run.output


def test_paths_below_volumes_and_dbfs_are_folders_for_the_job(
    workspace: Workspace, tmp_path: Path
) -> None:
    text = """
import os, pathlib, shutil
def main():
    pathlib.Path("/dbfs/out/deep").mkdir(parents=True)
    with open("/dbfs/out/deep/a.txt", "w") as file:
        file.write("by dbfs")
    shutil.copy("/dbfs/out/deep/a.txt", "/Volumes/main/feedback/wheels/a.txt")
    assert os.path.exists("/Volumes/main/feedback/wheels/a.txt")
    assert not os.path.exists("/dbfs/no")
    os.rename("/dbfs/out/deep/a.txt", "/dbfs/out/b.txt")
    print(os.listdir("/dbfs/out"))
"""
    wheel = upload(workspace, build_tiny_wheel(tmp_path, {"p.py": text}, {"go": "p:main"}))
    run = submit(workspace, wheel_task(wheel, "existing_cluster", "go"))
    assert run.state.result == "SUCCESS", run.output
    client = workspace.client()
    path = "/Volumes/main/feedback/wheels/a.txt"
    content = client.files.download(path).contents
    assert content is not None
    with content:
        assert content.read() == b"by dbfs"
    assert base64.b64decode(client.dbfs.read("/out/b.txt").data or "") == b"by dbfs"


def test_logs_are_delivered_where_a_new_cluster_says(workspace: Workspace, tmp_path: Path) -> None:
    text = "def main():\n    print('for the log')\n"
    wheel = upload(workspace, build_tiny_wheel(tmp_path, {"p.py": text}, {"go": "p:main"}))
    task = wheel_task(wheel, "new_cluster", "go")
    assert task.new_cluster is not None
    delivery = compute.DbfsStorageInfo(destination="dbfs:/logs")
    task.new_cluster.cluster_log_conf = compute.ClusterLogConf(dbfs=delivery)
    run = submit(workspace, task)
    log = f"/logs/{run.tasks[0].cluster_id}/driver/stdout"
    data = workspace.client().dbfs.read(log).data
    assert base64.b64decode(data or "") == b"for the log\n"
