"""What `feedback doctor` looks at, and how it is shown.

Belongs here: the checks of this machine, and putting them before the workspace's. Does not belong
here: how a check is examined and what a workspace is asked (resources/doctor).
"""

from __future__ import annotations

import platform
import secrets
import shutil
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.text import Text

from feedback_assets.contracts.partitions import SOURCES
from resources.doctor.base import Check, Line, Skip, Trouble, examine
from resources.settings import Settings

PACKAGES = ("feedback_assets", "resources")
COLOURS = {"ok": "green", "failed": "red", "skipped": "yellow"}
LEAST_FREE = 2**30
"""Bytes that a lakehouse folder should have left."""


def run(settings: Settings, console: Console, databricks: bool, job_minutes: float | None) -> bool:
    """Show a line for each check; whether none failed. `job_minutes` None runs no job."""
    checks = here(settings)
    if databricks:
        checks += workspace(settings, job_minutes)
    return show(examine(checks), console)


def here(settings: Settings) -> list[Check]:
    """Checks of this machine and of the places that it and a cluster share."""
    return [
        Check("Python", _python, "make setup with PYTHON=python3.11"),
        Check("home", lambda: _folder(settings.home), "set FEEDBACK_HOME to a writable folder"),
        Check(
            "landing", lambda: _landing(settings),
            "set FEEDBACK_LANDING, and FEEDBACK_STORAGE_OPTIONS for an object store",
        ),
        Check(
            "lakehouse", lambda: _lakehouse(settings),
            "set FEEDBACK_LAKEHOUSE, and FEEDBACK_STORAGE_OPTIONS for an object store",
        ),
        Check("models", lambda: _models(settings), "materialize triage_classifier"),
        Check("language model", lambda: _language_model(settings), "set FEEDBACK_LLM_..."),
        Check(
            "Dagster instance", lambda: _instance(settings),
            "its database answers, and DAGSTER_PG_... are set, where it is one of your own",
        ),
    ]  # fmt: skip


def workspace(settings: Settings, job_minutes: float | None) -> list[Check]:
    """Checks of the Databricks workspace."""
    from resources.doctor.wheel import Code
    from resources.doctor.workspace import WorkspaceChecks

    code = Code(version("feedback-assets"), Path(__file__).parents[1], PACKAGES)
    seconds = None if job_minutes is None else job_minutes * 60
    return WorkspaceChecks(settings, code, seconds).checks()


def show(lines: Iterable[Line], console: Console) -> bool:
    """A line each, as it becomes known; whether none failed."""
    failed = 0
    for line in lines:
        failed += line.state == "failed"
        text = Text(f"{line.state:8}", style=COLOURS[line.state])
        text.append(f"{line.what}: {line.found}", style="default")
        console.print(text, soft_wrap=True)
        if line.state == "failed":
            console.print(Text(f"{'':8}→ {line.to_do}"), soft_wrap=True)
    console.print(f"{failed} failed" if failed else "nothing failed")
    return failed == 0


def _python() -> str:
    if not (3, 11) <= sys.version_info[:2] <= (3, 12):
        raise Trouble(f"{platform.python_version()}; the project runs on 3.11 and 3.12")
    return platform.python_version()


def _folder(folder: Path) -> str:
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / f".doctor-{secrets.token_hex(6)}"
    probe.write_bytes(b"1")
    probe.unlink()
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        raise Trouble(f"{folder} has {free / 2**20:,.0f} MiB left", "make room")
    return f"{folder}, {free / 2**30:,.0f} GiB free"


def _landing(settings: Settings) -> str:
    from resources.landing.opening import open_landing

    root = settings.landing_root
    # A volume is listed by the workspace where it isn't mounted.
    if not root.startswith("/Volumes/") and "://" not in root and not Path(root).is_dir():
        raise Skip(f"{root} is not there yet: put files at {root}/<source>/<YYYY-MM-DD>/")
    newest = max((file.day for file in open_landing(settings).walk(SOURCES)), default=None)
    return f"{root}, " + (f"latest day {newest}" if newest else "nothing has landed")


def _lakehouse(settings: Settings) -> str:
    from feedback_assets.contracts.tables import TABLES
    from resources.lakehouse.opening import open_lakehouse

    root = settings.lakehouse_root
    if root.startswith("/Volumes/") and not Path(root).exists():
        raise Trouble(
            f"{root} is a volume, which only the workspace sees",
            "name its place in the object store instead, as abfss://, s3:// or gs://",
        )
    lakehouse = open_lakehouse(settings)
    if "://" not in root:
        _folder(Path(root))
    there = sum(lakehouse.exists(name) for name in TABLES)
    return f"{root}, {there} of {len(TABLES)} tables"


def _models(settings: Settings) -> str:
    from feedback_assets.gold.model_store import version_in_force

    if settings.profile == "databricks":
        raise Skip(f"they lie where jobs run, in {settings.databricks.home}")
    try:
        return f"{version_in_force(settings.models_folder)} is in force"
    except FileNotFoundError:
        raise Skip("none trained yet: the first run trains it") from None


def _language_model(settings: Settings) -> str:
    if settings.llm_service == "none":
        raise Skip("none is set: what is in doubt goes to people")
    return f"{settings.llm_model} at {settings.llm_endpoint} ({settings.llm_service}), not asked"


def _instance(settings: Settings) -> str:
    from feedback_assets.orchestration.instance import dagster_home, open_instance

    with open_instance(settings) as instance:
        runs = instance.get_runs_count()
        storage = type(instance.run_storage).__name__
    return f"{dagster_home(settings)}, {storage}, {runs} runs"
