"""Registering tables through the loopback workspace's SQL warehouse."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedback_assets.catalog.registration import Place
from feedback_assets.catalog_command import apply
from feedback_assets.contracts.tables import TABLES
from resources.catalog.warehouse import StatementFailed, Warehouse
from resources.lakehouse.delta import DeltaLakehouse
from tests.databricks_workspace import catalog_api
from tests.databricks_workspace.workspace import Workspace

PLACE = Place("main", "feedback", "s3://lake/tables", "readers", "restricted")
CHOSEN = [TABLES["bronze_feedback"], TABLES["triage"]]


def test_the_second_time_no_comment_is_said_again(tmp_path: Path) -> None:
    lakehouse, heard = DeltaLakehouse(str(tmp_path / "lake")), list[str]()
    with Workspace(tmp_path / "workspace") as workspace:
        warehouse = Warehouse(workspace.client(), "warehouse")
        first = apply(PLACE, warehouse, lakehouse, heard.append, CHOSEN)
        assert [said.text for said in workspace.catalog.statements][2:] == heard
        assert sum("COMMENT" in said for said in heard) == 4

        def answer(text: str) -> list[list[str]]:
            if "`tables`" in text:
                return [[table.name, table.description] for table in CHOSEN]
            if "`columns`" in text:
                return [[t.name, c.name, c.description] for t in CHOSEN for c in t.columns]
            return []

        workspace.catalog.answer = answer
        heard.clear()
        assert apply(PLACE, warehouse, lakehouse, heard.append, CHOSEN) == first - 4
        assert not [said for said in heard if "COMMENT" in said]
        assert workspace.unknown == []


def test_it_stops_at_the_first_statement_that_fails(tmp_path: Path) -> None:
    def refuse(text: str) -> list[list[str]]:
        if text.startswith("CREATE TABLE"):
            raise catalog_api.StatementFailed("no external location covers it")
        return []

    with Workspace(tmp_path / "workspace") as workspace:
        workspace.catalog.answer = refuse
        warehouse = Warehouse(workspace.client(), "warehouse")
        lakehouse = DeltaLakehouse(str(tmp_path / "lake"))
        with pytest.raises(StatementFailed, match="no external location covers it"):
            apply(PLACE, warehouse, lakehouse, lambda _: None, CHOSEN)
        last = workspace.catalog.statements[-1].text
    assert last.startswith("CREATE TABLE IF NOT EXISTS `main`.`feedback`.`bronze_feedback`")
