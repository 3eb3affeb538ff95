"""Arguments of `feedback doctor`.

Belongs here: what is typed. Does not belong here: what it looks at (doctor_command.py).
"""

from __future__ import annotations

from typing import Annotated

import typer

from feedback_assets.command_line import console, fail
from resources.settings import Settings


def doctor(
    databricks: Annotated[
        bool, typer.Option("--databricks", help="The Databricks workspace too")
    ] = False,
    job: Annotated[
        bool, typer.Option(help="With --databricks: run a job of one row, which costs a little")
    ] = True,
    job_minutes: Annotated[
        float, typer.Option(help="How long that job may take, its cluster's start included")
    ] = 20,
) -> None:
    """Check the set-up: what is there, what is missing, what to do. Ends with 1 if one failed."""
    from feedback_assets.doctor_command import run

    try:
        settings = Settings()
    except ValueError as error:
        fail(f"settings: {error}")
    if not run(settings, console, databricks, job_minutes if job else None):
        raise typer.Exit(1)
