"""What a step runs with: the engine, the tables, and the few services steps need.

Belongs here: `Runtime` and its construction from settings, the one place where the outside
world's implementations are chosen. Does not belong here: Dagster, and any step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from resources.compute.base import SparkEngine
from resources.compute.connect import ConnectEngine, SailEngine
from resources.connectors import SOURCES
from resources.connectors.base import Connector
from resources.connectors.survey import SurveyConnector
from resources.lakehouse.base import Lakehouse
from resources.lakehouse.delta import DeltaLakehouse
from resources.settings import Settings
from resources.tracker.base import Tracker
from resources.tracker.local import LocalTracker

Progress = Callable[[str, int, bool], None]
"""Called with a step's name, rows so far, and whether it has ended."""


def silent(_step: str, _rows: int, _ended: bool) -> None:
    """Progress nobody watches."""


@dataclass(frozen=True)
class Runtime:
    """Everything a step may touch. Cheap to copy; engines start when first asked."""

    engine: SparkEngine
    lakehouse: Lakehouse
    connectors: Mapping[str, Connector]
    tracker: Tracker
    token_key: bytes
    landing_root: str
    models_folder: Path
    run_id: str
    automation: str = "confident"
    max_record_bytes: int = 1_048_576
    lookback_days: int = 90
    routing_rules: Path | None = None
    progress: Progress = silent


def build_runtime(
    settings: Settings,
    run_id: str,
    engine: SparkEngine | None = None,
    progress: Progress = silent,
) -> Runtime:
    """The runtime that `settings` describe; `engine` reuses one that is already running."""
    connectors = dict(SOURCES)
    if settings.survey_columns is not None:
        connectors["survey"] = SurveyConnector(settings.survey_columns)
    return Runtime(
        engine=engine or build_engine(settings),
        lakehouse=DeltaLakehouse(settings.lakehouse_root),
        connectors=connectors,
        tracker=LocalTracker(settings.tickets_folder),
        token_key=settings.token_key(),
        landing_root=settings.landing_root,
        models_folder=settings.models_folder,
        run_id=run_id,
        automation=settings.automation,
        max_record_bytes=settings.max_record_bytes,
        lookback_days=settings.lookback_days,
        routing_rules=settings.routing_rules,
        progress=progress,
    )


def build_engine(settings: Settings) -> SparkEngine:
    """The Spark Connect server that is set, or the embedded one.

    Raises `ValueError` for the databricks profile without an address: work that was meant for a
    cluster must not run here unnoticed.
    """
    if settings.spark_remote:
        return ConnectEngine(settings.spark_remote)
    if settings.profile != "embedded":
        raise ValueError(
            f"FEEDBACK_PROFILE={settings.profile} needs FEEDBACK_SPARK_REMOTE, the address of "
            "its Spark Connect server (sc://...)"
        )
    return SailEngine()
