"""Arguments of `feedback catalog`.

Belongs here: what is typed. Does not belong here: what it does (catalog_command.py).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from feedback_assets.command_line import console, fail
from resources.settings import Settings

catalog = typer.Typer(
    name="catalog", no_args_is_help=True, help="The tables in Databricks' Unity Catalog."
)


@catalog.command()
def sql(
    output: Annotated[Path | None, typer.Option(help="File to write; else it is printed")] = None,
) -> None:
    """Show the statements that register the tables: places, comments, tags, grants."""
    from feedback_assets.catalog_command import place_of, script

    try:
        text = script(place_of(Settings()))
    except ValueError as error:
        fail(str(error))
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8")
        console.print(f"{text.count(chr(10))} statements in {output}")


@catalog.command()
def apply() -> None:
    """Register the tables on the set SQL warehouse; may be repeated."""
    from feedback_assets import catalog_command
    from resources.catalog.warehouse import StatementFailed, Warehouse
    from resources.databricks_client import NoWorkspace, connect
    from resources.lakehouse.opening import open_lakehouse

    settings = Settings()
    if settings.databricks.warehouse_id is None:
        fail("FEEDBACK_DATABRICKS_WAREHOUSE_ID is not set: name the SQL warehouse that registers")
    try:
        done = catalog_command.apply(
            catalog_command.place_of(settings),
            Warehouse(connect(), settings.databricks.warehouse_id),
            open_lakehouse(settings),
            lambda statement: console.print(Text(statement), overflow="ellipsis", no_wrap=True),
        )
    except (ValueError, NoWorkspace, StatementFailed) as error:
        fail(str(error))
    console.print(f"{done} statements carried out")
