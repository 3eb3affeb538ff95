"""Clusters and secrets: what a task's process is given by the compute it runs on.

Belongs here: clusters that exist or are started, their variables with secrets filled in, what
the API tells about clusters. Does not belong here: processes (execution.py).
"""

from __future__ import annotations

import base64
import itertools
import re
from typing import Any

from tests.databricks_workspace.http_server import ApiError, Reply, Request, Route

_SECRET = re.compile(r"\{\{secrets/([^/}]+)/([^/}]+)\}\}")
_TAGS = "spark.databricks.clusterUsageTags."


class SecretMissing(Exception):
    """A cluster names a secret that is not there."""


class Compute:
    """Clusters and secrets of a workspace."""

    def __init__(self) -> None:
        self.clusters: dict[str, dict[str, Any]] = {}
        self.started = 0
        self.secrets: dict[str, dict[str, str]] = {}
        self._numbers = itertools.count(1)

    def start(self, task: dict[str, Any]) -> tuple[str | None, dict[str, str]]:
        """The task's cluster (None: serverless) and the variables of its processes."""
        if "environment_key" in task:
            return None, {}
        if "existing_cluster_id" in task:
            cluster_id = task["existing_cluster_id"]
            return cluster_id, self._variables(self.clusters[cluster_id])
        variables = self._variables(task["new_cluster"])
        cluster_id = f"1123-120000-job{next(self._numbers):05}"
        self.started += 1
        self.clusters[cluster_id] = {**task["new_cluster"], "cluster_source": "JOB"}
        return cluster_id, variables

    def spark_conf(self, cluster_id: str | None) -> dict[str, str]:
        """What a cluster's Spark session says about it."""
        if cluster_id is None:
            return {}
        delivery = self.clusters[cluster_id].get("cluster_log_conf", {}).get("dbfs")
        conf = {"clusterId": cluster_id, "clusterLogDeliveryEnabled": str(bool(delivery)).lower()}
        conf["clusterLogDestination"] = delivery["destination"] if delivery else ""
        return {_TAGS + name: value for name, value in conf.items()}

    def _variables(self, cluster: dict[str, Any]) -> dict[str, str]:
        return {
            name: _SECRET.sub(lambda found: self._secret(*found.groups()), value)
            for name, value in cluster.get("spark_env_vars", {}).items()
        }

    def _secret(self, scope: str, key: str) -> str:
        try:
            return self.secrets[scope][key]
        except KeyError:
            raise SecretMissing(
                f"Secret does not exist with scope: {scope} and key: {key}"
            ) from None

    def routes(self) -> list[Route]:
        """What is served."""
        secrets, clusters = r"/api/2\.0/secrets/", r"/api/2\.1/clusters/"
        return [
            ("GET", secrets + "scopes/list", self._scopes),
            ("GET", secrets + "list", self._keys),
            ("GET", secrets + "get", self._get_secret),
            ("GET", clusters + "get", self._get),
            ("GET", clusters + "list", self._list),
            ("GET", clusters + "spark-versions", _spark_versions),
            ("GET", clusters + "list-node-types", _node_types),
        ]

    def _scope(self, request: Request) -> dict[str, str]:
        scope = request.wanted("scope")
        if scope not in self.secrets:
            message = f"Scope {scope} does not exist!"
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)
        return self.secrets[scope]

    def _scopes(self, request: Request) -> Reply:
        return {"scopes": [{"name": n, "backend_type": "DATABRICKS"} for n in self.secrets]}

    def _keys(self, request: Request) -> Reply:
        return {"secrets": [{"key": key} for key in self._scope(request)]}

    def _get_secret(self, request: Request) -> Reply:
        scope, key = self._scope(request), request.wanted("key")
        if key not in scope:
            message = f"Secret does not exist with scope: {request.query['scope']} and key: {key}"
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)
        return {"key": key, "value": base64.b64encode(scope[key].encode()).decode()}

    def _get(self, request: Request) -> Reply:
        cluster_id = request.wanted("cluster_id")
        if cluster_id not in self.clusters:
            message = f"Cluster {cluster_id} does not exist"
            raise ApiError(400, "INVALID_PARAMETER_VALUE", message)
        return self._told(cluster_id)

    def _list(self, request: Request) -> Reply:
        return {"clusters": [self._told(cluster_id) for cluster_id in self.clusters]}

    def _told(self, cluster_id: str) -> dict[str, Any]:
        cluster = self.clusters[cluster_id]
        over = cluster.get("cluster_source") == "JOB"
        return {**cluster, "cluster_id": cluster_id, "state": "TERMINATED" if over else "RUNNING"}


def _spark_versions(request: Request) -> Reply:
    names = {"16.4.x-scala2.12": "16.4 LTS", "17.3.x-scala2.13": "17.3 LTS"}
    return {"versions": [{"key": key, "name": name} for key, name in names.items()]}


def _node_types(request: Request) -> Reply:
    kinds = {
        "Standard_D4ds_v5": (4, 16384),
        "Standard_D8ds_v5": (8, 32768),
        "m5d.xlarge": (4, 16384),
    }
    return {
        "node_types": [
            {
                "node_type_id": name, "instance_type_id": name, "num_cores": cores,
                "memory_mb": memory, "description": name, "category": "General Purpose",
            }
            for name, (cores, memory) in kinds.items()
        ]
    }  # fmt: skip
