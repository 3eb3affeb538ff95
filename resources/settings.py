"""Every setting, read from the environment once. No other module reads it.

Belongs here: names, defaults and meaning of settings. Does not belong here: what is built
from them.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from resources.databricks_settings import DatabricksSettings


class Settings(BaseSettings):
    """Settings of one process, all optional, from ``FEEDBACK_*`` variables."""

    model_config = SettingsConfigDict(
        env_prefix="FEEDBACK_", extra="ignore", env_nested_delimiter="_", env_nested_max_split=1
    )

    home: Path = Field(Path(".feedback"), description="Holds all that isn't set apart")
    profile: Literal["embedded", "databricks"] = "embedded"
    landing: str | None = Field(None, description="Landing zone; default <home>/landing")
    lakehouse: str | None = Field(None, description="Root of the tables; default <home>/lakehouse")
    spark_remote: str | None = Field(
        None, description="Spark Connect address to use in place of the embedded engine"
    )
    databricks: DatabricksSettings = Field(
        default_factory=DatabricksSettings, description="The workspace, where profile says so"
    )
    storage_options: SecretStr | None = Field(
        None,
        description="Credentials and options of the object store, as a JSON object with the keys "
        "of object_store, such as AZURE_CLIENT_ID or AWS_ENDPOINT_URL",
    )
    partitions_per_run: int = Field(
        1, ge=1, description="Partitions that a sensor or backfill puts into one run at most"
    )
    secret_key: SecretStr | None = Field(
        None, description="Key of the tokens that replace personal data"
    )
    automation: Literal["none", "confident", "all"] = Field(
        "confident", description="How far items pass without a person"
    )
    max_record_bytes: int = Field(1_048_576, ge=1, description="Larger records are quarantined")
    lookback_days: int = Field(
        90, ge=0, description="How far back redeliveries and clusters are looked for"
    )
    golden_set: Path = Field(
        Path(__file__).parents[1] / "golden_set", description="Labelled examples"
    )
    prompts: Path = Field(
        Path(__file__).parents[1] / "prompts", description="Prompts of the language model"
    )
    llm_service: Literal["none", "azure", "openai"] = Field(
        "none",
        description="Language model: Azure OpenAI, or any OpenAI-compatible address; none: doubt "
        "goes to people",
    )
    llm_endpoint: str | None = Field(None, description="Azure endpoint, or the service's base URL")
    llm_model: str | None = Field(None, description="Azure deployment, or the model's name")
    llm_key: SecretStr | None = Field(
        None, description="API key; without one, Azure is entered through Entra ID"
    )
    llm_api_version: str = Field("2024-10-21", description="Azure's API version")
    llm_mode: Literal["direct", "batch"] = Field(
        "direct", description="batch: what is not urgent goes to the cheaper batch service"
    )
    llm_batch_model: str | None = Field(
        None, description="Deployment of the batch service, where it is another one"
    )
    llm_items_per_request: int = Field(8, ge=1, le=50, description="Items that share a request")
    llm_in_flight: int = Field(16, ge=1, description="Requests at the same time")
    llm_requests_per_minute: float | None = Field(
        None, gt=0, description="Ceiling; the service's headers may lower it"
    )
    llm_tokens_per_minute: float | None = Field(
        None, gt=0, description="Ceiling; the service's headers may lower it"
    )
    llm_timeout_seconds: float = Field(60, gt=0, description="Patience with one request")
    llm_attempts: int = Field(6, ge=1, description="Attempts at one request in trouble")
    llm_max_wait_seconds: float = Field(
        300, gt=0, description="Longest a request is held back for the service's sake"
    )
    llm_uncommitted: int = Field(
        256, ge=1, description="Items sent and not yet in the ledger: what a crash may repeat"
    )
    llm_price_input: float = Field(0, ge=0, description="Price of a million tokens read")
    llm_price_cached: float = Field(0, ge=0, description="... read from the service's cache")
    llm_price_output: float = Field(0, ge=0, description="... written")
    llm_cap_run: float | None = Field(None, gt=0, description="Most a run may cost")
    llm_cap_day: float | None = Field(None, gt=0, description="Most a day (UTC) may cost")
    llm_direct_after_hours: float = Field(
        24, ge=0, description="Hours since receipt after which an item waits for no batch"
    )
    llm_people_after_hours: float = Field(
        60, ge=0, description="Hours since receipt after which an item is a person's"
    )
    survey_columns: Path | None = Field(None, description="Column mapping of flat surveys")
    routing_rules: Path | None = Field(None, description="Triage rules in place of the built-in")
    arrivals: Literal["landing", "table"] = Field(
        "landing",
        description="Where the fast lane learns of new files: it lists the landing zone, or reads "
        "the table landing_arrivals, which Auto Loader fills",
    )
    urgent_rules: Path | None = Field(None, description="What the fast lane takes, likewise")
    quality_rules: Path | None = Field(
        None, description="What is checked, what blocks and what warns, in place of the built-in"
    )
    dagster_home: Path | None = Field(
        None, description="A Dagster instance of your own: a folder with its dagster.yaml"
    )
    dagster_url: str = Field(
        "http://localhost:3000", description="Address of the Dagster UI, for links in messages"
    )
    webhook_url: SecretStr | None = Field(None, description="Where messages go as JSON")
    slack_webhook_url: SecretStr | None = Field(
        None, description="Slack incoming webhook where messages go"
    )
    otlp_endpoint: str | None = Field(
        None, description="OpenTelemetry collector (OTLP over HTTP), as http://collector:4318"
    )
    otlp_headers: SecretStr | None = Field(
        None, description="Headers for the collector: name=value, separated by commas"
    )

    @model_validator(mode="after")
    def _model_is_whole(self) -> Settings:
        if self.llm_service == "none":
            return self
        needed = {"FEEDBACK_LLM_MODEL": self.llm_model, "FEEDBACK_LLM_ENDPOINT": self.llm_endpoint}
        missing = [name for name, value in needed.items() if not value]
        if missing:
            raise ValueError(f"FEEDBACK_LLM_SERVICE={self.llm_service} needs {', '.join(missing)}")
        capped = self.llm_cap_run is not None or self.llm_cap_day is not None
        if capped and not (self.llm_price_input and self.llm_price_output):
            raise ValueError(
                "a spending cap needs FEEDBACK_LLM_PRICE_INPUT and FEEDBACK_LLM_PRICE_OUTPUT"
            )
        return self

    def for_the_cluster(self) -> dict[str, Any]:
        """What of these settings is set and no secret, by field, as JSON, for the job's process.

        Raises `ValueError` where one that must be shared was left at its local default.
        """
        if not (self.databricks.home and self.lakehouse and self.landing):
            raise ValueError(
                "FEEDBACK_PROFILE=databricks needs FEEDBACK_LANDING, FEEDBACK_LAKEHOUSE and "
                "FEEDBACK_DATABRICKS_HOME: the cluster shares no folder with this machine"
            )
        left_out = {*SECRETS, "databricks", "home", "dagster_home"}
        kept = self.model_dump(mode="json", exclude_unset=True, exclude=left_out)
        return {**kept, "home": self.databricks.home}

    @property
    def landing_root(self) -> str:
        """Where landing files lie."""
        return self.landing or str(self.home.absolute() / "landing")

    @property
    def lakehouse_root(self) -> str:
        """Where tables lie."""
        return self.lakehouse or str(self.home.absolute() / "lakehouse")

    @property
    def tickets_folder(self) -> Path:
        """Where the local tracker keeps its tickets."""
        return self.home.absolute() / "tickets"

    @property
    def models_folder(self) -> Path:
        """Where trained models are kept."""
        return self.home.absolute() / "models"

    @property
    def reports_folder(self) -> Path:
        """Where reports of evaluations are written."""
        return self.home.absolute() / "reports"

    def token_key(self) -> bytes:
        """The key of the tokens that replace personal data.

        Without a setting, the embedded profile makes a random key once and keeps it in
        ``<home>/secret_key``; any other profile raises `ValueError`, because tokens made on
        different machines would not match.
        """
        if self.secret_key is not None:
            return self.secret_key.get_secret_value().encode()
        if self.profile != "embedded":
            raise ValueError("FEEDBACK_SECRET_KEY is not set; the databricks profile needs it")
        return _kept_key(self.home.absolute() / "secret_key")


SECRETS = tuple(
    name
    for name, field in Settings.model_fields.items()
    if SecretStr in (field.annotation, *get_args(field.annotation))
)
"""Fields that are secrets, which no order and no log may hold."""


def _kept_key(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        drafted = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        drafted.touch(mode=0o600)
        drafted.write_text(secrets.token_hex(32), encoding="ascii")
        try:
            # A hard link, unlike a rename, fails when another process was first.
            path.hardlink_to(drafted)
        except FileExistsError:
            pass
        finally:
            drafted.unlink()
    return path.read_text(encoding="ascii").strip().encode()
