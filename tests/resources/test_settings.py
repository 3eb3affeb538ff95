"""Settings: defaults, and the key that is made once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from resources.settings import Settings


def test_home_holds_all_that_is_not_set_apart(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert settings.landing_root == str(tmp_path / "landing")
    assert settings.lakehouse_root == str(tmp_path / "lakehouse")


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEEDBACK_LANDING", "abfss://landing@store/")
    monkeypatch.setenv("FEEDBACK_AUTOMATION", "none")
    settings = Settings()
    assert settings.landing_root == "abfss://landing@store/"
    assert settings.automation == "none"


def test_an_unknown_value_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEEDBACK_AUTOMATION", "sometimes")
    with pytest.raises(ValidationError, match="automation"):
        Settings()


def test_processes_that_start_together_share_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: Settings(home=tmp_path).token_key(), range(16)))
    assert len(keys) == 1
    assert len(keys.pop()) == 64
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_a_key_that_is_set_is_used_and_not_shown(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, secret_key=SecretStr("k" * 32))
    assert settings.token_key() == b"k" * 32
    assert "kkkk" not in repr(settings)
    assert list(tmp_path.iterdir()) == []


def test_without_a_key_only_the_embedded_profile_makes_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="FEEDBACK_SECRET_KEY"):
        Settings(home=tmp_path, profile="databricks").token_key()
