"""What a run has made, in figures people want to read.

Belongs here: reading the tables into one summary. Does not belong here: how it is shown
(summary_text.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from feedback_assets.contracts.partitions import Partition, predicate
from feedback_assets.contracts.tables import TABLES
from resources.lakehouse.base import Lakehouse

STAGES = (
    "bronze_feedback", "silver_feedback", "gold_feedback", "feedback_clusters", "triage",
    "validated_feedback",
)  # fmt: skip
SHOWN_CLUSTERS = 8


@dataclass(frozen=True, slots=True)
class ClusterLine:
    """A cluster as a line of the summary."""

    cluster_id: str
    label: str
    category: str
    items: int
    sources: int
    days: int


@dataclass(frozen=True, slots=True)
class TicketLine:
    """A ticket as a line of the summary."""

    key: str
    state: str
    title: str
    items: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures over the given partitions; tickets and clusters over all that they touch."""

    landed: int
    quarantined: dict[str, int]
    rows: dict[str, int]
    redeliveries: int
    duplicates: int
    lanes: dict[str, int]
    states: dict[str, int]
    categories: dict[str, int]
    clusters: Sequence[ClusterLine]
    tickets: Sequence[TicketLine]
    example: str | None


def summarise(lakehouse: Lakehouse, partitions: Sequence[Partition]) -> Summary:
    """The summary of `partitions`."""
    for table in TABLES.values():
        lakehouse.ensure(table)
    where = predicate(partitions)
    rows = {name: _rows(lakehouse, name, partitions) for name in STAGES}
    quarantine = _frame(lakehouse, "quarantine", ["table", "reason"], where)
    at_landing = quarantine.filter(pl.col("table") == "bronze_feedback").height
    silver = _frame(lakehouse, "silver_feedback", ["duplicate_of"], where)
    validated = _frame(
        lakehouse, "validated_feedback", ["lane", "validation_state", "primary_category"], where
    )
    tickets = _tickets(lakehouse)
    return Summary(
        landed=rows["bronze_feedback"] + at_landing,
        quarantined=_count(quarantine["reason"].str.split(":").list.first()),
        rows=rows,
        redeliveries=rows["bronze_feedback"]
        - rows["silver_feedback"]
        - quarantine.filter(pl.col("table") == "silver_feedback").height,
        duplicates=silver["duplicate_of"].drop_nulls().len(),
        lanes=_count(validated["lane"]),
        states=_count(validated["validation_state"]),
        categories=_count(validated["primary_category"]),
        clusters=_clusters(lakehouse, where),
        tickets=tickets,
        example=tickets[0].key if tickets else None,
    )


def _rows(lakehouse: Lakehouse, table: str, partitions: Sequence[Partition]) -> int:
    wanted = set(partitions)
    return sum(
        int(file["num_records"])
        for file in lakehouse.files(table)
        if Partition(file["day"], file["source"]) in wanted
    )


def _frame(lakehouse: Lakehouse, table: str, columns: list[str], where: str) -> pl.DataFrame:
    frame = pl.from_arrow(lakehouse.scan(table, columns, where).read_all())
    assert isinstance(frame, pl.DataFrame)
    return frame


def _count(values: pl.Series) -> dict[str, int]:
    return dict(Counter(values.to_list()).most_common())


def _clusters(lakehouse: Lakehouse, where: str) -> list[ClusterLine]:
    columns = ["day", "source", "cluster_id", "cluster_label", "primary_category"]
    frame = _frame(lakehouse, "feedback_clusters", columns, where)
    largest = (
        frame.drop_nulls("cluster_id")
        .group_by("cluster_id")
        .agg(
            pl.col("cluster_label").first(),
            pl.col("primary_category").first(),
            pl.len().alias("items"),
            pl.col("source").n_unique().alias("sources"),
            pl.col("day").n_unique().alias("days"),
        )
        .sort(["items", "cluster_id"], descending=[True, False])
        .head(SHOWN_CLUSTERS)
    )
    return [
        ClusterLine(
            row["cluster_id"], row["cluster_label"] or "", row["primary_category"],
            row["items"], row["sources"], row["days"],
        )
        for row in largest.to_dicts()
    ]  # fmt: skip


def _tickets(lakehouse: Lakehouse) -> list[TicketLine]:
    linked = lakehouse.scan("ticket_items", ["idempotency_key"]).read_all()
    items = Counter(linked.column("idempotency_key").to_pylist())
    columns = ["idempotency_key", "ticket_key", "state", "title"]
    rows = lakehouse.scan("tickets", columns).read_all().to_pylist()
    lines = [
        TicketLine(
            row["ticket_key"] or "-", row["state"], row["title"], items[row["idempotency_key"]]
        )
        for row in rows
    ]
    return sorted(lines, key=lambda line: (-line.items, line.key))
