"""Fixtures for tests of the loopback workspace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databricks_workspace.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace that was asked for nothing it does not serve."""
    with Workspace(tmp_path / "workspace") as workspace:
        yield workspace
    assert workspace.unknown == []
