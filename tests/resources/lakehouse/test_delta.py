"""Commits that replace what they name, whole or not at all, in a folder and in object stores."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

import pyarrow as pa
import pytest

from resources.lakehouse.base import ConcurrentCommit
from resources.lakehouse.delta import DeltaLakehouse
from tests.azure_emulator import azurite, lists_from_a_name
from tests.conftest import PLACES
from tests.resources.lakehouse.numbers_table import FIRST, SECOND, TABLE, batch
from tests.stores import Place

pytestmark = pytest.mark.parametrize("place", PLACES, indirect=True)


@pytest.fixture
def lakehouse(place: Place) -> DeltaLakehouse:
    return DeltaLakehouse(place.root, place.storage_options)


@pytest.fixture
def finds_new_commits(place: Place) -> None:
    """Skips where the emulator can't list a log from a commit on."""
    if place.root.startswith("abfss://") and not lists_from_a_name(str(azurite())):
        pytest.skip("this Azurite does not know startFrom: it takes a version after 3.35")


def stored(lakehouse: DeltaLakehouse) -> set[tuple[object, ...]]:
    return {tuple(row.values()) for row in lakehouse.scan("numbers").read_all().to_pylist()}


@pytest.mark.usefixtures("finds_new_commits")
def test_replace_leaves_other_rows_alone(lakehouse: DeltaLakehouse) -> None:
    lakehouse.append(TABLE, [batch((FIRST, "a", 1), (SECOND, "b", 2))])
    lakehouse.replace(TABLE, f"day = '{FIRST}'", [batch((FIRST, "c", 3))])
    assert stored(lakehouse) == {(FIRST, "c", 3), (SECOND, "b", 2)}


def test_replace_refuses_rows_outside_and_keeps_the_old(lakehouse: DeltaLakehouse) -> None:
    lakehouse.append(TABLE, [batch((FIRST, "a", 1))])
    with pytest.raises(Exception, match="failed validation check"):
        lakehouse.replace(TABLE, f"day = '{FIRST}'", [batch((SECOND, "c", 3))])
    assert stored(lakehouse) == {(FIRST, "a", 1)}


def test_replace_needs_a_predicate(lakehouse: DeltaLakehouse) -> None:
    with pytest.raises(ValueError, match="would drop every row"):
        lakehouse.replace(TABLE, "", [batch((FIRST, "a", 1))])


def test_a_stream_that_breaks_commits_nothing(lakehouse: DeltaLakehouse) -> None:
    lakehouse.append(TABLE, [batch((FIRST, "a", 1))])

    def breaks() -> Iterator[pa.RecordBatch]:
        yield batch((FIRST, "b", 2))
        raise RuntimeError("the engine went away")

    with pytest.raises(Exception, match="the engine went away"):
        lakehouse.replace(TABLE, f"day = '{FIRST}'", breaks())
    assert stored(lakehouse) == {(FIRST, "a", 1)}


@pytest.mark.usefixtures("finds_new_commits")
def test_merge_updates_by_key_and_inserts(lakehouse: DeltaLakehouse) -> None:
    lakehouse.append(TABLE, [batch((FIRST, "a", 1), (FIRST, "b", 2), (SECOND, "a", 3))])
    changes = pa.Table.from_batches([batch((FIRST, "b", 20), (FIRST, "c", 30))])
    lakehouse.merge(TABLE, ["day", "key"], changes)
    assert stored(lakehouse) == {
        (FIRST, "a", 1), (FIRST, "b", 20), (FIRST, "c", 30), (SECOND, "a", 3)
    }  # fmt: skip


def test_racing_creators_both_go_on(lakehouse: DeltaLakehouse) -> None:
    failures: list[BaseException] = []

    def create() -> None:
        try:
            lakehouse.ensure(TABLE)
        except BaseException as error:
            failures.append(error)

    threads = [Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert lakehouse.exists("numbers")


def test_appends_of_one_transaction_exclude_each_other(lakehouse: DeltaLakehouse) -> None:
    lakehouse.ensure(TABLE)

    def other_writer_first() -> Iterator[pa.RecordBatch]:
        other = Thread(target=lakehouse.append, args=(TABLE, [batch((FIRST, "a", 1))], "t"))
        other.start()
        other.join()
        yield batch((FIRST, "a", 1))

    with pytest.raises(ConcurrentCommit):
        lakehouse.append(TABLE, other_writer_first(), transaction="t")
    assert len(lakehouse.scan("numbers").read_all()) == 1


def test_scan_filters_rows_and_columns(lakehouse: DeltaLakehouse) -> None:
    lakehouse.append(TABLE, [batch((FIRST, "a", 1), (FIRST, "b", 2))])
    found = lakehouse.scan("numbers", ["n"], "key = 'b'").read_all()
    assert found.to_pylist() == [{"n": 2}]


def test_files_tell_rows_and_partitions(lakehouse: DeltaLakehouse) -> None:
    lakehouse.append(TABLE, [batch((FIRST, "a", 1), (SECOND, "b", 2))])
    files = lakehouse.files("numbers")
    assert {(file["day"], file["num_records"]) for file in files} == {(FIRST, 1), (SECOND, 1)}


def test_a_table_that_is_not_there_is_named(lakehouse: DeltaLakehouse) -> None:
    with pytest.raises(FileNotFoundError, match=r"no table 'numbers'.*feedback run"):
        lakehouse.scan("numbers")
