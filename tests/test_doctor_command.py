"""`feedback doctor` on this machine: a fresh home, one that was used, and what is wrong in one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from feedback_assets.cli import app
from feedback_assets.contracts.tables import TABLES
from feedback_assets.doctor_command import here
from resources.doctor.base import Line, examine
from resources.lakehouse.delta import DeltaLakehouse
from resources.settings import Settings
from tests.conftest import Land


def looked(settings: Settings) -> Mapping[str, Line]:
    return {line.what: line for line in examine(here(settings))}


def test_a_fresh_home_has_nothing_wrong(settings: Settings) -> None:
    lines = looked(settings)
    assert {what: line.found for what, line in lines.items() if line.state == "failed"} == {}
    skipped = {what for what, line in lines.items() if line.state == "skipped"}
    assert skipped == {"landing", "models", "language model"}
    assert not list(settings.home.glob(".doctor-*"))


def test_what_is_there_is_told(settings: Settings, models_folder: Path, land: Land) -> None:
    settings.home.mkdir(parents=True)
    settings.models_folder.symlink_to(models_folder)
    land("zendesk", ["{}"])
    DeltaLakehouse(settings.lakehouse_root).ensure(TABLES["tickets"])
    lines = looked(settings.model_copy(update={"llm_service": "azure", "llm_model": "m1"}))
    assert lines["landing"].found.endswith("latest day 2026-06-01")
    assert f"1 of {len(TABLES)} tables" in lines["lakehouse"].found
    assert lines["models"].found.endswith("is in force")
    assert lines["language model"].found.startswith("m1 at ")
    assert {line.state for line in lines.values()} == {"ok"}


def test_a_home_that_is_a_file(settings: Settings) -> None:
    settings.home.write_text("", encoding="utf-8")
    lines = looked(settings)
    failed = {what for what, line in lines.items() if line.state == "failed"}
    assert failed == {"home", "lakehouse", "models", "Dagster instance"}
    assert lines["home"].to_do == "set FEEDBACK_HOME to a writable folder"


def test_an_instance_of_ones_own_without_its_file(settings: Settings, tmp_path: Path) -> None:
    line = looked(settings.model_copy(update={"dagster_home": tmp_path}))["Dagster instance"]
    assert line.state == "failed"
    assert "copy deploy/dagster.yaml there" in line.found


@pytest.mark.parametrize(("home", "code", "last"), [("home", 0, "nothing failed"), ("file", 1, "")])
def test_the_command_says_so_by_its_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str, code: int, last: str
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FEEDBACK_HOME", str(tmp_path / home))
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == code, done.stdout
    assert done.stdout.splitlines()[-1] == (last or "4 failed")
