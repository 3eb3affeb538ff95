"""The workspace that tests enter.

Belongs here: what a test sets and sees. Does not belong here: how it is done.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from databricks.sdk import WorkspaceClient
from databricks.sdk.clock import RealClock
from databricks.sdk.core import Config

from tests.databricks_workspace.catalog_api import CatalogApi
from tests.databricks_workspace.compute import Compute
from tests.databricks_workspace.dbfs_api import DbfsApi
from tests.databricks_workspace.execution import Execution
from tests.databricks_workspace.faults import Faults, RequestTrouble
from tests.databricks_workspace.files_api import FilesApi
from tests.databricks_workspace.http_server import Server
from tests.databricks_workspace.jobs_api import JobsApi
from tests.databricks_workspace.runs import Run
from tests.databricks_workspace.storage import Storage

CLUSTER = "1123-120000-existing"
"""A cluster that every workspace has."""


class _ShortSleeps(RealClock):
    """The SDK's clock; no wait before another attempt is long."""

    def sleep(self, seconds: float) -> None:
        super().sleep(min(seconds, 0.02))


class Workspace:
    """A workspace whose files lie below `folder`, which must not be in use. A context manager.

    `environment`: variables of every process on its compute (``SPARK_REMOTE`` makes Spark
    sessions connect there). `absent`: top-level packages that its compute does not have.
    `hurry` shortens what dagster_pipes waits in processes; not for measurements.
    `faults` are met by every run, unless `next_faults` holds some for the next ones.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        faults: Faults | None = None,
        absent: Sequence[str] = (),
        hurry: bool = True,
    ) -> None:
        self.token = f"dapi{secrets.token_hex(16)}"
        self._server = Server(self.token)
        self.host = self._server.address
        self.storage = Storage(folder)
        self.compute = Compute()
        credentials = {"DATABRICKS_HOST": self.host, "DATABRICKS_TOKEN": self.token}
        variables = {**credentials, **(environment or {})}
        execution = Execution(self.storage, self.compute, variables, list(absent), hurry)
        self.jobs = JobsApi(self.host, self.storage, self.compute, execution, faults or Faults())
        self.files = FilesApi(self.storage)
        self.catalog = CatalogApi(self.storage)
        self.add_cluster(CLUSTER)
        for part in (self.jobs, self.files, DbfsApi(self.storage), self.compute, self.catalog):
            self._server.add(part.routes())

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
        for run in self.runs:
            run.cancelled.set()
        for run in self.runs:
            if run.thread:
                run.thread.join(10)

    def client(self) -> WorkspaceClient:
        """A client of this workspace that asks again soon, and soon gives up."""
        config = Config(
            host=self.host,
            token=self.token,
            auth_type="pat",
            retry_timeout_seconds=5,
            http_timeout_seconds=10,
            clock=_ShortSleeps(),
        )
        return WorkspaceClient(config=config)

    @property
    def runs(self) -> list[Run]:
        """What was submitted, in order."""
        return self.jobs.runs

    @property
    def clusters_started(self) -> int:
        """New clusters so far."""
        return self.compute.started

    @property
    def unknown(self) -> list[str]:
        """Requests to addresses that this workspace does not serve, ``METHOD /path``."""
        return self._server.unknown

    @property
    def asked(self) -> list[str]:
        """All requests in order, ``METHOD /path``."""
        return self._server.asked

    def volume(self, catalog: str, schema: str, name: str) -> str:
        """Create a volume; its path, for the Files API and on disk alike."""
        return str(self.storage.add_volume(f"{catalog}.{schema}.{name}"))

    def put_secret(self, scope: str, key: str, value: str) -> None:
        """Store a secret, creating its scope."""
        self.compute.secrets.setdefault(scope, {})[key] = value

    def add_cluster(self, cluster_id: str, variables: Mapping[str, str] | None = None) -> None:
        """Let a running cluster exist, its processes with these variables."""
        about = {"cluster_name": cluster_id, "spark_env_vars": dict(variables or {})}
        self.compute.clusters[cluster_id] = {**about, "cluster_source": "UI"}

    def next_faults(self, *faults: Faults) -> None:
        """Trouble for the next runs, one each."""
        self.jobs.next_faults.extend(faults)

    def trouble(self, *troubles: RequestTrouble) -> None:
        """Trouble for requests to come."""
        self._server.troubles.extend(troubles)

    def wait(self, run: Run | None = None, seconds: float = 20.0) -> Run:
        """Wait until a run (the last one) is over."""
        run = run or self.runs[-1]
        until = time.monotonic() + seconds
        while not run.over:
            if time.monotonic() > until:
                raise TimeoutError(f"Run {run.run_id} is {run.state}\n{run.output}")
            time.sleep(0.02)
        return run
