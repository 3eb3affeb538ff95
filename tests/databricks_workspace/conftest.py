"""Fixtures for tests of the loopback workspace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databricks_workspace.submitting import plain_wheel, upload
from tests.databricks_workspace.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace that was asked for nothing it does not serve."""
    with Workspace(tmp_path / "workspace") as workspace:
        yield workspace
    assert workspace.unknown == []


@pytest.fixture
def wheel(workspace: Workspace, tmp_path: Path) -> str:
    """The wheel of plain_job in a volume."""
    return upload(workspace, plain_wheel(tmp_path))
