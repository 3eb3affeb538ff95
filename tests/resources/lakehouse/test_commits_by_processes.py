"""Commits of several processes to one table: none lost, none doubled, and losers are told."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from resources.lakehouse.delta import DeltaLakehouse
from tests.resources.lakehouse.numbers_table import FIRST, TABLE
from tests.stores import Place

pytestmark = pytest.mark.parametrize("place", ["s3"], indirect=True)

WRITERS = 3
COMMITS = 3
# The program imports the test's table.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
PROGRAM = Path(__file__).with_name("writing_process.py")


def written_at_once(place: Place, how: str) -> list[dict[str, Any]]:
    """What each of the writers reports; they start their first commit at the same moment."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-P", "-W", "ignore", str(PROGRAM), how, str(n), str(COMMITS)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT,
        )
        for n in range(WRITERS)
    ]  # fmt: skip
    try:
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write(json.dumps(asdict(place)) + "\n")
            writer.stdin.flush()
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
        return [json.loads(writer.communicate("go\n", timeout=60)[0]) for writer in writers]
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
            for stream in (writer.stdin, writer.stdout):
                assert stream is not None
                stream.close()


@pytest.fixture
def lakehouse(place: Place) -> DeltaLakehouse:
    lakehouse = DeltaLakehouse(place.root, place.storage_options)
    lakehouse.ensure(TABLE)
    return lakehouse


def commits(lakehouse: DeltaLakehouse, place: Place) -> int:
    """Writes in the table's log."""
    table = DeltaTable(lakehouse.uri("numbers"), storage_options=place.options)
    return [entry["operation"] for entry in table.history()].count("WRITE")


def test_writers_of_their_own_partitions_all_succeed(
    place: Place, lakehouse: DeltaLakehouse
) -> None:
    reports = written_at_once(place, "own_partition")
    assert [report["conflicts"] for report in reports] == [0] * WRITERS
    rows = lakehouse.scan("numbers").read_all().to_pylist()
    # Each partition holds the rows of its writer's last commit, once.
    assert Counter((row["day"], row["n"]) for row in rows) == {
        (FIRST + dt.timedelta(days=n), COMMITS - 1): 1 for n in range(WRITERS)
    }
    assert commits(lakehouse, place) == WRITERS * COMMITS


def test_writers_of_one_partition_exclude_each_other(
    place: Place, lakehouse: DeltaLakehouse
) -> None:
    reports = written_at_once(place, "same_partition")
    succeeded = sum(report["committed"] for report in reports)
    assert succeeded + sum(report["conflicts"] for report in reports) == WRITERS * COMMITS
    # All began their first commit from the same state: one of them had it.
    assert sum(report["first_committed"] for report in reports) == 1
    rows = lakehouse.scan("numbers").read_all().to_pylist()
    assert len(rows) == 1, "rows of two commits stand side by side"
    assert commits(lakehouse, place) == succeeded


def test_appends_of_one_transaction_are_counted_once(
    place: Place, lakehouse: DeltaLakehouse
) -> None:
    reports = written_at_once(place, "one_transaction")
    assert sum(report["first_committed"] for report in reports) == 1
    rows = lakehouse.scan("numbers").read_all().to_pylist()
    # Losers tried again until they had it, so that all rows are there, each once.
    assert Counter((row["key"], row["n"]) for row in rows) == {
        (str(writer), n): 1 for writer in range(WRITERS) for n in range(COMMITS)
    }
    assert sum(report["conflicts"] for report in reports) >= WRITERS - 1
