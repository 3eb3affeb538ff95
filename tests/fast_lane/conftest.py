"""A shop with calm items and urgent ones, in files that land one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import orjson
import pytest

from feedback_assets.contracts.partitions import Partition
from feedback_assets.launch import QUIET
from feedback_assets.orchestration.instance import open_instance
from feedback_assets.orchestration.jobs import fast_lane
from feedback_assets.pipeline.lanes import taken
from resources.compute.connect import SailEngine
from resources.lakehouse.delta import DeltaLakehouse
from resources.settings import Settings
from tests.conftest import DAY, PutOnRecord, ticket
from tests.shop import Shop

PARTITION = Partition(DAY, "zendesk")
CALM = [
    "Is there a way to sort the saved lists by date?",
    "The new colours are nice, thank you",
    "How do I change the language of the newsletter?",
    "It would be good to have a dark theme for the evening",
    "I like how quickly the search shows what I look for",
    "The size chart of the shoes could be easier to find",
]
URGENT = [
    "The app crashes every time I open my cart since the update and I lost all my data",
    "I was charged twice for the same order and nobody has refunded me, this is outrageous",
]


class Lanes(Shop):
    """A shop with both lanes."""

    def __init__(self, settings: Settings, engine: SailEngine, instance: dg.DagsterInstance):
        super().__init__(settings, engine, instance)
        self.settings = settings

    def fast(self, partition: Partition = PARTITION) -> dg.ExecuteInProcessResult:
        """A run of the fast lane."""
        return self.defs.resolve_job_def(fast_lane.name).execute_in_process(
            instance=self.instance,
            partition_key=partition.key,
            run_config=QUIET,
            raise_on_error=False,
        )

    def land(
        self, name: str, texts: Sequence[str], first: int, partition: Partition = PARTITION
    ) -> None:
        """A landing file of tickets numbered from `first`."""
        folder = Path(self.settings.landing_root) / partition.source / partition.day.isoformat()
        folder.mkdir(parents=True, exist_ok=True)
        lines = [
            orjson.dumps(ticket(first + n, text, requester_id=first + n)).decode()
            for n, text in enumerate(texts)
        ]
        (folder / name).write_text("\n".join([*lines, ""]), encoding="utf-8")

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table, by item."""
        if not self.lakehouse.exists(table):
            return []
        rows = self.lakehouse.scan(table).read_all().to_pylist()
        return sorted(rows, key=lambda row: str(row.get("feedback_id")))

    def ids(self, table: str) -> list[str]:
        """The items of a table."""
        return [row["feedback_id"] for row in self.rows(table)]

    def taken(self) -> set[str]:
        """What the fast lane took."""
        return {i for items in taken(self.lakehouse).values() for i in items}

    def issues(self) -> int:
        """Issues in the tracker."""
        return sum(1 for _ in self.settings.tickets_folder.glob("*-*.md"))


@pytest.fixture
def lanes(
    settings: Settings, engine: SailEngine, models_folder: Path, put_on_record: PutOnRecord
) -> Iterator[Lanes]:
    settings = settings.model_copy(update={"automation": "all"})
    settings.home.mkdir(parents=True)
    settings.models_folder.symlink_to(models_folder)
    put_on_record(DeltaLakehouse(settings.lakehouse_root))
    with open_instance(settings) as instance:
        yield Lanes(settings, engine, instance)
