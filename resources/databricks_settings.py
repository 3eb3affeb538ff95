"""Settings of the Databricks workspace, read with all others (settings.py).

Belongs here: names, defaults and meaning. Does not belong here: what is built from them
(resources/compute), and credentials: Databricks' own client finds those by its unified
authentication (``DATABRICKS_HOST`` and the rest, or a profile).
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class DatabricksSettings(BaseModel):
    """Where and how steps run in a workspace, from ``FEEDBACK_DATABRICKS_*`` variables."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    compute: Literal["serverless", "job_cluster", "existing_cluster"] = Field(
        "serverless", description="What a step runs on"
    )
    share: Literal["step", "run"] = Field(
        default_factory=lambda given: "run" if given["compute"] == "job_cluster" else "step",
        description="step: a job run for each step with its checks; run: one job run for all "
        "steps of a Dagster run, the default on job clusters, which take minutes to start",
    )
    wheel: str | None = Field(
        None, description="The project's wheel as the workspace knows it, /Volumes/... or dbfs:/..."
    )
    home: str | None = Field(
        None,
        description="FEEDBACK_HOME on the cluster, a folder of a volume: /Volumes/.../home",
    )
    volume: str | None = Field(
        None, description="Volume for context and messages, /Volumes/<catalog>/<schema>/<volume>"
    )
    channel: Literal["volumes", "dbfs"] = Field(
        "volumes", description="How context and messages travel; dbfs for older workspaces"
    )
    timeout_minutes: float = Field(120, gt=0, description="A job run that takes longer is ended")
    poll_seconds: float = Field(5.0, gt=0, description="How often a job run is asked after")
    messages_seconds: float = Field(10.0, gt=0, description="How often messages are fetched")
    secret_scope: str | None = Field(
        None,
        description="Secret scope (of Databricks, or backed by a Key Vault) whose keys named like "
        "settings, such as secret-key and llm-key, stand in for them on the cluster",
    )
    catalog: str | None = Field(None, description="Unity Catalog's catalog for the tables")
    catalog_schema: str = Field("feedback", description="... and its schema")
    warehouse_id: str | None = Field(
        None, description="SQL warehouse that registers tables in Unity Catalog"
    )
    readers_group: str | None = Field(
        None, description="Group that may read each table without personal data"
    )
    restricted_group: str | None = Field(
        None, description="Group that may read all tables, those with personal data too"
    )

    environment_version: str = Field("4", description="serverless: version of the environment")
    budget_policy_id: str | None = Field(None, description="serverless: whom usage is billed to")
    cluster_id: str | None = Field(None, description="existing_cluster: its id")
    spark_version: str = Field("17.3.x-scala2.13", description="job_cluster: runtime (Spark 4)")
    node_type_id: str | None = Field(None, description="job_cluster: kind of machine")
    driver_node_type_id: str | None = Field(
        None, description="job_cluster: kind of the driver's machine, where it is another"
    )
    instance_pool_id: str | None = Field(
        None, description="job_cluster: pool that keeps machines warm, in place of a node type"
    )
    policy_id: str | None = Field(None, description="job_cluster: cluster policy")
    workers: int = Field(2, ge=0, description="job_cluster: workers; 0 for a single node")
    max_workers: int | None = Field(
        None, ge=1, description="job_cluster: lets the cluster grow to as many"
    )
    spot: bool = Field(
        True, description="job_cluster: workers on spot machines, else on demand; driver never"
    )
    data_security_mode: Literal["SINGLE_USER", "USER_ISOLATION"] = Field(
        "SINGLE_USER", description="job_cluster: access mode"
    )
    tags: dict[str, str] = Field(
        default_factory=dict, description="Tags of clusters and runs, as JSON"
    )
    libraries: list[str] = Field(
        default_factory=list, description="Further libraries (PyPI requirements), as JSON"
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.compute == "existing_cluster" and not self.cluster_id:
            raise ValueError(
                "FEEDBACK_DATABRICKS_COMPUTE=existing_cluster needs FEEDBACK_DATABRICKS_CLUSTER_ID"
            )
        if self.compute == "serverless" and self.channel == "dbfs":
            raise ValueError(
                "serverless compute has no DBFS: leave FEEDBACK_DATABRICKS_CHANNEL at volumes"
            )
        if self.max_workers is not None and self.max_workers <= self.workers:
            raise ValueError(
                "FEEDBACK_DATABRICKS_MAX_WORKERS must exceed FEEDBACK_DATABRICKS_WORKERS"
            )
        return self

    @property
    def timeout_seconds(self) -> int:
        """The time limit of a job run, as the Jobs API has it."""
        return max(1, round(self.timeout_minutes * 60))
