"""Fixtures that many tests share: an engine, a home of one's own, a landing zone."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from filelock import FileLock

from feedback_assets.contracts.partitions import Partition
from feedback_assets.gold.evaluation.contenders import tier_one_alone
from feedback_assets.gold.evaluation.evaluate import evaluate
from feedback_assets.gold.evaluation.history import keep
from feedback_assets.gold.model_store import (
    load,
    load_suspicion,
    train_and_keep,
    version_in_force,
)
from feedback_assets.gold.suspicion import FILE as SUSPICION
from feedback_assets.pipeline.runtime import Runtime, build_runtime
from resources.compute.connect import SailEngine
from resources.lakehouse.base import Lakehouse
from resources.llm.requests_allowed import forbid_model_requests
from resources.settings import Settings
from tests import azure_emulator, s3_emulator
from tests.stores import Place, s3_client

DAY = dt.date(2026, 6, 1)


@pytest.fixture(autouse=True, scope="session")
def no_real_model() -> Iterator[None]:
    """No test asks a language model that is not on loopback."""
    with forbid_model_requests():
        yield


@pytest.fixture(scope="session")
def engine() -> Iterator[SailEngine]:
    """One embedded engine for the whole session."""
    engine = SailEngine()
    yield engine
    engine.stop()


LONG = ("integration", "databricks", "parity", "fast_lane", "deployment", "orchestration")
"""Folders whose files take longest."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files come first, so that all processes of the suite end at about one time."""
    here = Path(__file__).parent
    items.sort(key=lambda item: item.path.relative_to(here).parts[0] not in LONG)


@pytest.fixture(scope="session")
def models_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A models folder with the classifier of the labelled examples in force, trained once.

    Of the suite's processes the first one trains, and each has a copy.
    """
    own = tmp_path_factory.getbasetemp()
    trained = (own if worker_id == "master" else own.parent) / "trained"
    with FileLock(trained.with_suffix(".lock")):
        train_and_keep(Path(__file__).parents[1] / "golden_set" / "train", trained)
    return Path(shutil.copytree(trained, own / "models"))


@pytest.fixture(scope="session")
def put_on_record(models_folder: Path) -> Callable[[Lakehouse], None]:
    """Writes the golden set's judgement on the models of `models_folder` to a lakehouse."""
    golden_set = Path(__file__).parents[1] / "golden_set"
    model = load(models_folder, version_in_force(models_folder))
    guard = load_suspicion(models_folder, version_in_force(models_folder, SUSPICION))
    contender = tier_one_alone(model, guard)
    judged = evaluate(golden_set, contender)

    def put(lakehouse: Lakehouse) -> None:
        keep(
            lakehouse, judged.outcomes, judged.scores, len(judged.breaches), judged.gates.bounds,
            "golden", dt.datetime.now(dt.UTC),
        )  # fmt: skip

    return put


@pytest.fixture(scope="session")
def small_golden_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tenth of the held-out items, with gates anything passes, for tests that judge nothing."""
    whole = Path(__file__).parents[1] / "golden_set"
    folder = tmp_path_factory.mktemp("golden_set")
    (folder / "train").symlink_to(whole / "train")
    files = sorted(whole.glob("*.jsonl"))
    lines = [line for path in files for line in path.read_bytes().splitlines(keepends=True)]
    (folder / "tenth.jsonl").write_bytes(b"".join(lines[::10]))
    gates = (
        "stages: {topics: {at_least: {precision_standing: 0.0}}}\n"
        "not_worse: {level: 0.99, metrics: {topics: [accuracy]}}\n"
    )
    (folder / "gates.yaml").write_text(gates, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def s3_store() -> Iterator[s3_emulator.S3Emulator]:
    """An S3-compatible store with one bucket."""
    with s3_emulator.emulator() as store:
        s3_client(store.options()).create_dir(s3_emulator.BUCKET)
        yield store


@pytest.fixture(scope="session")
def azure_options() -> Iterator[dict[str, str]]:
    """Storage options of Azurite with one container; skips where it is not installed."""
    command = azure_emulator.azurite()
    if command is None:
        pytest.skip("Azurite is not installed: npm install -g azurite")
    with azure_emulator.emulator(command) as options:
        yield options


@pytest.fixture
def s3_place(s3_store: s3_emulator.S3Emulator, tmp_path: Path) -> Place:
    """A root of one's own in the S3 store."""
    root = f"s3://{s3_emulator.BUCKET}/{tmp_path.parent.name}/{tmp_path.name}"
    return Place(root, s3_store.options())


@pytest.fixture
def azure_place(azure_options: dict[str, str], tmp_path: Path) -> Place:
    """A root of one's own in Azurite."""
    host = f"{azure_emulator.ACCOUNT}.dfs.core.windows.net"
    path = f"{tmp_path.parent.name}/{tmp_path.name}"
    return Place(f"abfss://{azure_emulator.CONTAINER}@{host}/{path}", azure_options)


PLACES = [
    "folder",
    "s3",
    # Needs Azurite, which is not a package of this language.
    pytest.param("azure", marks=pytest.mark.slow),
]


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A root of one's own, of the kind that `PLACES` parametrizes (indirectly)."""
    if request.param in ("s3", "azure"):
        return cast(Place, request.getfixturevalue(f"{request.param}_place"))
    return Place(str(tmp_path / "root"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a home of their own, blind to the environment's."""
    home = tmp_path / "home"
    return Settings(
        home=home, landing=str(tmp_path / "landing"), lakehouse=None, profile="embedded"
    )


@pytest.fixture
def runtime(settings: Settings, engine: SailEngine) -> Runtime:
    """A runtime on `settings` and the shared engine."""
    return build_runtime(settings, "test-run", engine)


Land = Callable[..., Partition]
PutOnRecord = Callable[[Lakehouse], None]


@pytest.fixture
def land(settings: Settings) -> Land:
    """Writes a landing file and returns its partition."""

    def write(
        source: str,
        records: Sequence[Mapping[str, Any] | str],
        day: dt.date = DAY,
        name: str = "feed.jsonl",
    ) -> Partition:
        folder = Path(settings.landing_root) / source / day.isoformat()
        folder.mkdir(parents=True, exist_ok=True)
        lines = [r if isinstance(r, str) else orjson.dumps(r).decode() for r in records]
        (folder / name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        return Partition(day, source)

    return write


def review(review_id: str, content: str, **fields: Any) -> dict[str, Any]:
    """An app-store review in export shape."""
    return {
        "reviewId": review_id,
        "content": content,
        "score": 2,
        "at": "2026-06-01 08:00:00",
        "reviewCreatedVersion": "5.2.0",
        **fields,
    }


def ticket(ticket_id: int, description: str, **fields: Any) -> dict[str, Any]:
    """A Zendesk ticket."""
    return {
        "id": ticket_id,
        "created_at": "2026-06-01T09:00:00Z",
        "subject": "",
        "description": description,
        "requester_id": 1,
        **fields,
    }


def rows(runtime: Runtime, table: str, predicate: str | None = None) -> list[dict[str, Any]]:
    """A table's rows, as dicts."""
    found: list[dict[str, Any]] = (
        runtime.lakehouse.scan(table, predicate=predicate).read_all().to_pylist()
    )
    return found
