"""The engine of a cluster's process, and tables written by Spark's Delta and delta-rs in turn."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import orjson
import pytest

from tests.parity.conftest import ROOT, of_its_own
from tests.parity.in_a_jvm import FILLER, ROWS

NOT_ON_A_CLUSTER = ("dagster", "dagster_pyspark", "dagster_databricks", "pysail")


@pytest.fixture(scope="module", params=["jvm", "jvm-connect"])
def answers(
    request: pytest.FixtureRequest, jvm: None, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    folder = tmp_path_factory.mktemp("in_a_jvm")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tests.parity.in_a_jvm", request.param, str(folder)],
        capture_output=True, text=True, cwd=ROOT, timeout=300, check=False, env=of_its_own(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-6000:]
    return {"engine": request.param, **orjson.loads(done.stdout.splitlines()[-1])}


@pytest.mark.slow  # Starts a JVM in each of Spark's two modes.
@pytest.mark.timeout(300)
class TestInAJvm:
    def test_the_session_thinks_in_utc(self, answers: Any) -> None:
        assert answers["zone"] == {"given": "America/New_York", "set": "UTC"}

    def test_the_driver_never_holds_the_whole_result(self, answers: Any) -> None:
        """A classic driver refuses the result in one piece, and streams it in its pieces."""
        stream = answers["stream"]
        assert (stream["rows"], stream["sum"]) == (ROWS, ROWS * (ROWS - 1) // 2)
        assert stream["batches"] > 8
        # A Connect client buffers what the server sends ahead; only the rows are held to it.
        if answers["engine"] == "jvm":
            assert stream["mib"] < ROWS * FILLER / 2**20 * 0.75
            assert "maxResultSize" in stream["at once"]

    def test_an_error_in_python_comes_back_with_its_words(self, answers: Any) -> None:
        assert "line 7 is upside down" in answers["error"]

    def test_no_rows_are_no_error(self, answers: Any) -> None:
        assert sum(answers["empty"]) == 0

    def test_stopping_leaves_the_session_to_its_owner(self, answers: Any) -> None:
        assert answers["stopped"] == 5

    def test_both_writers_take_turns_at_a_table(self, answers: Any) -> None:
        tables = answers["tables"]
        last = None
        for turn, by_spark, by_rust in tables["seen"]:
            assert by_spark == by_rust, turn
            last = by_rust
        assert last == [
            ["2026-06-02", "zendesk", 5],
            ["2026-06-03", "survey", 7],
            ["2026-06-03", "ü 100%/=", 2],
        ]
        assert "deletionVectors" not in tables["features"]


def test_what_a_cluster_lacks_is_not_needed() -> None:
    """The engine and the runtime load where Dagster, its libraries and Sail are not installed."""
    program = f"""
import sys
for name in {NOT_ON_A_CLUSTER!r}:
    sys.modules[name] = None
import resources.compute.active
import feedback_assets.pipeline.runtime
import feedback_assets.pipeline.step
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
        env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
