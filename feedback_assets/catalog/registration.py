"""Contracts as statements that register the tables in Unity Catalog.

Belongs here: what is said about each table: place, comments, tags, grants. Does not belong here:
how a word is quoted (sql_words.py), and who carries statements out (catalog_command.py).

Tables are registered without a list of columns: their Delta logs, which the pipeline writes,
stay the only truth about columns, and table features that delta-rs can't write are not turned on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from feedback_assets.catalog.sql_words import identifier, literal, path
from feedback_assets.contracts.columns import Table

EXTERNAL = ("abfss://", "s3://", "gs://")
"""Schemes of the places that an external location of Unity Catalog can cover."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where tables are registered, where they lie, and who may read them.

    `readers` may read each table without personal data, `restricted` all of them; a group that
    is None is granted nothing.
    """

    catalog: str
    schema: str
    root: str
    readers: str | None = None
    restricted: str | None = None

    def __post_init__(self) -> None:
        if not self.root.startswith(EXTERNAL):
            raise ValueError(
                f"the lakehouse is {self.root!r}: Unity Catalog registers tables that lie in an "
                f"external location ({', '.join(EXTERNAL)}); set FEEDBACK_LAKEHOUSE to one"
            )

    def table(self, name: str) -> str:
        """The table's full name, quoted."""
        return path(self.catalog, self.schema, name)


@dataclass(frozen=True, slots=True)
class Known:
    """Comments the catalog holds already: of tables by name, of columns by table and name."""

    tables: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[tuple[str, str], str] = field(default_factory=dict)


NOTHING_KNOWN = Known()


def is_restricted(table: Table) -> bool:
    """Whether only the restricted group may read the table: a column holds personal data."""
    return any(column.pii for column in table.columns)


def statements(
    place: Place, tables: Iterable[Table], known: Known = NOTHING_KNOWN
) -> Iterator[str]:
    """SQL statements that register `tables`, without semicolons; each may be repeated.

    Comments that `known` holds are left out: each is a commit to the table's Delta log, which a
    writer at work at that moment would have to repeat its own for.
    """
    yield f"CREATE SCHEMA IF NOT EXISTS {path(place.catalog, place.schema)}"
    yield from _grants_on_schema(place)
    for table in tables:
        yield from _registered(place, table)
        yield from _described(place, table, known)
        yield from _tagged(place, table)
        yield from _granted(place, table)


def comments_of_tables(place: Place) -> str:
    """A query for table names and comments, as `Known.tables` holds them."""
    return (
        f"SELECT table_name, comment FROM {path(place.catalog, 'information_schema', 'tables')} "
        f"WHERE table_schema = {literal(place.schema)}"
    )


def comments_of_columns(place: Place) -> str:
    """A query for table names, column names and comments, as `Known.columns` holds them."""
    return (
        "SELECT table_name, column_name, comment "
        f"FROM {path(place.catalog, 'information_schema', 'columns')} "
        f"WHERE table_schema = {literal(place.schema)}"
    )


def _grants_on_schema(place: Place) -> Iterator[str]:
    schema = path(place.catalog, place.schema)
    for group in (place.readers, place.restricted):
        if group:
            yield f"GRANT USE SCHEMA ON SCHEMA {schema} TO {identifier(group)}"


def _registered(place: Place, table: Table) -> Iterator[str]:
    where = f"{place.root.rstrip('/')}/{table.name}"
    yield (
        f"CREATE TABLE IF NOT EXISTS {place.table(table.name)} "
        f"USING DELTA LOCATION {literal(where)}"
    )


def _described(place: Place, table: Table, known: Known) -> Iterator[str]:
    if known.tables.get(table.name) != table.description:
        yield f"COMMENT ON TABLE {place.table(table.name)} IS {literal(table.description)}"
    told = [
        f"{identifier(column.name)} COMMENT {literal(column.description)}"
        for column in table.columns
        if known.columns.get((table.name, column.name)) != column.description
    ]
    if told:
        # All in one statement, so that a table gets one commit rather than one a column.
        yield f"ALTER TABLE {place.table(table.name)} ALTER COLUMN {', '.join(told)}"


def _tagged(place: Place, table: Table) -> Iterator[str]:
    for column in table.columns:
        if column.pii:
            yield (
                f"ALTER TABLE {place.table(table.name)} ALTER COLUMN {identifier(column.name)} "
                "SET TAGS ('pii' = 'true')"
            )


def _granted(place: Place, table: Table) -> Iterator[str]:
    name = place.table(table.name)
    if place.restricted:
        yield f"GRANT SELECT ON TABLE {name} TO {identifier(place.restricted)}"
    if place.readers and is_restricted(table):
        # What was readable under an earlier contract is no more.
        yield f"REVOKE SELECT ON TABLE {name} FROM {identifier(place.readers)}"
    elif place.readers:
        yield f"GRANT SELECT ON TABLE {name} TO {identifier(place.readers)}"
