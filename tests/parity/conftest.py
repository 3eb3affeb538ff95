"""Homes made by each engine from the same landing files, and what it takes to make them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import orjson
import pytest

from resources.lakehouse.delta import DeltaLakehouse
from tests.conftest import PutOnRecord
from tests.parity.engines import missing
from tests.parity.nasty_feed import write_nasty_feed
from tests.parity.worker import Work

ROOT = Path(__file__).parents[2]
SECRET = "the engines must make the same tokens"

MakeHome = Callable[[str], Path]
RunAll = Callable[..., dict[str, dict[str, float]]]


@pytest.fixture(scope="session")
def jvm() -> None:
    """Skips where no JVM Spark with Delta can be started, and says why."""
    lacking = missing()
    if lacking is not None:
        pytest.skip(lacking)


@pytest.fixture(scope="session")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample feed, and among it rows that engines may read differently."""
    root = tmp_path_factory.mktemp("parity") / "landing"
    shutil.copytree(ROOT / "sample_feed" / "landing", root)
    write_nasty_feed(root)
    return root


@pytest.fixture(scope="session")
def make_home(
    tmp_path_factory: pytest.TempPathFactory, models_folder: Path, put_on_record: PutOnRecord
) -> MakeHome:
    """A new home with the models in force and the golden set's judgement on record."""
    first = tmp_path_factory.mktemp("parity") / "first"
    shutil.copytree(models_folder, first / "models")
    put_on_record(DeltaLakehouse(str(first / "lakehouse")))

    def make(name: str) -> Path:
        return Path(shutil.copytree(first, tmp_path_factory.mktemp("parity") / name))

    return make


@pytest.fixture(scope="session")
def run_all(landing: Path) -> RunAll:
    """Runs work on engines, a process each, side by side; seconds by engine and step."""

    def run(work: Mapping[str, Sequence[Work]]) -> dict[str, dict[str, float]]:
        processes = {engine: _begin(engine, pieces) for engine, pieces in work.items()}
        return {engine: _end(engine, process) for engine, process in processes.items()}

    return run


def of_its_own() -> dict[str, str]:
    """The environment of a process with a Spark of its own.

    A Spark session of this process leaves variables that would choose the other's.
    """
    inherited = {name: value for name, value in os.environ.items() if "SPARK" not in name}
    return {**inherited, "PYTHONPATH": str(ROOT)}


def _begin(engine: str, pieces: Sequence[Work]) -> subprocess.Popen[str]:
    asked = {"engine": engine, "work": [asdict(piece) for piece in pieces]}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "tests.parity.worker", orjson.dumps(asked).decode()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**of_its_own(), "FEEDBACK_SECRET_KEY": SECRET},
    )


def _end(engine: str, process: subprocess.Popen[str]) -> dict[str, float]:
    try:
        out, errors = process.communicate(timeout=600)
    finally:
        process.kill()
    assert process.returncode == 0, f"{engine} failed:\n{errors[-6000:]}"
    took: dict[str, float] = orjson.loads(out.splitlines()[-1])
    return took
