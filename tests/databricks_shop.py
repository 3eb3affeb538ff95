"""The project on a Dagster instance whose work is done in a loopback workspace.

Belongs here: a workspace with the project's wheel, volumes and secrets, and settings that name
them. Does not belong here: tests, and the workspace itself (databricks_workspace/).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from pysail.spark import SparkConnectServer

from feedback_assets.contracts.partitions import Partition
from feedback_assets.definitions import build_defs
from feedback_assets.orchestration.instance import open_instance
from feedback_assets.pipeline.compute import Compute
from feedback_assets.pipeline.remote import DatabricksCompute
from feedback_assets.works import STEPS
from resources.compute.databricks import DatabricksJobs
from resources.databricks_settings import DatabricksSettings
from resources.lakehouse.delta import DeltaLakehouse
from resources.settings import Settings
from tests.databricks_workspace.workspace import CLUSTER, Workspace
from tests.shop import Shop

SECRET_KEY = "of the workspace"
NOT_ON_A_CLUSTER = ("dagster", "dagster_databricks", "dagster_pyspark", "pysail")
ON: dict[str, dict[str, Any]] = {
    "serverless": {"compute": "serverless"},
    "job_cluster": {"compute": "job_cluster", "node_type_id": "Standard_D4ds_v5"},
    "existing_cluster": {"compute": "existing_cluster", "cluster_id": CLUSTER},
}
"""Settings of each kind of compute."""


class DatabricksShop(Shop):
    """The project's definitions, its tables and its instance, with a workspace to work in."""

    def __init__(
        self, settings: Settings, workspace: Workspace, instance: dg.DagsterInstance
    ) -> None:
        jobs = DatabricksJobs(settings.databricks, workspace.client)
        self.compute = Compute(settings, elsewhere=DatabricksCompute(settings, jobs))  # type: ignore[assignment]
        self.workspace = workspace
        self.instance = instance
        self.lakehouse = DeltaLakehouse(settings.lakehouse_root)
        self.defs = build_defs(compute=self.compute)

    def verdict(self, table: str, check: str, partition: Partition) -> tuple[str, bool]:
        """A check's latest word on a partition, and whether it is about its latest rows."""
        key = dg.AssetCheckKey(dg.AssetKey(table), check)
        (found,) = [
            info
            for info in self.instance.event_log_storage.get_asset_check_partition_info([key])
            if info.partition_key == partition.key
        ]
        return (found.latest_execution_status.value, found.is_current)

    def made_assets(self, partition: Partition) -> set[str]:
        """Assets that Dagster counts as materialized in a partition."""
        return {step.name for step in STEPS if partition.key in self.made(step.name)}


@contextmanager
def databricks_shop(
    folder: Path,
    project: Path,
    sail: str,
    models: Path | None = None,
    hurry: bool = True,
    **databricks: Any,
) -> Iterator[DatabricksShop]:
    """A shop below `folder` whose clusters have the wheel `project`, and Spark at `sail`.

    `models` are in force from the start. `hurry` spares waits of Pipes. `databricks` are settings.
    """
    with Workspace(
        folder / "workspace", {"SPARK_REMOTE": sail}, absent=NOT_ON_A_CLUSTER, hurry=hurry
    ) as workspace:
        files = Path(workspace.volume("main", "feedback", "files"))
        shutil.copy(project, files)
        if models is not None:
            shutil.copytree(models, files / "home" / "models")
        workspace.put_secret("feedback", "secret-key", SECRET_KEY)
        given: Mapping[str, Any] = {
            "wheel": str(files / project.name),
            "volume": workspace.volume("main", "feedback", "pipes"),
            "home": str(files / "home"),
            "secret_scope": "feedback",
            "poll_seconds": 0.05,
            "messages_seconds": 0.1,
            **databricks,
        }
        settings = Settings(
            profile="databricks",
            automation="all",
            home=folder / "orchestrator",
            landing=str(files / "landing"),
            lakehouse=str(files / "lakehouse"),
            databricks=DatabricksSettings.model_validate(given),
        )
        with open_instance(settings) as instance:
            yield DatabricksShop(settings, workspace, instance)
    assert workspace.unknown == []


@contextmanager
def spark_server() -> Iterator[str]:
    """A Spark Connect address that stands for the clusters' Spark."""
    server = SparkConnectServer("127.0.0.1", 0)
    server.start()
    host, port = server.listening_address
    yield f"sc://{host}:{port}"
    server.stop()


def metadata_of(
    result: dg.ExecuteInProcessResult, asset: str, partition: Partition
) -> dict[str, Any]:
    """A partition's materialization as Dagster has it."""
    (event,) = [
        event
        for event in result.asset_materializations_for_node(asset)
        if event.partition == partition.key
    ]
    return {name: value.value for name, value in event.metadata.items()}


def said(shop: DatabricksShop, result: dg.ExecuteInProcessResult) -> str:
    """The log of a run, as its page in Dagster shows it."""
    entries = shop.instance.all_logs(result.run_id)
    return "\n".join(entry.user_message or entry.message for entry in entries)
