"""`feedback catalog`: the script, and its statements on a warehouse."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from feedback_assets.catalog.registration import Place
from feedback_assets.catalog_command import apply
from feedback_assets.cli import app
from feedback_assets.contracts.tables import TABLES
from resources.lakehouse.delta import DeltaLakehouse

PLACE = Place("shop", "feedback", "s3://lake/tables", "readers", "restricted")


class KeepsComments:
    """A warehouse that knows the comments of one table, and keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def execute(self, statement: str) -> list[list[str | None]]:
        self.told.append(statement)
        if "`tables`" in statement:
            return [["triage", TABLES["triage"].description], ["tickets", None]]
        if "`columns`" in statement:
            return [
                ["triage", column.name, column.description] for column in TABLES["triage"].columns
            ]
        return []


def test_apply_creates_tables_as_the_pipeline_does_and_says_only_what_is_new(
    tmp_path: Path,
) -> None:
    warehouse, lakehouse, heard = KeepsComments(), DeltaLakehouse(str(tmp_path)), list[str]()
    tables = [TABLES["triage"], TABLES["tickets"]]
    done = apply(PLACE, warehouse, lakehouse, heard.append, tables)
    assert lakehouse.exists("triage")
    assert lakehouse.physical_schema("tickets").names == list(TABLES["tickets"].column_names)
    assert warehouse.told[2:] == heard
    assert len(heard) == done
    comments = [said for said in heard if "COMMENT" in said]
    assert comments
    assert all("`tickets`" in said for said in comments)


def test_the_script_is_written_and_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEEDBACK_LAKEHOUSE", "s3://lake/tables")
    monkeypatch.setenv("FEEDBACK_DATABRICKS_CATALOG", "shop")
    monkeypatch.setenv("FEEDBACK_DATABRICKS_READERS_GROUP", "the readers")
    target = tmp_path / "catalog.sql"
    written = CliRunner().invoke(app, ["catalog", "sql", "--output", str(target)])
    assert written.exit_code == 0, written.output
    text = target.read_text(encoding="utf-8")
    assert text.count("CREATE TABLE IF NOT EXISTS `shop`.`feedback`.") == len(TABLES)
    assert "GRANT SELECT ON TABLE `shop`.`feedback`.`tickets` TO `the readers`;\n" in text
    assert CliRunner().invoke(app, ["catalog", "sql"]).stdout == text


@pytest.mark.parametrize(
    ("command", "missing"),
    [("sql", "FEEDBACK_DATABRICKS_CATALOG"), ("apply", "FEEDBACK_DATABRICKS_WAREHOUSE_ID")],
)
def test_a_missing_setting_is_named(command: str, missing: str) -> None:
    refused = CliRunner().invoke(app, ["catalog", command])
    assert refused.exit_code == 2
    assert missing in refused.output
