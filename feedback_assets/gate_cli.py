"""Arguments of `feedback gate`.

Belongs here: what is typed. Does not belong here: what it does (gate_command.py).
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from feedback_assets.command_line import console, day_of, fail, source_of
from feedback_assets.contracts.partitions import Partition
from resources.settings import Settings

gate = typer.Typer(
    name="gate", no_args_is_help=True, help="What keeps partitions from tickets, and who may pass."
)

ByOption = Annotated[str, typer.Option(help="Your name: you answer for it")]


@gate.command()
def show(
    day: Annotated[str | None, typer.Option(help="Only this day, YYYY-MM-DD")] = None,
    source: Annotated[str | None, typer.Option(help="Only this source")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines")] = False,
) -> None:
    """Show which gates are closed and why, and the overrides that hold and held."""
    from feedback_assets import gate_command
    from resources.lakehouse.opening import open_lakehouse

    lakehouse = open_lakehouse(Settings())
    found = gate_command.read(lakehouse, day_of(day), source_of(source))
    if as_json:
        sys.stdout.write(gate_command.as_json(found) + "\n")
    else:
        gate_command.show(found, console, everything=day is not None or source is not None)


@gate.command()
def override(
    day: Annotated[str, typer.Argument(help="Day of the partition, YYYY-MM-DD")],
    source: Annotated[str, typer.Argument(help="Source of the partition")],
    check: Annotated[
        str, typer.Argument(help="The failed check, as `feedback gate show` names it")
    ],
    by: ByOption,
    reason: Annotated[str, typer.Option(help="Why these data may pass; it stands on the tickets")],
    hours: Annotated[float, typer.Option(help="How long it holds, from now")],
    new_normal: Annotated[
        bool, typer.Option("--new-normal", help="Measure the source's drift anew from this day on")
    ] = False,
) -> None:
    """Let a partition pass in spite of a failed check: by name, with a reason, for a time."""
    from feedback_assets import gate_command
    from feedback_assets.pipeline.gate_overrides import OverrideRefused

    the_day, the_source = day_of(day, "the day"), source_of(source, "the source")
    assert the_day is not None
    assert the_source is not None
    settings = Settings()
    try:
        told = gate_command.override(
            settings, Partition(the_day, the_source), check, operator=by, reason=reason,
            hours=hours, new_normal=new_normal,
        )  # fmt: skip
        gate_command.tell(settings, told, console)
    except (OverrideRefused, ValueError) as error:
        fail(str(error))


@gate.command()
def revoke(
    override_id: Annotated[str, typer.Argument(help="As `feedback gate show` names it")],
    by: ByOption,
) -> None:
    """Take an override back; what it let through stays on record."""
    from feedback_assets import gate_command
    from feedback_assets.pipeline.gate_overrides import OverrideRefused

    settings = Settings()
    try:
        gate_command.tell(settings, gate_command.revoke(settings, override_id, by), console)
    except OverrideRefused as error:
        fail(str(error))
