"""The project's own wheel runs on the workspace, from the wheel and nothing else."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from databricks.sdk.service import compute, jobs

from tests.databricks_workspace.submitting import submit, upload
from tests.databricks_workspace.wheels import ROOT, build_project_wheel
from tests.databricks_workspace.workspace import CLUSTER, Workspace


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_project_wheel(tmp_path_factory.mktemp("wheel"))


def test_every_file_of_the_packages_is_in_the_wheel(wheel: Path) -> None:
    found = [
        str(path.relative_to(ROOT))
        for package in ("feedback_assets", "resources")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    with zipfile.ZipFile(wheel) as built:
        assert sorted(set(found) - set(built.namelist())) == []


def test_the_project_runs_from_its_wheel(workspace: Workspace, wheel: Path) -> None:
    library = upload(workspace, wheel)
    script = b"""
import feedback_assets.contracts.quality_rules as rules, resources.settings
assert rules.BUILT_IN.is_file()
for module in (rules, resources.settings):
    print("FROM", module.__file__)
"""
    path = f"{Path(library).parent}/script.py"
    workspace.client().files.upload(path, io.BytesIO(script))
    task = jobs.SubmitTask(
        task_key="main",
        spark_python_task=jobs.SparkPythonTask(python_file=path),
        existing_cluster_id=CLUSTER,
        libraries=[compute.Library(whl=library)],
    )
    run = submit(workspace, task)
    assert run.state.result == "SUCCESS", run.output
    origins = [line for line in run.output.splitlines() if line.startswith("FROM")]
    assert len(origins) == 2
    assert all(str(workspace.storage.folder / "wheels") in line for line in origins)
