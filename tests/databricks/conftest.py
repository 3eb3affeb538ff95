"""The project's wheel, and a Spark server that stands for a cluster's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pysail.spark import SparkConnectServer

from tests.databricks_workspace.wheels import build_project_wheel


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_project_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def sail() -> Iterator[str]:
    """A Spark Connect address that every job run's process has its session on."""
    server = SparkConnectServer("127.0.0.1", 0)
    server.start()
    host, port = server.listening_address
    yield f"sc://{host}:{port}"
    server.stop()
