"""The Dagster instance that the command line and `dagster dev` share.

Belongs here: where it lives and that it has the project's configuration. Does not belong here:
what runs on it.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import dagster as dg

from resources.settings import Settings

PROJECT = Path(__file__).parents[2]


def dagster_home(settings: Settings) -> Path:
    """The instance's folder, with the project's ``dagster.yaml`` in it."""
    home = settings.home.absolute() / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    source, target = PROJECT / "dagster.yaml", home / "dagster.yaml"
    if not target.exists() or target.read_bytes() != source.read_bytes():
        drafted = home / f".dagster.yaml.{os.getpid()}"
        shutil.copyfile(source, drafted)
        drafted.replace(target)
    return home


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The instance of ``<home>/dagster``."""
    return dg.DagsterInstance.from_config(str(dagster_home(settings)))
