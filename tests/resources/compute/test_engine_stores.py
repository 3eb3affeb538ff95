"""The embedded engine reads tables in object stores, with the options that wrote them."""

from __future__ import annotations

import os

import pytest

from resources.compute.connect import SailEngine
from resources.lakehouse.delta import DeltaLakehouse
from tests.conftest import PLACES
from tests.resources.lakehouse.numbers_table import FIRST, SECOND, TABLE, batch
from tests.stores import Place


@pytest.mark.parametrize("place", PLACES, indirect=True)
def test_the_engine_reads_what_was_committed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "before")
    lakehouse = DeltaLakehouse(place.root, place.storage_options)
    lakehouse.append(TABLE, [batch((FIRST, "a", 1), (SECOND, "b", 2))])
    engine = SailEngine(place.storage_options)
    try:
        frame = engine.session().read.format("delta").load(lakehouse.uri("numbers"))
        rows = frame.where("day = '2026-06-02'").collect()
    finally:
        engine.stop()
    assert {(row["key"], row["n"]) for row in rows} == {("b", 2)}
    # The process's environment is as it was.
    assert os.environ["AWS_REGION"] == "before"
    assert not {"AWS_SECRET_ACCESS_KEY", "AZURE_STORAGE_ACCOUNT_KEY"} & set(os.environ)
