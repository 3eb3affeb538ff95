"""Imports go one way, and Dagster and vendors stay where they belong."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("bronze", "silver", "gold", "triage", "review", "tickets", "quality", "audit", "insights")
LAYERS = {
    "contracts": ("feedback_assets.contracts",),
    "catalog": ("feedback_assets.contracts", "feedback_assets.catalog"),
    "pipeline": ("feedback_assets.contracts", "feedback_assets.pipeline", "resources"),
    "orchestration": (
        "feedback_assets.contracts",
        "feedback_assets.pipeline",
        "feedback_assets.orchestration",
        "resources",
    ),
    **{
        room: (
            "feedback_assets.contracts",
            "feedback_assets.pipeline",
            f"feedback_assets.{room}",
            # A file format is no vendor; and of a resource a room knows only what it promises.
            "resources.landing",
            "resources.connectors.base",
            "resources.lakehouse.base",
            "resources.tracker.base",
            "resources.llm.base",
        )
        for room in ROOMS
    },
}
MAY_IMPORT_DAGSTER = (
    "feedback_assets/definitions.py",
    "feedback_assets/launch.py",
    "feedback_assets/pipeline/assets.py",
    "feedback_assets/pipeline/compute.py",
    "feedback_assets/pipeline/remote.py",
    "feedback_assets/pipeline/held_pools.py",
)
VENDORS = ("deltalake", "pysail", "openai", "jira", "databricks", "dagster_databricks")


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


def within(name: str, allowed: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in allowed)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_only_what_lies_below(layer: str) -> None:
    for path in modules(f"feedback_assets/{layer}"):
        ours = [n for n in imported(path) if n.split(".")[0] in ("feedback_assets", "resources")]
        strangers = [name for name in ours if not within(name, LAYERS[layer])]
        assert not strangers, f"{path.relative_to(ROOT)} imports {strangers}"


def test_resources_know_nothing_about_feedback() -> None:
    for path in modules("resources"):
        strangers = [name for name in imported(path) if name.startswith("feedback_assets")]
        assert not strangers, f"{path.relative_to(ROOT)} imports {strangers}"


def test_vendors_stay_in_resources() -> None:
    for path in modules("feedback_assets"):
        strangers = [name for name in imported(path) if name.split(".")[0] in VENDORS]
        assert not strangers, f"{path.relative_to(ROOT)} imports {strangers}"


def test_dagster_stays_where_assets_are_wired() -> None:
    for path in modules("feedback_assets"):
        name = path.relative_to(ROOT).as_posix()
        wired = (
            name in MAY_IMPORT_DAGSTER
            or path.name in ("assets.py", "checks.py")
            or "/orchestration/" in name
        )
        if not wired:
            assert "dagster" not in {n.split(".")[0] for n in imported(path)}, name


def test_the_environment_is_read_in_one_place() -> None:
    for path in [*modules("resources"), *modules("feedback_assets")]:
        text = path.read_text(encoding="utf-8")
        if path.name in ("settings.py",):
            continue
        assert "getenv" not in text, path
        # Handing the whole environment on to a child process reads no setting.
        assert "environ[" not in text.replace("os.environ,", ""), path
        assert "environ.get" not in text, path


def test_every_module_says_what_belongs_in_it() -> None:
    for path in [*modules("resources"), *modules("feedback_assets")]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if tree.body:
            assert ast.get_docstring(tree), path


def test_names_say_something() -> None:
    empty = ("utils", "util", "helpers", "helper", "common", "misc", "manager")
    for path in [*modules("resources"), *modules("feedback_assets"), *modules("tests")]:
        assert path.stem not in empty, path


def test_asset_bodies_are_short() -> None:
    for path in modules("feedback_assets"):
        if path.name != "assets.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and path.parent.name != "pipeline":
                assert node.end_lineno is not None
                assert node.end_lineno - node.lineno < 25, f"{path}: {node.name}"


def test_tables_and_landing_files_are_opened_with_the_settings_credentials() -> None:
    for path in modules("feedback_assets"):
        text = path.read_text(encoding="utf-8")
        assert "DeltaLakehouse" not in text, f"{path}: use open_lakehouse"
        if path.name != "runtime.py":
            assert "LandingZone(" not in text, f"{path}: use open_landing or runtime.landing"
