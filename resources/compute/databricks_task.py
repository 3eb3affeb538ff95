"""What a workspace is asked to run: the wheel's entry point, on the compute that is set.

Belongs here: settings as the Jobs API has them. Does not belong here: submitting (databricks.py).
"""

from __future__ import annotations

from typing import Any

from databricks.sdk.service.compute import (
    AutoScale,
    AwsAttributes,
    AwsAvailability,
    AzureAttributes,
    AzureAvailability,
    ClusterSpec,
    DataSecurityMode,
    Environment,
    GcpAttributes,
    GcpAvailability,
    Library,
    PythonPyPiLibrary,
)
from databricks.sdk.service.jobs import JobEnvironment, PythonWheelTask, QueueSettings, SubmitTask

from resources.databricks_settings import DatabricksSettings

PACKAGE = "feedback_assets"
ENTRY_POINT = "feedback-job"
TASK_KEY = "feedback"
ENVIRONMENT_KEY = "feedback"
SINGLE_NODE = {
    "spark.databricks.cluster.profile": "singleNode",
    "spark.master": "local[*]",
}
"""What makes a cluster without workers (Databricks, "Single node compute")."""


def wheel_task(settings: DatabricksSettings, cloud: str, parameters: list[str]) -> SubmitTask:
    """The task that runs the wheel with `parameters`. `cloud` is ``azure``, ``aws`` or ``gcp``.

    Raises `ValueError` where settings name no wheel, or no kind of machine for a new cluster.
    """
    if not settings.wheel:
        raise ValueError(
            "FEEDBACK_DATABRICKS_WHEEL is not set: it names the project's wheel in the workspace"
        )
    task = SubmitTask(
        task_key=TASK_KEY,
        python_wheel_task=PythonWheelTask(PACKAGE, ENTRY_POINT, parameters=parameters),
        timeout_seconds=settings.timeout_minutes * 60,
    )
    if settings.compute == "serverless":
        task.environment_key = ENVIRONMENT_KEY
        return task
    task.libraries = [
        Library(whl=settings.wheel),
        *(Library(pypi=PythonPyPiLibrary(package)) for package in settings.libraries),
    ]
    if settings.compute == "existing_cluster":
        task.existing_cluster_id = settings.cluster_id
    else:
        task.new_cluster = new_cluster(settings, cloud)
    return task


def submit_arguments(settings: DatabricksSettings, name: str, token: str) -> dict[str, Any]:
    """Arguments of the submission beside its task. `token` makes a repeated request one run."""
    arguments: dict[str, Any] = {
        "run_name": name,
        "timeout_seconds": settings.timeout_minutes * 60,
        "idempotency_token": token,
        # A workspace at its limit of runs queues this one rather than refuse it.
        "queue": QueueSettings(enabled=True),
    }
    if settings.compute == "serverless":
        spec = Environment(
            client=settings.environment_version,
            dependencies=[str(settings.wheel), *settings.libraries],
        )
        arguments["environments"] = [JobEnvironment(ENVIRONMENT_KEY, spec)]
        if settings.budget_policy_id:
            arguments["budget_policy_id"] = settings.budget_policy_id
    return arguments


def new_cluster(settings: DatabricksSettings, cloud: str) -> ClusterSpec:
    """A job cluster; its driver is never a spot machine, because a lost driver ends the run."""
    if not (settings.node_type_id or settings.instance_pool_id or settings.policy_id):
        raise ValueError(
            "a job cluster needs FEEDBACK_DATABRICKS_NODE_TYPE_ID, "
            "FEEDBACK_DATABRICKS_INSTANCE_POOL_ID, or a policy that sets one"
        )
    cluster = ClusterSpec(
        spark_version=settings.spark_version,
        node_type_id=None if settings.instance_pool_id else settings.node_type_id,
        driver_node_type_id=None if settings.instance_pool_id else settings.driver_node_type_id,
        instance_pool_id=settings.instance_pool_id,
        policy_id=settings.policy_id,
        apply_policy_default_values=True if settings.policy_id else None,
        data_security_mode=DataSecurityMode(settings.data_security_mode),
        custom_tags=dict(settings.tags) or None,
    )
    if settings.max_workers is not None:
        cluster.autoscale = AutoScale(settings.max_workers, settings.workers)
    else:
        cluster.num_workers = settings.workers
    if settings.workers == 0 and settings.max_workers is None:
        cluster.spark_conf = dict(SINGLE_NODE)
        cluster.custom_tags = {**settings.tags, "ResourceClass": "SingleNode"}
    if not settings.instance_pool_id:
        _set_spot(cluster, cloud, settings.spot and settings.workers > 0)
    return cluster


def _set_spot(cluster: ClusterSpec, cloud: str, spot: bool) -> None:
    """Workers on spot machines, on demand where none are left; a pool decides this for itself."""
    if cloud == "azure":
        azure = AzureAvailability
        availability = azure.SPOT_WITH_FALLBACK_AZURE if spot else azure.ON_DEMAND_AZURE
        cluster.azure_attributes = AzureAttributes(availability, first_on_demand=1)
    elif cloud == "aws":
        aws = AwsAvailability.SPOT_WITH_FALLBACK if spot else AwsAvailability.ON_DEMAND
        cluster.aws_attributes = AwsAttributes(availability=aws, first_on_demand=1)
    elif cloud == "gcp":
        gcp = GcpAvailability
        preemptible = gcp.PREEMPTIBLE_WITH_FALLBACK_GCP if spot else gcp.ON_DEMAND_GCP
        cluster.gcp_attributes = GcpAttributes(availability=preemptible)
