"""One of several processes that write to the same table (test_commits_by_processes.py).

Belongs here: the ways of writing, and counting what came of each commit. Does not belong here:
what is expected of them.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Iterator

import pyarrow as pa

from resources.lakehouse.base import ConcurrentCommit
from resources.lakehouse.delta import DeltaLakehouse
from tests.resources.lakehouse.numbers_table import FIRST, TABLE, batch
from tests.stores import Place


def commit(lakehouse: DeltaLakehouse, how: str, writer: int, n: int, first: bool) -> None:
    """One commit. The first draws its rows only when all writers have begun theirs."""
    day = FIRST + dt.timedelta(days=writer if how == "own_partition" else 0)

    def rows() -> Iterator[pa.RecordBatch]:
        if first:
            print("ready", flush=True)
            sys.stdin.readline()
        yield batch((day, str(writer), n))

    if how == "one_transaction":
        lakehouse.append(TABLE, rows(), transaction="numbers")
    else:
        lakehouse.replace(TABLE, f"day = '{day}'", rows())


def main() -> None:
    """Write as told and report ``committed``, ``conflicts`` and ``first_committed``."""
    how, writer, commits = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    place = Place(**json.loads(sys.stdin.readline()))
    lakehouse = DeltaLakehouse(place.root, place.storage_options)
    report = {"committed": 0, "conflicts": 0, "first_committed": 0}
    attempts = 0
    for n in range(commits):
        while True:
            attempts += 1
            try:
                commit(lakehouse, how, writer, n, attempts == 1)
            except ConcurrentCommit:
                report["conflicts"] += 1
                if how == "one_transaction":
                    continue
            else:
                report["committed"] += 1
                report["first_committed"] += attempts == 1
            break
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
