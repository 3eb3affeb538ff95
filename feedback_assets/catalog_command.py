"""What `feedback catalog` does: the statements as a file, or carried out on a warehouse.

Belongs here: the order of the work. Does not belong here: what is registered (catalog/), and
arguments (catalog_cli.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from feedback_assets.catalog.registration import (
    Known,
    Place,
    comments_of_columns,
    comments_of_tables,
    statements,
)
from feedback_assets.contracts.columns import Table
from feedback_assets.contracts.tables import TABLES
from resources.lakehouse.base import Lakehouse
from resources.settings import Settings


class CarriesOut(Protocol):
    """Where statements are carried out."""

    def execute(self, statement: str) -> Sequence[Sequence[str | None]]:
        """The rows of the statement's answer."""
        ...


def place_of(settings: Settings) -> Place:
    """Where `settings` register tables; raises `ValueError`, saying which setting is missing."""
    workspace = settings.databricks
    if workspace.catalog is None:
        raise ValueError("FEEDBACK_DATABRICKS_CATALOG is not set: name Unity Catalog's catalog")
    return Place(
        workspace.catalog,
        workspace.catalog_schema,
        settings.lakehouse_root,
        workspace.readers_group,
        workspace.restricted_group,
    )


def script(place: Place) -> str:
    """All statements as a file for any SQL editor, for tables that exist in the lakehouse."""
    return "".join(f"{statement};\n" for statement in statements(place, TABLES.values()))


def apply(
    place: Place,
    warehouse: CarriesOut,
    lakehouse: Lakehouse,
    tell: Callable[[str], None],
    tables: Iterable[Table] = tuple(TABLES.values()),
) -> int:
    """Register `tables`, first creating those that don't exist; how many statements it took.

    `tell` hears each statement before it is carried out. May be repeated, and stops at the first
    statement that fails.
    """
    wanted = list(tables)
    for table in wanted:
        # With the pipeline's own features: a table made by the warehouse could have some that
        # delta-rs can't write.
        lakehouse.ensure(table)
    done = 0
    for statement in statements(place, wanted, _known(place, warehouse)):
        tell(statement)
        warehouse.execute(statement)
        done += 1
    return done


def _known(place: Place, warehouse: CarriesOut) -> Known:
    tables = warehouse.execute(comments_of_tables(place))
    columns = warehouse.execute(comments_of_columns(place))
    return Known(
        {str(table): comment for table, comment in tables if comment is not None},
        {(str(t), str(column)): comment for t, column, comment in columns if comment is not None},
    )
