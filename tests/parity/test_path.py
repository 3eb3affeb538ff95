"""The whole path on Sail and on JVM Spark 4 with Delta's own jars: the same rows from the same
files, and each goes on where the other stopped."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from feedback_assets.contracts.tables import TABLES
from tests.parity.conftest import MakeHome, RunAll
from tests.parity.tables import MAY_DIFFER, counted, differences, rows_of
from tests.parity.worker import DAYS, PATH, Work

pytestmark = [pytest.mark.usefixtures("jvm"), pytest.mark.timeout(900)]
NOT_OF_THE_PATH = {
    # Without a language model nobody is asked, and nobody decided or was told anything yet.
    "review_decisions", "model_calls", "model_batches", "gate_overrides", "model_reviews",
    "notifications", "urgent_items", "landing_arrivals",
}  # fmt: skip


ONE_OF_EACH = ("silver_feedback", "gold_topics", "feedback_clusters", "validated_feedback")
"""Steps that between them use what engines differ in: windows, Python over batches, cogroups,
joins, nested columns."""


@pytest.mark.slow  # A minute; `make test-engines` runs it.
def test_a_jvm_makes_the_same_of_what_sail_wrote(
    landing: Path, make_home: MakeHome, run_all: RunAll, tmp_path: Path
) -> None:
    """The part of the suite that is quick enough to run each time."""
    begun = make_home("begun")
    run_all({"sail": [Work(str(begun), str(landing), DAYS, "first")]})
    homes = {engine: Path(shutil.copytree(begun, tmp_path / engine)) for engine in ("sail", "jvm")}
    run_all(
        {
            engine: [Work(str(home), str(landing), DAYS, "again", steps=ONE_OF_EACH)]
            for engine, home in homes.items()
        }
    )
    for table in ONE_OF_EACH:
        again = [row for row in rows_of(homes["jvm"], "stage_metrics") if row["run_id"] == "again"]
        assert table in {row["stage"] for row in again}
    assert differences(homes["sail"], homes["jvm"]) == {}


@pytest.mark.slow  # Every step on a JVM: a minute of two cores.
def test_the_same_files_give_the_same_rows(
    landing: Path, make_home: MakeHome, run_all: RunAll
) -> None:
    homes = {engine: make_home(engine) for engine in ("sail", "jvm")}
    took = run_all(
        {engine: [Work(str(home), str(landing), DAYS, "first")] for engine, home in homes.items()}
    )
    for seconds in took.values():
        assert {step.name for step in PATH} <= seconds.keys()
    # What is compared is there, in good and in bad.
    counts = counted(homes["jvm"])
    assert {table for table, rows in counts.items() if not rows} == NOT_OF_THE_PATH
    assert counts["quarantine"] > 40
    assert counts["tickets"] > 20
    assert differences(homes["sail"], homes["jvm"]) == {}


@pytest.mark.slow  # Starts a JVM twice and runs the path eight times.
def test_each_engine_goes_on_where_the_other_stopped(
    landing: Path, make_home: MakeHome, run_all: RunAll, tmp_path: Path
) -> None:
    """Day by day, with days run again and people's decisions, changing engines in between."""
    begun = {engine: make_home(engine) for engine in ("sail", "jvm")}
    run_all(
        {
            engine: [Work(str(home), str(landing), DAYS[:2], "begun")]
            for engine, home in begun.items()
        }
    )
    assert differences(begun["sail"], begun["jvm"]) == {}
    went_on = {
        engine: {
            before: Path(shutil.copytree(home, tmp_path / f"{before}-then-{engine}"))
            for before, home in begun.items()
        }
        for engine in begun
    }
    run_all(
        {
            engine: [
                piece
                for home in homes.values()
                for piece in (
                    Work(str(home), str(landing), DAYS[2:], "next day", decide=9),
                    Work(str(home), str(landing), DAYS[:1], "again"),
                )
            ]
            for engine, homes in went_on.items()
        }
    )
    of_one = went_on["sail"]["sail"]
    assert counted(of_one)["review_decisions"] == 9
    assert counted(of_one)["tickets"] > counted(begun["sail"])["tickets"]
    for homes in went_on.values():
        for home in homes.values():
            assert differences(of_one, home) == {}, home.name


@pytest.mark.slow  # Runs the path on a Spark Connect server in the JVM, as serverless does.
def test_through_spark_connect_the_rows_are_the_same(
    landing: Path, make_home: MakeHome, run_all: RunAll
) -> None:
    homes = {engine: make_home(engine) for engine in ("sail", "jvm-connect")}
    run_all(
        {engine: [Work(str(home), str(landing), DAYS, "first")] for engine, home in homes.items()}
    )
    assert differences(homes["sail"], homes["jvm-connect"]) == {}


def test_only_times_and_fingerprints_may_differ() -> None:
    named = {
        (table, column.partition(".")[0])
        for table, ignored in MAY_DIFFER.items()
        for column in ignored
    }
    assert named <= {(t.name, column) for t in TABLES.values() for column in t.column_names}


def test_differences_are_told(make_home: MakeHome) -> None:
    one, other = make_home("one"), make_home("other")
    assert rows_of(one, "golden_predictions")
    assert differences(one, other) == {}
    log = other / "lakehouse" / "golden_predictions"
    shutil.rmtree(log)
    assert differences(one, other).keys() == {"golden_predictions"}
