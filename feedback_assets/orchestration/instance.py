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
    """The instance's folder, with the project's ``dagster.yaml`` in it.

    A folder that settings name is left as it is; raises `FileNotFoundError` where it has no
    ``dagster.yaml``, because Dagster would then quietly keep its records in SQLite.
    """
    if settings.dagster_home is not None:
        if not (settings.dagster_home / "dagster.yaml").is_file():
            raise FileNotFoundError(
                f"FEEDBACK_DAGSTER_HOME={settings.dagster_home} holds no dagster.yaml: copy "
                "deploy/dagster.yaml there, or unset it"
            )
        return settings.dagster_home.absolute()
    home = settings.home.absolute() / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    source, target = PROJECT / "dagster.yaml", home / "dagster.yaml"
    if not target.exists() or target.read_bytes() != source.read_bytes():
        drafted = home / f".dagster.yaml.{os.getpid()}"
        shutil.copyfile(source, drafted)
        drafted.replace(target)
    return home


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The instance of ``<home>/dagster``, or of the folder that settings name."""
    return dg.DagsterInstance.from_config(str(dagster_home(settings)))
