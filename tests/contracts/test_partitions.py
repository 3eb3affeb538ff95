"""Partitions and their predicates."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_assets.contracts.partitions import SOURCES, Partition, predicate
from resources.connectors import SOURCES as CONNECTORS

PARTITIONS = st.builds(
    Partition,
    st.dates(dt.date(2026, 1, 1), dt.date(2026, 1, 6)),
    st.sampled_from(SOURCES),
)


def test_every_source_has_a_connector() -> None:
    assert tuple(CONNECTORS) == SOURCES


@given(PARTITIONS)
def test_a_key_reads_back(partition: Partition) -> None:
    assert Partition.parse(partition.key) == partition


@pytest.mark.parametrize("key", ["2026-01-01", "2026-13-01|survey", "survey|2026-01-01", ""])
def test_other_keys_are_refused(key: str) -> None:
    with pytest.raises(ValueError, match="partition key"):
        Partition.parse(key)


@given(st.sets(PARTITIONS, min_size=1))
def test_a_predicate_names_exactly_its_partitions(wanted: set[Partition]) -> None:
    days = [dt.date(2026, 1, 1) + dt.timedelta(days=n) for n in range(6)]
    everything = [Partition(day, source) for day in days for source in SOURCES]
    frame = pl.DataFrame(
        {"day": [p.day.isoformat() for p in everything], "source": [p.source for p in everything]}
    )
    found = frame.sql(f"SELECT * FROM self WHERE {predicate(wanted)}")
    assert {Partition(dt.date.fromisoformat(d), s) for d, s in found.iter_rows()} == wanted


def test_values_are_quoted() -> None:
    where = predicate([Partition(dt.date(2026, 1, 1), "survey")], table="it's")
    assert where.endswith("`table` = 'it''s'")


def test_no_partition_is_no_predicate() -> None:
    with pytest.raises(ValueError, match="whole table"):
        predicate([])
