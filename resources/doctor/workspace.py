"""Checks of a Databricks workspace: what the pipeline needs of it, each asked by itself.

Belongs here: signing in, the volume, secrets, compute, Unity Catalog. Does not belong here: the
wheel (wheel.py) and the one-row job (probe_job.py).
"""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable
from functools import cached_property

from databricks.sdk import WorkspaceClient
from databricks.sdk.service.catalog import SecurableType

from resources.databricks_client import connect
from resources.doctor.base import Check, Skip, Trouble
from resources.doctor.probe_job import probe
from resources.doctor.wheel import Code, compare
from resources.settings import SECRETS, Settings

NEEDED = {
    SecurableType.CATALOG: {"USE_CATALOG"},
    SecurableType.SCHEMA: {"USE_SCHEMA", "CREATE_TABLE"},
}
"""Privileges that registering tables takes (Databricks, "Unity Catalog privileges")."""
ENOUGH = {"ALL_PRIVILEGES"}


class WorkspaceChecks:
    """What `settings` name in the workspace, held against `code`, this installation.

    `job_seconds` is how long the one-row job may take, its cluster's start included; None
    leaves the job out. Nothing is asked before the first check looks.
    """

    def __init__(
        self,
        settings: Settings,
        code: Code,
        job_seconds: float | None = 1200,
        connect: Callable[[], WorkspaceClient] = connect,
    ) -> None:
        self._all = settings
        self._settings = settings.databricks
        self._code = code
        self._job_seconds = job_seconds
        self._connect = connect

    @cached_property
    def client(self) -> WorkspaceClient:
        """The workspace's client."""
        return self._connect()

    @cached_property
    def _me(self) -> str:
        return self.client.current_user.me().user_name or ""

    def checks(self) -> list[Check]:
        """All of them, in the order in which they help one another."""
        return [
            Check(
                "credentials", self._credentials,
                "set DATABRICKS_HOST and the credentials of a service principal "
                "(DATABRICKS_CLIENT_ID, DATABRICKS_CLIENT_SECRET), or a profile",
            ),
            Check(
                "wheel", self._wheel, "databricks bundle deploy, and FEEDBACK_DATABRICKS_WHEEL",
                seconds=180,
            ),
            Check(
                "volume", lambda: self._writable(self._settings.volume, "VOLUME"),
                "grant READ VOLUME and WRITE VOLUME on it (databricks.yml does)",
            ),
            Check(
                "home on the cluster", lambda: self._writable(self._settings.home, "HOME"),
                "grant READ VOLUME and WRITE VOLUME on it (databricks.yml does)",
            ),
            Check(
                "secrets", self._secrets,
                "databricks secrets put-secret SCOPE KEY, and READ on the scope",
            ),
            Check(
                "compute", self._compute,
                "FEEDBACK_DATABRICKS_COMPUTE and its id, and CAN USE or CAN ATTACH TO on it",
            ),
            Check(
                "SQL warehouse", self._warehouse,
                "FEEDBACK_DATABRICKS_WAREHOUSE_ID, and CAN USE on it",
            ),
            Check(
                "catalog", lambda: self._securable(SecurableType.CATALOG),
                "FEEDBACK_DATABRICKS_CATALOG, and GRANT USE CATALOG on it",
            ),
            Check(
                "schema", lambda: self._securable(SecurableType.SCHEMA),
                "databricks bundle deploy makes it and grants",
            ),
            Check(
                "one-row job", self._job, "read the job run's page, which the line names",
                seconds=(self._job_seconds or 0) + 60,
            ),
        ]  # fmt: skip

    def _credentials(self) -> str:
        return f"{self._me} at {self.client.config.host}"

    def _wheel(self) -> str:
        if self._settings.wheel is None:
            raise Trouble("FEEDBACK_DATABRICKS_WHEEL is not set")
        return compare(self.client, self._settings.wheel, self._code)

    def _writable(self, folder: str | None, name: str) -> str:
        if name == "VOLUME" and self._settings.channel == "dbfs":
            return self._dbfs_writable()
        if folder is None:
            raise Trouble(f"FEEDBACK_DATABRICKS_{name} is not set")
        files, path = self.client.files, f"{folder.rstrip('/')}/doctor-{secrets.token_hex(6)}"
        content = secrets.token_bytes(64)
        files.create_directory(folder)
        files.upload(path, io.BytesIO(content))
        try:
            read = files.download(path).contents
            if read is None or read.read() != content:
                raise Trouble(f"what was written to {path} reads otherwise")
        finally:
            files.delete(path)
        return f"wrote, read and deleted a file in {folder}"

    def _dbfs_writable(self) -> str:
        path, content = f"/tmp/doctor-{secrets.token_hex(6)}", secrets.token_bytes(64)
        self.client.dbfs.upload(path, io.BytesIO(content))
        try:
            with self.client.dbfs.download(path) as file:
                if file.read() != content:
                    raise Trouble(f"what was written to dbfs:{path} reads otherwise")
        finally:
            self.client.dbfs.delete(path)
        return "wrote, read and deleted a file in dbfs:/tmp"

    def _secrets(self) -> str:
        scope = self._settings.secret_scope
        if scope is None:
            raise Trouble(
                "FEEDBACK_DATABRICKS_SECRET_SCOPE is not set: a job would have no secret-key",
                "databricks secrets create-scope, then put-secret SCOPE secret-key",
            )
        held = {found.key or "" for found in self.client.secrets.list_secrets(scope)}
        key_of = {name: name.replace("_", "-") for name in SECRETS}
        # What is set here is needed there, and the key of tokens always.
        wanted = {key_of[name] for name in SECRETS if getattr(self._all, name) is not None}
        if missing := sorted((wanted | {"secret-key"}) - held):
            raise Trouble(f"scope {scope} lacks {', '.join(missing)}")
        known = sorted(held & set(key_of.values()))
        return f"scope {scope} holds {', '.join(known)}"

    def _compute(self) -> str:
        settings, client = self._settings, self.client
        if settings.compute == "serverless":
            raise Skip("serverless has nothing to look up; the one-row job shows whether it runs")
        if settings.compute == "existing_cluster":
            cluster = client.clusters.get(settings.cluster_id or "")
            state = cluster.state.value if cluster.state else "in no known state"
            return f"cluster {cluster.cluster_name or settings.cluster_id} is {state}"
        told = []
        if settings.instance_pool_id:
            pool = client.instance_pools.get(settings.instance_pool_id)
            told.append(f"pool {pool.instance_pool_name}")
        if settings.policy_id:
            told.append(f"policy {client.cluster_policies.get(settings.policy_id).name}")
        if settings.node_type_id:
            told.append(self._node_type(settings.node_type_id))
        if not told:
            raise Trouble("a job cluster needs a node type, an instance pool or a policy")
        versions = {version.key for version in client.clusters.spark_versions().versions or []}
        if settings.spark_version not in versions:
            raise Trouble(f"the workspace has no runtime {settings.spark_version}")
        return ", ".join([*told, f"runtime {settings.spark_version}"])

    def _node_type(self, wanted: str) -> str:
        found = {
            node.node_type_id for node in self.client.clusters.list_node_types().node_types or []
        }
        if wanted not in found:
            raise Trouble(f"the workspace has no machines of the kind {wanted}")
        return f"machines {wanted}"

    def _warehouse(self) -> str:
        if self._settings.warehouse_id is None:
            raise Skip("FEEDBACK_DATABRICKS_WAREHOUSE_ID is not set; only registering needs it")
        found = self.client.warehouses.get(self._settings.warehouse_id)
        return f"{found.name} is {found.state.value if found.state else 'in no known state'}"

    def _securable(self, kind: SecurableType) -> str:
        catalog = self._settings.catalog
        if catalog is None:
            raise Skip("FEEDBACK_DATABRICKS_CATALOG is not set; only registering needs it")
        if kind is SecurableType.CATALOG:
            name, owner = catalog, self.client.catalogs.get(catalog).owner
        else:
            name = f"{catalog}.{self._settings.catalog_schema}"
            owner = self.client.schemas.get(name).owner
        if owner == self._me:
            return f"{name} is {self._me}'s own"
        given = self.client.grants.get_effective(kind.value.lower(), name, principal=self._me)
        held = {
            privilege.privilege.value
            for assignment in given.privilege_assignments or []
            for privilege in assignment.privileges or []
            if privilege.privilege
        }
        missing = set() if held & ENOUGH else NEEDED[kind] - held
        if missing:
            said = ", ".join(sorted(missing)).replace("_", " ")
            raise Trouble(
                f"{self._me} lacks {said} on {name}", f"GRANT {said} ON {kind.value} {name}"
            )
        return f"{name}: {', '.join(sorted(held & (NEEDED[kind] | ENOUGH))).replace('_', ' ')}"

    def _job(self) -> str:
        if self._job_seconds is None:
            raise Skip("left out, as asked")
        return probe(self.client, self._settings, self._job_seconds)
