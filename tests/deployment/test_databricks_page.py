"""docs/databricks.md names settings that exist, and its costs follow from its variables."""

from __future__ import annotations

import re
from math import ceil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from feedback_assets.cli import app
from feedback_assets.definitions import defs
from feedback_assets.orchestration.jobs import feedback_to_tickets
from resources.databricks_settings import DatabricksSettings
from resources.settings import Settings

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "databricks.md").read_text(encoding="utf-8")
ROWS = {
    cells[0].strip(): [cell.strip() for cell in cells[1:]]
    for line in PAGE.splitlines()
    if line.startswith("| ")
    for cells in [line.strip("|").split("|")]
}


def figure(name: str) -> float:
    found = re.search(r"[\d.,]+", ROWS[name][0])
    assert found
    return float(found[0].replace(",", ""))


def test_settings_that_it_names_exist() -> None:
    fields = {f"FEEDBACK_{name.upper()}" for name in Settings.model_fields} | {
        f"FEEDBACK_DATABRICKS_{name.upper()}" for name in DatabricksSettings.model_fields
    }
    assert set(re.findall(r"FEEDBACK_[A-Z_]+[A-Z]", PAGE)) <= fields


def test_variables_of_the_instance_are_those_of_its_file() -> None:
    file = (PROJECT / "deploy" / "dagster.yaml").read_text(encoding="utf-8")
    for variable in re.findall(r"env: (\w+)", file):
        short = "_" + variable.removeprefix("DAGSTER_PG_")
        assert f"`{variable}`" in PAGE or f"`{short}`" in PAGE, variable


@pytest.mark.parametrize("command", ["doctor", "catalog apply", "catalog sql"])
def test_commands_exist(command: str) -> None:
    assert f"feedback {command}" in PAGE
    assert CliRunner().invoke(app, [*command.split(), "--help"]).exit_code == 0


def test_the_steps_are_counted_right() -> None:
    job = defs.resolve_job_def(feedback_to_tickets.name)
    assert f"S = {len(job.asset_layer.selected_asset_keys)} steps" in PAGE


@pytest.mark.parametrize(
    ("row", "kind", "runs"),
    [
        ("serverless, share=step: R = 15", "serverless", 15),
        ("serverless, share=run: R = 1", "serverless", 1),
        ("job cluster, share=step", "job cluster", 15),
        ("job cluster, share=run", "job cluster", 1),
        ("six runs rather than one, serverless, share=step: R = 90", "serverless", 90),
    ],
)
def test_what_a_day_costs_follows_from_its_variables(row: str, kind: str, runs: int) -> None:
    if kind == "serverless":
        hour = figure("DBU/h, serverless") * figure("price of a DBU, serverless jobs")
    else:
        hour = figure("DBU/h, one node of 4 cores") * figure("price of a DBU, jobs compute")
        hour += figure("machine/h, 4 cores")
    works = (figure("W, 10,000 items"), figure("W, 1,000,000 items"))
    for told, work in zip(ROWS[row], works, strict=True):
        minutes = runs * figure(f"F, {kind}") + work
        assert told == f"{minutes:.1f} min, ${minutes / 60 * hour:.2f}"


def test_the_language_model_and_the_growth_follow_too() -> None:
    item = figure("language model, an item")
    assert ROWS["language model for the doubt"] == [f"${item * 1e4:,.0f}", f"${item * 1e6:,.0f}"]
    speed, slope = 2163, (4748 - 1934) / 900_000  # items/s; MiB an item (benchmarks/README.md)
    assert ROWS["10,000,000"][0] == f"{1e7 / speed / 60:.0f} min"
    assert ROWS["10,000,000"][1] == f"{(4748 + 9e6 * slope) / 1024:.0f} GiB"
    assert ROWS["100,000,000"][0] == f"{ceil(1e8 / speed / 3600)} h"
    assert ROWS["100,000,000"][1] == f"{(4748 + (1e8 / 6 - 1e6) * slope) / 1024:.0f} GiB a source"
