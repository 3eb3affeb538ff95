"""A job that talks Dagster Pipes, for tests of the workspace; its text goes into a wheel.

Belongs here: what such a job does on a cluster. Does not belong here: anything of this project.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import dagster_pipes as dp


def volumes() -> None:
    """Report by a volume."""
    loader = dp.PipesUnityCatalogVolumesContextLoader()
    _report(loader, dp.PipesUnityCatalogVolumesMessageWriter(interval=0.1))


def dbfs() -> None:
    """Report by DBFS."""
    _report(dp.PipesDbfsContextLoader(), dp.PipesDbfsMessageWriter(interval=0.1))


def _report(loader: Any, writer: Any) -> None:
    by_variables = "DAGSTER_PIPES_CONTEXT" in os.environ
    chosen: Any = dp.PipesEnvVarParamsLoader if by_variables else dp.PipesCliArgsParamsLoader
    with dp.open_dagster_pipes(
        context_loader=loader, message_writer=writer, params_loader=chosen()
    ) as pipes:
        print("printed on the cluster")
        pipes.log.info("logged on the cluster")
        if moan := pipes.extras.get("fail"):
            print("about to fail", file=sys.stderr)
            raise ValueError(moan)
        time.sleep(pipes.extras.get("seconds", 0))
        metadata: dict[str, Any] = {
            "rows": 3,
            "by_variables": by_variables,
            "secret": os.environ.get("JOB_SECRET", "none"),
        }
        pipes.report_asset_materialization(metadata, data_version="v1")
