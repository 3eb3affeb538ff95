"""Garbage a source could send, from landing file to the gate: a verdict, and never a ticket."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from feedback_assets.contracts.partitions import Partition
from feedback_assets.orchestration.instance import open_instance
from feedback_assets.pipeline.gate import verdicts
from resources.compute.connect import SailEngine
from resources.lakehouse.delta import DeltaLakehouse
from tests.conftest import DAY, PutOnRecord, review
from tests.shop import COMPLAINTS, Shop, at, failures

ANGRY = "I was charged twice, nobody refunds me and the app crashes at every start, order"
KINDS: dict[str, Callable[[int], dict[str, Any]]] = {
    "one text": lambda n: review(f"a{n}", COMPLAINTS[0]),
    "nothing": lambda n: review(f"b{n}", ""),
    "to come": lambda n: review(f"c{n}", f"{ANGRY} {n}", at="2026-07-20 08:00:00"),
    "off the scale": lambda n: review(f"d{n}", f"{ANGRY} number {n}", score=55),
    "no words": lambda n: review(f"e{n}", "?!" * (n + 1)),
}
"""A day of each, in this order; then a day in earnest."""
ITEMS = 40


def land(root: Path, day: dt.date, records: list[dict[str, Any]]) -> Partition:
    folder = root / "app_store" / day.isoformat()
    folder.mkdir(parents=True)
    lines = [orjson.dumps(record).decode() + "\n" for record in records]
    (folder / "feed.jsonl").write_text("".join(lines), encoding="utf-8")
    return Partition(day, "app_store")


@pytest.fixture(scope="module")
def processed(
    tmp_path_factory: pytest.TempPathFactory,
    engine: SailEngine,
    models_folder: Path,
    put_on_record: PutOnRecord,
) -> tuple[Shop, dict[str, Partition], Partition, dict[str, str]]:
    settings = at(tmp_path_factory.mktemp("garbage") / "home")
    settings.home.mkdir()
    settings.models_folder.symlink_to(models_folder)
    put_on_record(DeltaLakehouse(settings.lakehouse_root))
    root = Path(settings.landing_root)
    partitions = {
        kind: land(root, DAY + dt.timedelta(days=nth), [made(n) for n in range(ITEMS)])
        for nth, (kind, made) in enumerate(KINDS.items())
    }
    earnest = [review(f"f{n}", f"{text}. {n}") for n, text in enumerate(COMPLAINTS)]
    good = land(root, DAY + dt.timedelta(days=len(KINDS)), earnest)
    with open_instance(settings) as instance:
        shop = Shop(settings, engine, instance)
        result = shop.run(*partitions.values(), good)
        return shop, partitions, good, failures(result)


def test_only_tickets_refuses_and_the_day_in_earnest_opens_its_own(
    processed: tuple[Shop, dict[str, Partition], Partition, dict[str, str]],
) -> None:
    shop, partitions, good, failed = processed
    assert set(failed) == {"tickets"}
    assert shop.tickets_of(good) > 0
    for partition in partitions.values():
        assert shop.tickets_of(partition) == 0


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("one text", "bear one and the same text"),
        ("nothing", "could not be read"),
        ("to come", "could not be read"),
        ("off the scale", "bear a rating outside of its scale"),
        ("no words", "hold no word"),
    ],
)
def test_the_verdict_says_what_is_wrong(
    processed: tuple[Shop, dict[str, Partition], Partition, dict[str, str]], kind: str, said: str
) -> None:
    shop, partitions, _, failed = processed
    verdict = verdicts(shop.lakehouse, [partitions[kind]])[partitions[kind]]["plausibility"]
    assert not verdict.passed
    assert said in verdict.detail
    assert verdict.value is not None
    assert verdict.threshold is not None
    assert verdict.value > verdict.threshold
    assert partitions[kind].key in failed["tickets"]


def test_nothing_is_lost(
    processed: tuple[Shop, dict[str, Partition], Partition, dict[str, str]],
) -> None:
    shop, partitions, _, _ = processed
    for partition in partitions.values():
        where = f"day = '{partition.day}' AND source = 'app_store'"
        held = shop.lakehouse.scan("quarantine", predicate=where).read_all().num_rows
        silver = shop.lakehouse.scan("silver_feedback", predicate=where).read_all().num_rows
        assert held + silver == ITEMS
