"""Declarative automation: `tickets` follows what it is made from, where the gate lets it.

Belongs here: conditions, and the sensor that evaluates them. Does not belong here: the gate
(pipeline/gate.py) and the asset.

Dagster's own `all_deps_blocking_checks_passed` will not do: it takes a check that only warned, or
that an operator overrode, for a failed one, and it looks one asset up only. So the condition asks
the gate itself, about the few partitions that are otherwise due.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

import dagster as dg

from feedback_assets.contracts.partitions import Partition
from feedback_assets.pipeline.compute import Compute
from feedback_assets.pipeline.gate import openings
from resources.lakehouse.opening import open_lakehouse

Asset = dg.AssetsDefinition | dg.AssetSpec


class GateIsOpen(dg.AutomationCondition[dg.AssetKey]):
    """True for partitions that the gate admits to tickets."""

    def __init__(self, compute: Compute) -> None:
        """`compute` knows where the tables are; its settings are read at the first evaluation."""
        self._compute = compute

    @property
    def description(self) -> str:
        """Shown in the UI."""
        return "Every required check passed on the data as they are, or an operator overrode it"

    def evaluate(
        self, context: dg.AutomationContext[dg.AssetKey]
    ) -> dg.AutomationResult[dg.AssetKey]:
        """Hold the candidates' verdicts against their data."""
        candidates = context.candidate_subset
        keys = candidates.expensively_compute_partition_keys()
        if not keys:
            return dg.AutomationResult(context, candidates)
        partitions = {key: Partition.parse(key) for key in keys}
        lakehouse = open_lakehouse(self._compute.settings)
        found = openings(lakehouse, sorted(partitions.values()))
        admitted = {key for key, partition in partitions.items() if not found[partition].reasons}
        return dg.AutomationResult(
            context, candidates.compute_intersection_with_partition_keys(admitted)
        )


def tickets_are_due(compute: Compute) -> dg.AutomationCondition[dg.AssetKey]:
    """A partition whose upstreams were made again, or whose checks pass at last, once it may pass.

    Of any day, so that one repaired late is opened too; what was made before the sensor was
    first turned on is left to whoever runs it. A partition stays due until it is requested or
    made, so it follows as soon as a check is run again or an override is given.
    """
    condition = dg.AutomationCondition
    made_again = condition.any_deps_match(condition.newly_updated())
    passed_at_last = condition.any_deps_match(
        condition.any_checks_match(condition.check_passed().newly_true(), blocking_only=True)
    )
    return (
        (made_again | passed_at_last).since_last_handled()
        & ~condition.any_deps_in_progress()
        & ~condition.in_progress()
        & GateIsOpen(compute)
    ).with_label("tickets are due")


def automated(assets: Iterable[Asset], compute: Compute) -> Sequence[Asset]:
    """`assets` with their conditions."""
    conditions = {"tickets": tickets_are_due(compute)}

    def with_condition(spec: dg.AssetSpec) -> dg.AssetSpec:
        condition = conditions.get(spec.key.to_user_string())
        return spec.replace_attributes(automation_condition=condition) if condition else spec

    return dg.map_asset_specs(with_condition, assets)


with warnings.catch_warnings():
    # Conditions of one's own are evaluated where the code is, which Dagster calls beta.
    warnings.simplefilter("ignore", dg.BetaWarning)
    tickets_follow = dg.AutomationConditionSensorDefinition(
        "tickets_follow",
        target=dg.AssetSelection.assets("tickets"),
        default_status=dg.DefaultSensorStatus.STOPPED,
        minimum_interval_seconds=30,
        description="Opens tickets of partitions whose upstreams were made again and may pass.",
        use_user_code_server=True,
        # A run a partition: one that fails keeps no other from its tickets.
        emit_backfills=False,
    )
