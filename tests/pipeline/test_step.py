"""Steps on real tables: replacement, quarantine, crashes and crowds."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pyarrow as pa
import pytest

from feedback_assets.bronze.landing_step import BRONZE
from feedback_assets.contracts.partitions import SOURCES, Partition
from feedback_assets.contracts.tables import TABLES
from feedback_assets.pipeline.arrow_map import frame_of
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.pipeline.step import Step, StepContext, run_step
from feedback_assets.silver.silver_step import SILVER
from resources.lakehouse.base import ConcurrentCommit
from tests.conftest import DAY, Land, review, rows

NEXT_DAY = DAY + dt.timedelta(days=1)


def insight(partition: Partition, items: int, **fields: object) -> dict[str, object]:
    return {
        "day": partition.day,
        "source": partition.source,
        "primary_category": "payment",
        "sentiment": "negative",
        "severity": "high",
        "lane": "fast",
        "items": items,
        "auto_approved": 0,
        "pending": 0,
        "mean_rating": None,
        **fields,
    }


def insights_step(*made: dict[str, object]) -> Step:
    """A step that makes given rows, whatever it reads."""
    schema = pa.schema([pa.field(f.name, f.type) for f in TABLES["insights_daily"].schema])

    def transform(context: StepContext) -> object:
        session = context.runtime.engine.session()
        return frame_of(session, pa.Table.from_pylist(list(made), schema=schema))

    return Step("insights_daily", (), transform, row_for_row=False)  # type: ignore[arg-type]


def test_running_again_replaces_the_partition_and_nothing_else(runtime: Runtime) -> None:
    first, second = Partition(DAY, "survey"), Partition(NEXT_DAY, "survey")
    run_step(insights_step(insight(first, 1), insight(second, 2)), [first, second], runtime)
    run_step(insights_step(insight(first, 9)), [first], runtime)
    found = {(row["day"], row["items"]) for row in rows(runtime, "insights_daily")}
    assert found == {(DAY, 9), (NEXT_DAY, 2)}


def test_an_empty_result_empties_the_partition(runtime: Runtime) -> None:
    partition = Partition(DAY, "survey")
    run_step(insights_step(insight(partition, 1)), [partition], runtime)
    run_step(insights_step(), [partition], runtime)
    assert rows(runtime, "insights_daily") == []


def test_rows_of_another_partition_are_refused(runtime: Runtime) -> None:
    with pytest.raises(Exception, match="failed validation check"):
        run_step(
            insights_step(insight(Partition(NEXT_DAY, "survey"), 1)),
            [Partition(DAY, "survey")],
            runtime,
        )
    assert rows(runtime, "insights_daily") == []


def test_rows_that_break_the_contract_go_to_quarantine(runtime: Runtime) -> None:
    partition = Partition(DAY, "survey")
    bad = insight(partition, 0, lane="somewhere")
    report = run_step(insights_step(insight(partition, 3), bad), [partition], runtime)
    assert report.counts[partition]["rows_out"] == 1
    assert report.counts[partition]["rows_quarantined"] == 1
    (held,) = rows(runtime, "quarantine")
    assert held["table"] == "insights_daily"
    assert "lane: isin" in held["reason"]
    assert "somewhere" in held["reason"]
    assert "items: greater_than_or_equal_to(1): 0" in held["reason"]
    assert '"lane":"somewhere"' in held["raw"]


def test_quarantine_is_taken_back_when_the_rows_are_good_again(runtime: Runtime) -> None:
    partition = Partition(DAY, "survey")
    run_step(insights_step(insight(partition, 0)), [partition], runtime)
    run_step(insights_step(insight(partition, 1)), [partition], runtime)
    assert rows(runtime, "quarantine") == []


def test_a_missing_column_is_named(runtime: Runtime) -> None:
    partition = Partition(DAY, "survey")

    def transform(context: StepContext) -> object:
        session = context.runtime.engine.session()
        return frame_of(session, pa.table({"day": [DAY], "source": ["survey"]}))

    step = Step("insights_daily", (), transform)  # type: ignore[arg-type]
    with pytest.raises(Exception, match=r"insights_daily: the step made no column 'primary_cat"):
        run_step(step, [partition], runtime)


def test_a_concurrent_commit_makes_the_step_run_again(runtime: Runtime) -> None:
    partition = Partition(DAY, "survey")
    tries: list[int] = []
    whole = insights_step(insight(partition, 5))

    def transform(context: StepContext) -> object:
        tries.append(1)
        if len(tries) == 1:
            raise ConcurrentCommit("another writer was first")
        return whole.transform(context)

    run_step(Step("insights_daily", (), transform), [partition], runtime)  # type: ignore[arg-type]
    assert len(tries) == 2
    assert rows(runtime, "insights_daily")[0]["items"] == 5


def test_two_appends_from_the_same_state_cannot_both_commit(runtime: Runtime, land: Land) -> None:
    partition = land("app_store", [review("r1", "Checkout never ends")])
    run_step(BRONZE, [partition], runtime)
    batches = list(runtime.lakehouse.scan("bronze_feedback"))

    table = TABLES["bronze_feedback"]

    def other_writer_first() -> Iterator[pa.RecordBatch]:
        other = Thread(target=runtime.lakehouse.append, args=(table, batches, "t"))
        other.start()
        other.join()
        yield from batches

    with pytest.raises(ConcurrentCommit):
        runtime.lakehouse.append(table, other_writer_first(), transaction="t")
    assert len(rows(runtime, "bronze_feedback")) == 2


WORKER = """
import datetime as dt, os, signal, sys
from pathlib import Path
from feedback_assets.bronze.landing_step import BRONZE
from feedback_assets.contracts.partitions import Partition
from feedback_assets.pipeline.runtime import build_runtime
from feedback_assets.pipeline.step import run_step
from feedback_assets.silver.silver_step import SILVER
from resources.settings import Settings

home, landing, key, kill = sys.argv[1:]
runtime = build_runtime(Settings(home=Path(home), landing=landing), "worker-" + key)
if kill == "kill":
    stream = runtime.engine.stream
    def dies(frame):
        for batch in stream(frame):
            yield batch
            os.kill(os.getpid(), signal.SIGKILL)
    runtime.engine.stream = dies
for step in (BRONZE, SILVER):
    run_step(step, [Partition.parse(key)], runtime)
"""


def worker(runtime: Runtime, partition: Partition, kill: str = "") -> subprocess.Popen[bytes]:
    home = Path(runtime.models_folder).parent
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(home), runtime.landing_root, partition.key, kill],
        stderr=subprocess.PIPE,
    )


def test_four_processes_write_four_partitions_of_one_table(runtime: Runtime, land: Land) -> None:
    shapes = {
        "app_store": [review(f"r{n}", f"Checkout spins, attempt {n}") for n in range(25)],
        "zendesk": [
            {"id": n, "description": f"No parcel {n}", "created_at": "2026-06-01T01:00:00Z"}
            for n in range(25)
        ],
        "social": [{"post_id": f"p{n}", "text": f"slow again {n}"} for n in range(25)],
        "survey": [{"response_id": f"s{n}", "answer": f"too dear {n}"} for n in range(25)],
    }
    partitions = [land(source, records) for source, records in shapes.items()]
    workers = [worker(runtime, partition) for partition in partitions]
    ended = [(process.communicate()[1].decode()[-2000:], process.returncode) for process in workers]
    assert [code for _, code in ended] == [0, 0, 0, 0], ended
    for table in ("bronze_feedback", "silver_feedback"):
        found = rows(runtime, table)
        assert len(found) == 100
        assert {row["source"] for row in found} == set(shapes)
    assert len({row["run_id"] for row in rows(runtime, "stage_metrics")}) == 4


def test_a_process_killed_in_a_step_leaves_tables_readable(runtime: Runtime, land: Land) -> None:
    partition = land("app_store", [review(f"r{n}", f"It crashed {n} times") for n in range(50)])
    process = worker(runtime, partition, "kill")
    process.communicate()
    assert process.returncode == -9
    assert rows(runtime, "bronze_feedback") == []
    for step in (BRONZE, SILVER):
        run_step(step, [partition], runtime)
    assert len(rows(runtime, "bronze_feedback")) == 50
    assert len(rows(runtime, "silver_feedback")) == 50


def test_partitions_without_files_are_empty_not_errors(runtime: Runtime) -> None:
    everything = [Partition(DAY, source) for source in SOURCES]
    for step in (BRONZE, SILVER):
        report = run_step(step, everything, runtime)
        assert all(counts["rows_out"] == 0 for counts in report.counts.values())
