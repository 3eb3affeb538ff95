"""A partition: one received day of one source.

Belongs here: the value type, its key as Dagster writes it, and predicates over it.
Does not belong here: Dagster's partition definitions (pipeline/assets.py) and storage.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

SOURCES: tuple[str, ...] = ("app_store", "zendesk", "intercom", "survey", "community", "social")


@dataclass(frozen=True, order=True, slots=True)
class Partition:
    """One received day (the landing folder's) of one source."""

    day: dt.date
    source: str

    @classmethod
    def parse(cls, key: str) -> Partition:
        """The partition of a key such as ``2026-04-13|app_store``.

        Raises `ValueError` naming the key when it has another form or an unknown source.
        """
        day, _, source = key.partition("|")
        if source not in SOURCES:
            raise ValueError(f"partition key {key!r}: source must be one of {', '.join(SOURCES)}")
        try:
            return cls(dt.date.fromisoformat(day), source)
        except ValueError as error:
            raise ValueError(f"partition key {key!r}: expected YYYY-MM-DD|source") from error

    @property
    def key(self) -> str:
        """The key as Dagster's `MultiPartitionKey` spells it, dimensions in name order."""
        return f"{self.day.isoformat()}|{self.source}"


def predicate(partitions: Iterable[Partition], **equals: str) -> str:
    """A SQL predicate that names exactly `partitions`, and each column of `equals`.

    Days that share a set of sources are grouped, so a range of days by sources stays short.
    Values are quoted; every name is a partition column of the tables it is used on.
    """
    sources_of: dict[dt.date, set[str]] = {}
    for partition in partitions:
        sources_of.setdefault(partition.day, set()).add(partition.source)
    if not sources_of:
        raise ValueError("a predicate over no partition would name the whole table")
    days_of: dict[tuple[str, ...], list[dt.date]] = {}
    for day, sources in sorted(sources_of.items()):
        days_of.setdefault(tuple(sorted(sources)), []).append(day)
    groups = [
        f"(day IN ({_quoted(d.isoformat() for d in days)}) AND source IN ({_quoted(sources)}))"
        for sources, days in days_of.items()
    ]
    clauses = [f"({' OR '.join(groups)})"]
    clauses += [f"`{name}` = {_quoted([value])}" for name, value in sorted(equals.items())]
    return " AND ".join(clauses)


def _quoted(values: Iterable[str]) -> str:
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values)
