"""Jobs by which an operator speaks to the gate from the UI, on Dagster's record too.

Belongs here: what is asked for in the launchpad. Does not belong here: what may be overridden
(pipeline/gate.py), and the command line's way (gate_command.py).
"""

import datetime as dt

import dagster as dg
from pydantic import Field

from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.quality_rules import BUILT_IN, read_quality_rules
from feedback_assets.pipeline.compute import ComputeParam
from feedback_assets.pipeline.gate import openings, override_verdict
from feedback_assets.pipeline.gate_overrides import OverrideRefused, revoke
from resources.lakehouse.opening import open_lakehouse


class Override(dg.Config):
    """An operator's word against a failed verdict."""

    day: str = Field(description="Day of the partition, YYYY-MM-DD")
    source: str = Field(description="Source of the partition")
    check: str = Field(description="The failed check")
    operator: str = Field(description="Your name: you answer for it")
    reason: str = Field(description="Why these data may pass; it stands on the tickets")
    hours: float = Field(description="How long it holds, from now")
    new_normal: bool = Field(
        default=False, description="Measure the source's drift anew from this day on"
    )


class Revocation(dg.Config):
    """An override taken back."""

    override_id: str = Field(description="As the override's run and the tickets name it")
    operator: str = Field(description="Your name")


@dg.op(description="Lets a partition pass in spite of a failed check, until the override runs out.")
def override_verdict_of_check(
    context: dg.OpExecutionContext, compute: ComputeParam, config: Override
) -> None:
    """Record the override and say how the gate then stands."""
    settings = compute.settings
    rules = read_quality_rules(settings.quality_rules or BUILT_IN)
    lakehouse = open_lakehouse(settings)
    try:
        partition = Partition.parse(f"{config.day}|{config.source}")
        given = override_verdict(
            lakehouse, partition, config.check, operator=config.operator, reason=config.reason,
            hours=config.hours, most_hours=rules.override.most_hours,
            new_normal=config.new_normal,
        )  # fmt: skip
    except ValueError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    reasons = openings(lakehouse, [partition])[partition].reasons
    context.log.info(given.told)
    context.add_output_metadata(
        {
            "override": given.override_id,
            "expires": dg.MetadataValue.timestamp(given.expires_at.astimezone(dt.UTC)),
            "gate": f"closed: {'; '.join(reasons)}" if reasons else "open: materialize tickets",
        }
    )


@dg.op(description="Takes an override back; what it let through stays on record.")
def revoke_override(
    context: dg.OpExecutionContext, compute: ComputeParam, config: Revocation
) -> None:
    """Record that it was taken back."""
    lakehouse = open_lakehouse(compute.settings)
    try:
        taken = revoke(lakehouse, config.override_id, config.operator)
    except OverrideRefused as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    context.log.info(f"taken back: {taken.told}")


@dg.job(
    description="Let a partition pass in spite of a failed check: by name, with a reason, for a "
    "time. Fill in the launchpad.",
    executor_def=dg.in_process_executor,
)
def override_gate() -> None:
    """One op, so that the run's configuration is the record."""
    override_verdict_of_check()


@dg.job(
    description="Take an override of the gate back. Fill in the launchpad.",
    executor_def=dg.in_process_executor,
)
def revoke_gate_override() -> None:
    """One op."""
    revoke_override()


GATE_JOBS = [override_gate, revoke_gate_override]
