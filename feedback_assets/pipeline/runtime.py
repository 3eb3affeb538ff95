"""What a step runs with: the engine, the tables, and the few services steps need.

Belongs here: `Runtime` and its construction from settings, the one place where the outside
world's implementations are chosen. Does not belong here: Dagster, and any step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from feedback_assets.contracts.quality_rules import BUILT_IN, QualityRules, read_quality_rules
from feedback_assets.pipeline.model_plan import Ladder, ModelPlan, Prices, SpendingCap
from resources.compute.base import SparkEngine
from resources.connectors import SOURCES
from resources.connectors.base import Connector
from resources.connectors.survey import SurveyConnector
from resources.lakehouse.base import Lakehouse
from resources.lakehouse.opening import open_lakehouse
from resources.landing.zone import LandingZone
from resources.settings import Settings
from resources.storage.hadoop import hadoop_settings
from resources.storage.options import NO_OPTIONS, StorageOptions, read_options
from resources.telemetry import open_telemetry
from resources.telemetry.asking import WatchedModel
from resources.telemetry.base import NoTelemetry, Telemetry
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
    reports_folder: Path
    prompts_folder: Path
    golden_set: Path
    run_id: str
    automation: str = "confident"
    max_record_bytes: int = 1_048_576
    lookback_days: int = 90
    routing_rules: Path | None = None
    urgent_rules: Path | None = None
    quality_rules: QualityRules = field(default_factory=read_quality_rules)
    model_plan: ModelPlan | None = None
    progress: Progress = silent
    telemetry: Telemetry = field(default_factory=NoTelemetry)
    storage_options: StorageOptions = NO_OPTIONS

    @property
    def landing(self) -> LandingZone:
        """The landing zone."""
        return LandingZone(self.landing_root, self.storage_options)


def build_runtime(
    settings: Settings,
    run_id: str,
    engine: SparkEngine | None = None,
    progress: Progress = silent,
    model_plan: ModelPlan | None = None,
) -> Runtime:
    """The runtime that `settings` describe.

    `engine` reuses one that is already running; `model_plan` stands in for the settings'.
    """
    connectors = dict(SOURCES)
    if settings.survey_columns is not None:
        connectors["survey"] = SurveyConnector(settings.survey_columns)
    return Runtime(
        engine=engine or build_engine(settings),
        lakehouse=open_lakehouse(settings),
        connectors=connectors,
        tracker=LocalTracker(settings.tickets_folder),
        token_key=settings.token_key(),
        landing_root=settings.landing_root,
        models_folder=settings.models_folder,
        reports_folder=settings.reports_folder,
        prompts_folder=settings.prompts,
        run_id=run_id,
        automation=settings.automation,
        max_record_bytes=settings.max_record_bytes,
        lookback_days=settings.lookback_days,
        routing_rules=settings.routing_rules,
        urgent_rules=settings.urgent_rules,
        quality_rules=read_quality_rules(settings.quality_rules or BUILT_IN),
        golden_set=settings.golden_set,
        model_plan=model_plan or build_model_plan(settings),
        progress=progress,
        telemetry=build_telemetry(settings),
        storage_options=read_options(settings.storage_options),
    )


def build_telemetry(settings: Settings) -> Telemetry:
    """Telemetry to the collector that is set, or to nobody."""
    headers = settings.otlp_headers
    return open_telemetry(
        "feedback-assets", settings.otlp_endpoint, headers.get_secret_value() if headers else None
    )


def build_engine(settings: Settings) -> SparkEngine:
    """The Spark Connect server that is set, or the embedded one.

    Raises `ValueError` for the databricks profile without an address, for work that was meant for
    a cluster must not run here unnoticed, and for tables where the embedded engine can't read.
    """
    # On a cluster the engine is the process's own, and what these stand on is not installed.
    from resources.compute.connect import ConnectEngine, SailEngine

    options = read_options(settings.storage_options)
    if settings.spark_remote:
        # In a workspace Unity Catalog opens the store, and a session may not.
        own_store = settings.profile == "embedded"
        opens = hadoop_settings(settings.lakehouse_root, options) if own_store else None
        return ConnectEngine(settings.spark_remote, opens)
    if settings.profile != "embedded":
        raise ValueError(
            f"FEEDBACK_PROFILE={settings.profile} needs FEEDBACK_SPARK_REMOTE, the address of "
            "its Spark Connect server (sc://...)"
        )
    root = settings.lakehouse_root
    if "://" not in root and root != quote(root):
        # Sail 0.7.2 finds no Delta log below such a folder, however its address is written.
        raise ValueError(
            f"{root}: the embedded engine can't read tables below a folder with a space or other "
            "than plain letters in its name; set FEEDBACK_LAKEHOUSE (or FEEDBACK_HOME) to another"
        )
    return SailEngine(options)


def build_model_plan(settings: Settings) -> ModelPlan | None:
    """The language model that is set, and how it is asked; None where none is."""
    if settings.llm_service == "none":
        return None
    # Loading the client takes a second that runs without a language model need not spend.
    from resources.llm.openai_model import OpenAIModel, connect

    def connected(model: str) -> OpenAIModel:
        return connect(
            model=model,
            service="azure" if settings.llm_service == "azure" else "openai",
            endpoint=settings.llm_endpoint,
            api_key=settings.llm_key.get_secret_value() if settings.llm_key else None,
            entra_id=settings.llm_service == "azure" and settings.llm_key is None,
            api_version=settings.llm_api_version,
            max_in_flight=settings.llm_in_flight,
            requests_per_minute=settings.llm_requests_per_minute,
            tokens_per_minute=settings.llm_tokens_per_minute,
            timeout_seconds=settings.llm_timeout_seconds,
            max_attempts=settings.llm_attempts,
            max_wait_seconds=settings.llm_max_wait_seconds,
        )

    assert settings.llm_model is not None
    model = connected(settings.llm_model)
    return ModelPlan(
        model=WatchedModel(model, build_telemetry(settings)) if settings.otlp_endpoint else model,
        batch=connected(settings.llm_batch_model) if settings.llm_batch_model else model,
        mode=settings.llm_mode,
        items_per_request=settings.llm_items_per_request,
        uncommitted=settings.llm_uncommitted,
        prices=Prices(
            settings.llm_price_input, settings.llm_price_cached, settings.llm_price_output
        ),
        cap=SpendingCap(settings.llm_cap_run, settings.llm_cap_day),
        ladder=Ladder(settings.llm_direct_after_hours, settings.llm_people_after_hours),
    )
