"""What settings make of the runtime."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedback_assets.pipeline.runtime import build_engine
from resources.settings import Settings


def test_the_embedded_engine_is_the_default(tmp_path: Path) -> None:
    assert build_engine(Settings(home=tmp_path)).name == "sail"


def test_an_address_is_used(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, spark_remote="sc://127.0.0.1:1")
    assert build_engine(settings).name == "spark-connect"


def test_work_for_a_cluster_does_not_run_here_unnoticed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="FEEDBACK_SPARK_REMOTE"):
        build_engine(Settings(home=tmp_path, profile="databricks"))


@pytest.mark.parametrize("name", ["my shop", "büro", "100%"])
def test_a_folder_that_the_embedded_engine_cannot_read_is_refused(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(ValueError, match="FEEDBACK_LAKEHOUSE"):
        build_engine(Settings(home=tmp_path / name, profile="embedded"))
    build_engine(Settings(home=tmp_path / name, lakehouse=str(tmp_path / "plain-1.0_~")))
