"""The project's wheel, and a Spark server that stands for a cluster's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databricks_shop import spark_server
from tests.databricks_workspace.wheels import build_project_wheel


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_project_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def sail() -> Iterator[str]:
    """A Spark Connect address that every job run's process has its session on."""
    with spark_server() as address:
        yield address
