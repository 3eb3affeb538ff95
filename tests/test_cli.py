"""The command line's cheap commands: help, what cannot be found, and what was asked wrongly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from feedback_assets.cli import app
from feedback_assets.contracts.tables import BRONZE_FEEDBACK
from resources.lakehouse.delta import DeltaLakehouse

COMMANDS = ("demo", "run", "status", "trace", "dev")
UNKNOWN = "fb" + "0" * 20


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home that commands are given by their environment; it does not exist yet."""
    for name in ("LANDING", "LAKEHOUSE", "PROFILE"):
        monkeypatch.delenv(f"FEEDBACK_{name}", raising=False)
    home = tmp_path / "home"
    monkeypatch.setenv("FEEDBACK_HOME", str(home))
    return home


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def said(text: str) -> str:
    """Text without the line breaks that the terminal's width put in."""
    return " ".join(text.split())


def test_help_names_every_command() -> None:
    result = call("--help")
    assert result.exit_code == 0
    for command in COMMANDS:
        assert command in result.output
        assert call(command, "--help").exit_code == 0


def test_without_a_command_help_is_shown() -> None:
    assert "Usage" in call().output


@pytest.mark.parametrize("identifier", [UNKNOWN, "c0123456789ab", "PAY-3", "a/b#1", "[/bold]", ""])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_trace_before_any_run_says_so_and_makes_nothing(
    home: Path, identifier: str, options: tuple[str, ...]
) -> None:
    result = call("trace", identifier, *options)
    assert result.exit_code == 2
    assert "nothing has been processed yet" in said(result.stderr)
    assert result.stdout == ""
    assert not home.exists()


def test_a_trace_of_an_unknown_identifier_says_what_could_be_asked_for(home: Path) -> None:
    DeltaLakehouse(str(home / "lakehouse")).ensure(BRONZE_FEEDBACK)
    result = call("trace", "[/bold]PAY-3")
    assert result.exit_code == 2
    assert "'[/bold]PAY-3'" in result.stderr
    assert "ticket key" in result.stderr
    assert sorted(path.name for path in (home / "lakehouse").iterdir()) == ["bronze_feedback"]


def test_the_status_of_nothing_says_what_to_do_and_makes_nothing(home: Path) -> None:
    result = call("status")
    assert result.exit_code == 0
    assert "feedback demo" in result.stdout
    assert not home.exists()


def test_the_status_shows_what_has_landed_and_was_never_processed(home: Path) -> None:
    folder = home / "landing" / "zendesk" / "2026-06-02"
    folder.mkdir(parents=True)
    (folder / "tickets.jsonl").write_text("{}\n", encoding="utf-8")
    assert "not processed yet" in said(call("status").stdout)
    (partition,) = orjson.loads(call("status", "--json").stdout)["partitions"]
    assert (partition["day"], partition["source"]) == ("2026-06-02", "zendesk")
    assert not partition["gate_open"]
    assert sorted(path.name for path in home.iterdir()) == ["landing"]


def test_tracing_starts_neither_spark_nor_dagster(home: Path) -> None:
    script = """
import sys
from typer.testing import CliRunner
from feedback_assets.cli import app
for arguments in (["trace", "PAY-3"], ["status"]):
    CliRunner().invoke(app, arguments)
print(sorted({"pyspark", "pysail", "dagster", "sklearn"} & set(sys.modules)))
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--day", "yesterday"), "--day 'yesterday': expected YYYY-MM-DD"),
        (("--day", "2026-02-30"), "--day '2026-02-30': expected YYYY-MM-DD"),
        (("--source", "email"), "--source 'email': expected one of app_store, zendesk"),
        (("--landing", "no_such_folder"), "no_such_folder is no folder"),
        (("--landing", __file__), "is no folder"),
    ],
)
def test_a_run_that_is_asked_for_wrongly_says_how_and_makes_nothing(
    home: Path, arguments: tuple[str, ...], words: str
) -> None:
    result = call("run", *arguments)
    assert result.exit_code == 2
    assert words in said(result.stderr)
    assert not home.exists()


def test_a_day_the_assets_do_not_have_is_left_alone_and_named(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "landing" / "social" / "1999-01-01"
    folder.mkdir(parents=True)
    (folder / "a.jsonl").write_text('{"post_id": "p", "text": "old"}\n', encoding="utf-8")
    result = call("run", "--landing", str(tmp_path / "landing"))
    assert result.exit_code == 0
    assert "1999-01-01|social: the day is outside of" in said(result.stderr)
    assert "Nothing new" in said(result.stdout)


def test_the_demo_lands_nothing_in_a_store(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEEDBACK_LANDING", "s3://bucket/landing")
    monkeypatch.chdir(home.parent)
    outcome = call("demo")
    assert outcome.exit_code != 0
    assert "lands its files in a folder" in said(outcome.output)
    assert not Path("s3:").exists()
