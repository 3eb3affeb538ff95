"""Arguments of `feedback golden` and `feedback reviews`.

Belongs here: what is typed. Does not belong here: what it does (golden_command.py).
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from feedback_assets.command_line import console, fail
from resources.settings import Settings

golden = typer.Typer(
    name="golden", no_args_is_help=True, help="The golden set's addition of a month."
)
reviews = typer.Typer(name="reviews", help="What models are flagged for, until someone closes it.")


@golden.command()
def propose(
    month: Annotated[str | None, typer.Option(help="YYYY-MM; default: this month")] = None,
    out: Annotated[Path | None, typer.Option(help="Where the draft goes")] = None,
) -> None:
    """Draft golden items from what people decided lately, for a person to accept."""
    from feedback_assets import golden_command

    try:
        golden_command.propose(Settings(), month, out, console, dt.datetime.now(dt.UTC))
    except (ValueError, FileNotFoundError) as error:
        fail(str(error))


@golden.command()
def accept(
    file: Annotated[Path, typer.Argument(help="The draft, its lines answered")],
) -> None:
    """Take the lines whose accept is true over into the golden set."""
    from feedback_assets import golden_command

    try:
        golden_command.accept(Settings(), file, console)
    except (ValueError, FileNotFoundError) as error:
        fail(str(error))


@reviews.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="The closed ones too")] = False,
) -> None:
    """Show what models are flagged for, and what to do about it."""
    from feedback_assets import golden_command

    if context.invoked_subcommand is None:
        golden_command.show_reviews(Settings(), console, everything)


@reviews.command()
def close(
    review_id: Annotated[str, typer.Argument(help="As `feedback reviews` names it")],
    by: Annotated[str, typer.Option(help="Your name: you answer for it")],
    note: Annotated[str, typer.Option(help="What was done about it")],
) -> None:
    """Close a review: by name, with what was done about it."""
    from feedback_assets import golden_command

    try:
        now = dt.datetime.now(dt.UTC)
        golden_command.close(Settings(), review_id, by, note, console, now)
    except ValueError as error:
        fail(str(error))
