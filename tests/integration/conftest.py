"""A shop whose two partitions have come as far as review, copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from feedback_assets.orchestration.instance import open_instance
from feedback_assets.orchestration.jobs import feedback_to_tickets
from feedback_assets.pipeline.gate import closed
from resources.compute.connect import SailEngine
from resources.lakehouse.delta import DeltaLakehouse
from tests.conftest import PutOnRecord
from tests.shop import AFTER_REVIEW, BAD, GOOD, Shop, at, failures, land_complaints


@pytest.fixture(scope="session")
def reviewed(
    tmp_path_factory: pytest.TempPathFactory,
    engine: SailEngine,
    models_folder: Path,
    put_on_record: PutOnRecord,
) -> Path:
    """A home in which both partitions have come as far as review, and passed every check."""
    home = tmp_path_factory.mktemp("reviewed") / "home"
    settings = at(home)
    home.mkdir()
    settings.models_folder.symlink_to(models_folder)
    land_complaints(settings, GOOD, BAD)
    put_on_record(DeltaLakehouse(settings.lakehouse_root))
    with open_instance(settings) as instance:
        shop = Shop(settings, engine, instance)
        job = shop.defs.resolve_job_def(feedback_to_tickets.name)
        path = {key.to_user_string() for key in job.asset_layer.selected_asset_keys}
        result = shop.run(GOOD, BAD, only=sorted(path.difference(AFTER_REVIEW)))
        assert result.success, failures(result)
        assert closed(shop.lakehouse, [GOOD, BAD]) == {}
    return home


@pytest.fixture
def home(reviewed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(reviewed, tmp_path / "home", symlinks=True))


@pytest.fixture
def shop(home: Path, engine: SailEngine) -> Iterator[Shop]:
    with open_instance(at(home)) as instance:
        yield Shop(at(home), engine, instance)


@pytest.fixture
def spoiled(shop: Shop) -> Shop:
    """The bad partition was reviewed again, and its contract check failed."""
    shop.compute.step = "validated_feedback"
    assert not shop.run(BAD, only=["validated_feedback"]).success
    return shop
