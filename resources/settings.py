"""Every setting, read from the environment once. No other module reads it.

Belongs here: names, defaults and meaning of settings. Does not belong here: what is built
from them.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of one process, all optional, from ``FEEDBACK_*`` variables."""

    model_config = SettingsConfigDict(env_prefix="FEEDBACK_", extra="ignore")

    home: Path = Field(Path(".feedback"), description="Holds all that isn't set apart")
    profile: Literal["embedded", "databricks"] = "embedded"
    landing: str | None = Field(None, description="Landing zone; default <home>/landing")
    lakehouse: str | None = Field(None, description="Root of the tables; default <home>/lakehouse")
    spark_remote: str | None = Field(
        None, description="Spark Connect address to use in place of the embedded engine"
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
    survey_columns: Path | None = Field(None, description="Column mapping of flat surveys")
    routing_rules: Path | None = Field(None, description="Triage rules in place of the built-in")

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
