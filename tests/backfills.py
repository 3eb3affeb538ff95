"""Backfills carried out as Dagster's daemon does, in this process.

Belongs here: an instance that carries out at once what it launches, and a backfill on it. Does
not belong here: tests.
"""

from __future__ import annotations

import logging
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import dagster as dg
import yaml
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.utils import make_new_backfill_id
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.backfill import execute_backfill_iteration

from feedback_assets.contracts.partitions import Partition
from feedback_assets.launch import QUIET
from feedback_assets.orchestration.instance import dagster_home
from resources.settings import Settings
from tests.shop import Shop


@contextmanager
def launching_here(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The instance, with what it launches carried out in this process."""
    home = dagster_home(settings)
    configuration = yaml.safe_load((home / "dagster.yaml").read_text(encoding="utf-8"))
    configuration["run_launcher"] = {
        "module": "dagster._core.launcher.sync_in_memory_run_launcher",
        "class": "SyncInMemoryRunLauncher",
    }
    del configuration["run_monitoring"]
    (home / "here.yaml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    with dg.DagsterInstance.from_config(str(home), "here.yaml") as instance:
        yield instance


def run_backfill(
    shop: Shop, partitions: Sequence[Partition], only: Sequence[str]
) -> dict[str, dg.DagsterRunStatus]:
    """A backfill as the UI asks for it, carried out as its daemon does; runs by partition or range.

    The shop's instance is one of `launching_here`.
    """
    _LOADED["defs"] = shop.defs
    here = LoadableTargetOrigin(
        executable_path=sys.executable, module_name=__name__, attribute="defs_of_the_shop"
    )
    target = InProcessWorkspaceLoadTarget([InProcessCodeLocationOrigin(here)])
    with warnings.catch_warnings(), ExitStack() as stack:
        # Dagster's own code calls what it has deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        workspace = stack.enter_context(WorkspaceProcessContext(shop.instance, target))
        asked = PartitionBackfill.from_asset_partitions(
            backfill_id=make_new_backfill_id(),
            asset_graph=workspace.create_request_context().asset_graph,
            partition_names=[partition.key for partition in partitions],
            asset_selection=[dg.AssetKey(name) for name in only],
            backfill_timestamp=time.time(),
            tags={},
            dynamic_partitions_store=shop.instance,
            all_partitions=False,
            title=None,
            description=None,
            run_config=QUIET,
        )
        shop.instance.add_backfill(asked)
        for _ in range(10):
            errors = execute_backfill_iteration(workspace, logging.getLogger(__name__))
            assert not [error for error in errors if error]
            found = shop.instance.get_backfill(asked.backfill_id)
            if found is not None and found.status is not BulkActionStatus.REQUESTED:
                break
            # As the daemon of the run queue does.
            for run in shop.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])):
                shop.instance.launch_run(run.run_id, workspace.create_request_context())
    runs = shop.instance.get_runs(dg.RunsFilter.for_backfill(asked.backfill_id))
    return {_partitions_of(run): run.status for run in runs}


def _partitions_of(run: dg.DagsterRun) -> str:
    start, end = (
        run.tags.get(f"dagster/asset_partition_range_{at}", "") for at in ("start", "end")
    )
    return run.tags.get("dagster/partition") or f"{start} to {end}"


_LOADED: dict[str, dg.Definitions] = {}


def defs_of_the_shop() -> dg.Definitions:
    """What Dagster loads where it loads code by name."""
    return _LOADED["defs"]
