"""The wheel's entry point on a cluster: carries out an order that arrives through Dagster Pipes.

Belongs here: the command line, and the two ends of the protocol. Does not belong here: carrying
out (pipeline/carrying_out.py), and Dagster itself, which the cluster has not.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from importlib.metadata import version
from typing import Any

from dagster_pipes import (
    PipesBlobStoreMessageWriter,
    PipesCliArgsParamsLoader,
    PipesContext,
    PipesContextLoader,
    PipesDbfsContextLoader,
    PipesDbfsMessageWriter,
    PipesEnvVarParamsLoader,
    PipesParamsLoader,
    PipesUnityCatalogVolumesContextLoader,
    PipesUnityCatalogVolumesMessageWriter,
    open_dagster_pipes,
)

from feedback_assets.pipeline.carrying_out import carry_out
from feedback_assets.pipeline.runtime import build_runtime
from feedback_assets.pipeline.wire import Order
from resources.compute.active import ActiveEngine
from resources.secrets.databricks_scope import secrets_of
from resources.settings import Settings

SHOWN_PACKAGES = ("feedback-assets", "pyspark", "pyarrow", "deltalake", "polars", "scikit-learn")


def main(arguments: list[str] | None = None) -> None:
    """Carry out the order that Pipes brings; with ``--probe`` only show that Spark answers.

    Raises `SystemExit` where nothing ordered anything: a run that did nothing must not succeed.
    """
    parser = argparse.ArgumentParser(prog="feedback-job", description=__doc__)
    parser.add_argument("--channel", choices=("volumes", "dbfs"), default="volumes")
    parser.add_argument("--messages-seconds", type=float, default=10.0)
    parser.add_argument("--probe", action="store_true", help="one row, and what is installed")
    asked, _ = parser.parse_known_args(arguments)
    if asked.probe:
        print(json.dumps(probe()))
        return
    params = _params()
    if not params.is_dagster_pipes_process():
        sys.exit("feedback-job: no order: Dagster starts this, or `feedback-job --probe` does")
    loader, writer = _channel(asked.channel, asked.messages_seconds)
    with open_dagster_pipes(
        params_loader=params, context_loader=loader, message_writer=writer
    ) as pipes:
        _obey(pipes)


def _obey(pipes: PipesContext) -> None:
    from feedback_assets.works import WORKS

    order = Order.model_validate(dict(pipes.extras))
    given: dict[str, Any] = {**order.settings, **secrets_of(order.secret_scope)}
    settings = Settings(**given)
    logging.getLogger().addHandler(Forwarded(pipes.log))
    runtime = build_runtime(settings, order.run_id, ActiveEngine())
    names = ", ".join(work.name for work in order.works)
    pipes.log.info(f"Spark {runtime.engine.session().version}: {names}")
    try:
        for answer in carry_out(WORKS, order, runtime, pipes.log):
            pipes.report_custom_message(answer.model_dump(mode="json"))
    finally:
        if runtime.model_plan is not None:
            runtime.model_plan.close()


class Forwarded(logging.Handler):
    """Warnings and errors of libraries, to the log of the Dagster run."""

    def __init__(self, log: logging.Logger) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Say it there, with the logger's name."""
        if record.name != self._log.name:
            self._log.log(record.levelno, f"{record.name}: {record.getMessage()}")


def probe() -> dict[str, Any]:
    """One row from Spark, and the versions of what runs here."""
    session = ActiveEngine().session()
    return {
        "spark": session.version,
        "rows": session.range(1).count(),
        "python": ".".join(map(str, sys.version_info[:3])),
        "packages": {name: version(name) for name in SHOWN_PACKAGES},
    }


def _params() -> PipesParamsLoader:
    """A new cluster is given the parameters in its environment, any other on the command line."""
    given = PipesCliArgsParamsLoader()  # type: ignore[no-untyped-call]
    if given.is_dagster_pipes_process():
        return given
    return PipesEnvVarParamsLoader()  # type: ignore[no-untyped-call]


def _channel(
    channel: str, seconds: float
) -> tuple[PipesContextLoader, PipesBlobStoreMessageWriter[Any]]:
    if channel == "dbfs":
        return PipesDbfsContextLoader(), PipesDbfsMessageWriter(interval=seconds)
    return (
        PipesUnityCatalogVolumesContextLoader(),
        PipesUnityCatalogVolumesMessageWriter(interval=seconds),
    )


if __name__ == "__main__":
    main()
