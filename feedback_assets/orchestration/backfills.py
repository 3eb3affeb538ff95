"""How many partitions a backfill puts into one run.

Belongs here: the assets' backfill policy. Does not belong here: ranges that sensors ask for
(ranges.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

Asset = dg.AssetsDefinition | dg.AssetSpec


def in_runs_of(assets: Sequence[Asset], partitions: int) -> list[Asset]:
    """`assets`, of which a backfill runs up to `partitions` together; one is Dagster's default.

    All get the same policy, so that a backfill of the path is runs of the whole path. Dagster
    holds one dimension fast in such a run: days of one source, or sources of one day.
    """
    if partitions == 1:
        return list(assets)
    policy = dg.BackfillPolicy.multi_run(partitions)
    return [
        asset.with_attributes(backfill_policy=policy)
        if isinstance(asset, dg.AssetsDefinition) and asset.partitions_def is not None
        else asset
        for asset in assets
    ]
