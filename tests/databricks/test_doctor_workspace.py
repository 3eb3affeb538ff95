"""`feedback doctor --databricks` against the loopback workspace: all well, and one thing wrong."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from feedback_assets import doctor_command
from feedback_assets.cli import app
from resources.doctor.base import Line, examine
from resources.doctor.wheel import Code
from resources.doctor.workspace import WorkspaceChecks
from resources.settings import Settings
from tests.databricks_workspace.catalog_api import USER
from tests.databricks_workspace.faults import Faults
from tests.databricks_workspace.workspace import CLUSTER, Workspace

PROJECT = Path(__file__).parents[2]
CODE = Code("0.1.0", PROJECT, doctor_command.PACKAGES)
Examine = Callable[..., Mapping[str, Line]]


@pytest.fixture
def workspace(tmp_path: Path, sail: str) -> Iterator[Workspace]:
    with Workspace(tmp_path / "workspace", {"SPARK_REMOTE": sail}) as workspace:
        known = workspace.catalog._known
        # An owner needs no grant; most principals are none.
        workspace.catalog._known = lambda name: {**known(name), "owner": "admins"}  # type: ignore[method-assign]
        yield workspace


@pytest.fixture
def named(workspace: Workspace, wheel: Path) -> dict[str, Any]:
    """Settings of a workspace in which all is as it should be."""
    wheels = Path(workspace.volume("main", "feedback", "wheels"))
    deployed = wheels / wheel.name
    deployed.write_bytes(wheel.read_bytes())
    workspace.put_secret("feedback", "secret-key", "k")
    workspace.catalog.grants = {
        "main": {USER: ["USE_CATALOG"]},
        "main.feedback": {USER: ["ALL_PRIVILEGES"]},
    }
    return {
        "wheel": str(deployed),
        "volume": workspace.volume("main", "feedback", "channel"),
        "home": workspace.volume("main", "feedback", "home"),
        "secret_scope": "feedback",
        "catalog": "main",
        "warehouse_id": "warehouse",
        "poll_seconds": 0.05,
    }


@pytest.fixture
def examined(workspace: Workspace, named: dict[str, Any]) -> Examine:
    def look(job_seconds: float | None = None, code: Code = CODE, **changed: Any) -> Any:
        settings = Settings(profile="databricks", databricks={**named, **changed})
        checks = WorkspaceChecks(settings, code, job_seconds, workspace.client).checks()
        lines = {line.what: line for line in examine(checks)}
        assert len(lines) == len(checks) == 10
        return lines

    return look


def failed(lines: Mapping[str, Line]) -> dict[str, str]:
    return {what: line.found for what, line in lines.items() if line.state == "failed"}


def test_all_is_well(examined: Examine, workspace: Workspace, named: dict[str, Any]) -> None:
    lines = examined(60)
    assert failed(lines) == {}
    assert {what for what, line in lines.items() if line.state == "skipped"} == {"compute"}
    assert USER in lines["credentials"].found
    assert "version 0.1.0" in lines["wheel"].found
    assert lines["one-row job"].found.startswith("1 row with Spark 4.")
    assert workspace.host in lines["one-row job"].found
    for volume in ("volume", "home"):
        assert not list(Path(named[volume]).iterdir())
    assert workspace.unknown == []


@pytest.mark.parametrize(
    "compute",
    [
        {"compute": "existing_cluster", "cluster_id": CLUSTER},
        {"compute": "job_cluster", "node_type_id": "no-such-machine"},
    ],
)
def test_compute_is_looked_up(examined: Examine, compute: dict[str, str]) -> None:
    line = examined(**compute)["compute"]
    if "cluster_id" in compute:
        assert line.state == "ok"
    else:
        assert (line.state, line.found) == (
            "failed",
            "the workspace has no machines of the kind no-such-machine",
        )


def test_what_is_missing_is_named_each_by_itself(
    examined: Examine, workspace: Workspace, tmp_path: Path
) -> None:
    workspace.catalog.grants = {"main.feedback": {USER: ["USE_SCHEMA"]}}
    found = failed(
        examined(
            volume=str(tmp_path / "elsewhere"), home=None, secret_scope=None, warehouse_id="none"
        )
    )
    assert set(found) == {
        "volume", "home on the cluster", "secrets", "SQL warehouse", "catalog", "schema",
    }  # fmt: skip
    assert found["home on the cluster"] == "FEEDBACK_DATABRICKS_HOME is not set"
    assert "lacks USE CATALOG on main" in found["catalog"]
    assert "lacks CREATE TABLE on main.feedback" in found["schema"]
    assert "a job would have no secret-key" in found["secrets"]


def test_a_scope_without_a_key_that_is_needed(examined: Examine, workspace: Workspace) -> None:
    workspace.put_secret("other", "llm-key", "k")
    assert failed(examined(secret_scope="other")) == {"secrets": "scope other lacks secret-key"}


def test_a_wheel_of_other_code(examined: Examine, named: dict[str, Any], tmp_path: Path) -> None:
    with zipfile.ZipFile(named["wheel"], "a") as wheel:
        wheel.writestr("resources/no_such_module.py", "")
    assert "1 files of" in failed(examined())["wheel"]
    assert "resources/no_such_module.py" in failed(examined())["wheel"]
    newer = Code("0.2.0", PROJECT, CODE.packages)
    assert "has version 0.1.0, this code 0.2.0" in failed(examined(code=newer))["wheel"]
    Path(named["wheel"]).write_bytes(b"no zip")
    assert "is no wheel" in failed(examined())["wheel"]
    assert set(failed(examined(wheel=None))) == {"wheel"}


@pytest.mark.parametrize(
    ("faults", "says"),
    [
        (Faults(pretend_success=True), "the run ended well and counted no row"),
        (Faults(no_compute="no machines left in the zone"), "no machines left in the zone"),
        (Faults(slow_start=30), "not over after 0.5 s, cancelled"),
    ],
)
def test_a_job_that_counted_no_row_is_no_success(
    examined: Examine, workspace: Workspace, faults: Faults, says: str
) -> None:
    workspace.next_faults(faults)
    (said,) = failed(examined(0.5 if "cancelled" in says else 20)).values()
    assert says in said
    assert workspace.host in said


def test_the_command_ends_with_1_where_one_failed(
    workspace: Workspace, named: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("HOST", workspace.host), ("TOKEN", workspace.token)):
        monkeypatch.setenv(f"DATABRICKS_{name}", value)
    monkeypatch.setenv("FEEDBACK_HOME", str(tmp_path / "home"))
    for name, value in named.items():
        monkeypatch.setenv(f"FEEDBACK_DATABRICKS_{name.upper()}", str(value))
    asked = ["doctor", "--databricks", "--no-job"]
    well = CliRunner().invoke(app, asked)
    assert (well.exit_code, well.stdout.splitlines()[-1]) == (0, "nothing failed"), well.stdout
    monkeypatch.setenv("FEEDBACK_DATABRICKS_SECRET_SCOPE", "no-such-scope")
    ill = CliRunner().invoke(app, asked)
    assert (ill.exit_code, ill.stdout.splitlines()[-1]) == (1, "1 failed"), ill.stdout
    assert "→ databricks secrets put-secret" in ill.stdout
