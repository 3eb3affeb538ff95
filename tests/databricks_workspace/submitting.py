"""A Dagster asset whose work is a job run of the loopback workspace.

Belongs here: one asset through dagster-databricks' own clients, for each kind of compute and
channel, polled fast. Does not belong here: how this project does it (resources/compute).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import dagster as dg
import pytest
from dagster_databricks import PipesDatabricksClient, PipesDbfsContextInjector
from dagster_databricks.pipes import (
    PipesDatabricksServerlessClient,
    PipesDbfsMessageReader,
    PipesUnityCatalogVolumesContextInjector,
    PipesUnityCatalogVolumesMessageReader,
)
from databricks.sdk.service import compute, jobs

from tests.databricks_workspace import pipes_job, plain_job
from tests.databricks_workspace.runs import Run
from tests.databricks_workspace.wheels import build_tiny_wheel
from tests.databricks_workspace.workspace import CLUSTER, Workspace

On = Literal["new_cluster", "existing_cluster", "serverless"]
SOON = 0.05


@contextmanager
def hurried_dagster() -> Iterator[None]:
    """Dagster's side of Pipes asks often, and waits a second in place of 11 for lost messages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagster._core.pipes.utils.DEFAULT_SLEEP_INTERVAL", 0.02)
        patch.setattr("dagster._core.pipes.utils.WAIT_FOR_LOGS_AFTER_EXECUTION_INTERVAL", 0)
        yield


def upload_pipes_job(workspace: Workspace, folder: Path) -> str:
    """The wheel of pipes_job in a volume; its path."""
    text = Path(pipes_job.__file__).read_text(encoding="utf-8")
    points = {"by-volume": "pipes_job:volumes", "by-dbfs": "pipes_job:dbfs"}
    wheel = build_tiny_wheel(folder, {"pipes_job.py": text}, points)
    return upload(workspace, wheel)


def plain_wheel(folder: Path) -> Path:
    """The wheel of plain_job, each of its functions an entry point."""
    text = Path(plain_job.__file__).read_text(encoding="utf-8")
    points = {name: f"plain_job:{name}" for name in ("done", "fails", "exits", "leaves", "sleeps")}
    return build_tiny_wheel(folder, {"plain_job.py": text}, points)


def upload(workspace: Workspace, wheel: Path) -> str:
    """Put a wheel into the volume ``main.feedback.wheels``; its path."""
    path = f"{workspace.volume('main', 'feedback', 'wheels')}/{wheel.name}"
    with wheel.open("rb") as content:
        workspace.client().files.upload(path, content, overwrite=True)
    return path


def wheel_task(
    wheel: str,
    on: On,
    entry_point: str = "by-volume",
    *,
    package: str = "tiny_job",
    variables: Mapping[str, str] | None = None,
    **fields: Any,
) -> jobs.SubmitTask:
    """A wheel task on one kind of compute."""
    libraries = [compute.Library(whl=wheel)]
    work = jobs.PythonWheelTask(package_name=package, entry_point=entry_point)
    if on == "serverless":
        fields = {"environment_key": "default", **fields}
    elif on == "existing_cluster":
        fields = {"existing_cluster_id": CLUSTER, "libraries": libraries, **fields}
    else:
        cluster = compute.ClusterSpec(
            spark_version="17.3.x-scala2.13",
            node_type_id="Standard_D4ds_v5",
            num_workers=1,
            spark_env_vars=dict(variables or {}),
        )
        fields = {"new_cluster": cluster, "libraries": libraries, **fields}
    return jobs.SubmitTask(task_key="main", python_wheel_task=work, **fields)


def environments(wheel: str) -> list[jobs.JobEnvironment]:
    """The serverless environment that wheel_task names."""
    spec = compute.Environment(environment_version="4", dependencies=[wheel])
    return [jobs.JobEnvironment(environment_key="default", spec=spec)]


def submit(workspace: Workspace, *tasks: jobs.SubmitTask, **fields: Any) -> Run:
    """Submit tasks without Dagster, and wait until their run is over."""
    workspace.client().jobs.submit(tasks=list(tasks), **fields)
    return workspace.wait()


def materialize(
    workspace: Workspace,
    task: jobs.SubmitTask,
    wheel: str,
    *,
    channel: Literal["volumes", "dbfs"] = "volumes",
    extras: Mapping[str, Any] | None = None,
    **submit_args: Any,
) -> dg.ExecuteInProcessResult:
    """Materialize an asset by a job run; a failure is in the result, not raised."""
    databricks = workspace.client()
    volume = workspace.volume("main", "feedback", "pipes")
    injector: Any
    reader: Any
    if channel == "volumes":
        injector = PipesUnityCatalogVolumesContextInjector(client=databricks, volume_path=volume)
        reader = PipesUnityCatalogVolumesMessageReader(
            client=databricks, volume_path=volume, interval=SOON
        )
    else:
        injector = PipesDbfsContextInjector(client=databricks)
        reader = PipesDbfsMessageReader(
            client=databricks, interval=SOON, include_stdio_in_messages=True
        )
    given: dict[str, Any] = {
        "client": databricks,
        "context_injector": injector,
        "message_reader": reader,
        "poll_interval_seconds": SOON,
    }
    pipes: PipesDatabricksClient | PipesDatabricksServerlessClient
    if task.environment_key:
        pipes = PipesDatabricksServerlessClient(volume_path=volume, **given)
        submit_args["environments"] = environments(wheel)
    else:
        pipes = PipesDatabricksClient(**given)

    @dg.asset(name="worked")
    def worked(context: dg.AssetExecutionContext) -> Any:
        invocation = pipes.run(
            context=context.op_execution_context,
            task=task,
            extras=dict(extras or {}),
            submit_args=submit_args,
        )
        return invocation.get_materialize_result()

    with hurried_dagster():
        return dg.materialize([worked], raise_on_error=False)
