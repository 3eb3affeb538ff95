"""What the backtest draws from: the history's items and what each is like.

Belongs here: reading them, and drawing days. Does not belong here: checks (mix_rule.py) and what
is measured with them (backtest.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.tables import GOLD_FEEDBACK
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.pipeline.step import StepContext
from feedback_assets.quality.features import ANSWER_FEATURES, ITEM_FEATURES, binned
from feedback_assets.quality.mix_rule import Integers
from feedback_assets.quality.reference import Profiles, read_profiles

ALL_SOURCES = "all sources"


@dataclass(frozen=True)
class Coded:
    """One feature: its classes, and of each of N units the number of its class.

    A unit without a class has the number ``len(classes)``.
    """

    classes: Sequence[str]
    codes: NDArray[np.int64]

    @property
    def shares(self) -> NDArray[np.float64]:
        """Share of each class among the units that have one, shape (K,)."""
        counts = np.bincount(self.codes, minlength=len(self.classes) + 1)[:-1]
        return np.asarray(counts / counts.sum(), float)


@dataclass(frozen=True)
class Pool:
    """Units of a source that days are drawn from: items, or questions to the language model.

    `per_item` is how many units come with an item.
    """

    source: str
    units: int
    features: dict[str, Coded]
    per_item: float = 1.0

    def draw(
        self, rng: np.random.Generator, replicates: int, days: int, items: int
    ) -> tuple[Integers, Iterator[tuple[str, Coded, Integers]]]:
        """Days of units drawn with replacement, a unit with all that it is like.

        A day's number of units is Poisson's, `items` times `per_item` on average. Returns the
        numbers (B, T) and, of each feature, units by class (B, T, K).
        """
        sizes = rng.poisson(items * self.per_item, (replicates, days))
        drawn = rng.integers(self.units, size=int(sizes.sum()), dtype=np.int64)
        cell = np.repeat(np.arange(sizes.size), sizes.ravel())

        def counted() -> Iterator[tuple[str, Coded, Integers]]:
            for name, coded in self.features.items():
                wide = len(coded.classes) + 1
                flat = np.bincount(cell * wide + coded.codes[drawn], minlength=sizes.size * wide)
                yield name, coded, flat.reshape(replicates, days, wide)[:, :, :-1]

        return sizes, counted()


@dataclass(frozen=True)
class History:
    """All that the lakehouse holds: its partitions, their profiles, and pools to draw from."""

    partitions: Sequence[Partition]
    profiles: Profiles
    pools: Sequence[Pool]


def read_history(runtime: Runtime, source: str | None = None) -> History:
    """The history of all sources, or of one. Raises `ValueError` where there is none."""
    lakehouse = runtime.lakehouse
    files = lakehouse.files(GOLD_FEEDBACK.name) if lakehouse.exists(GOLD_FEEDBACK.name) else []
    partitions = sorted(
        {
            Partition(file["day"], file["source"])
            for file in files
            if int(file["num_records"]) and source in (None, file["source"])
        }
    )
    if not partitions:
        of_source = f" of {source}" if source else ""
        raise ValueError(
            f"no gold_feedback{of_source} to replay in this lakehouse: run `feedback run` first, "
            "or set FEEDBACK_HOME to a home that has a history"
        )
    profiles = read_profiles(lakehouse, partitions, runtime.quality_rules.reference)
    items = binned(StepContext(partitions, runtime)).toArrow()
    # The engine's order is its own affair; the same seed must draw the same items.
    items = items.take(pa.array(np.argsort(items["feedback_id"].to_pylist())))
    pools = _item_pools(items)
    pools += [pool for p in pools for pool in _question_pools(p, partitions, profiles)]
    if len({partition.source for partition in partitions}) > 1:
        by_source = coded(items["source"].to_pylist())
        pools.append(Pool(ALL_SOURCES, items.num_rows, {"source": by_source}))
    return History(partitions, profiles, pools)


def coded(values: Sequence[str | None]) -> Coded:
    """`values` by number of their class; None has no class."""
    classes = sorted({value for value in values if value is not None})
    number = {name: n for n, name in enumerate(classes)}
    codes = [len(classes) if value is None else number[value] for value in values]
    return Coded(classes, np.array(codes, np.int64))


def _item_pools(items: pa.Table) -> list[Pool]:
    sources = np.array(items["source"].to_pylist())
    pools = []
    for source in sorted(set(sources.tolist())):
        own = items.filter(pa.array(sources == source))
        features = {name: coded(own[name].to_pylist()) for name in ITEM_FEATURES}
        known = {name: feature for name, feature in features.items() if feature.classes}
        pools.append(Pool(source, own.num_rows, known))
    return pools


def _question_pools(
    of_items: Pool, partitions: Sequence[Partition], profiles: Profiles
) -> Iterator[Pool]:
    """Of each answer feature a pool of its own: profiles count questions, not which item's."""
    own = [p for p in partitions if p.source == of_items.source and p in profiles.by_partition]
    for name in ANSWER_FEATURES:
        values: list[str | None] = []
        for partition in own:
            for bin_, number in profiles.by_partition[partition].counts.get(name, {}).items():
                values += [bin_] * number
        if values:
            yield Pool(
                of_items.source, len(values), {name: coded(values)}, len(values) / of_items.units
            )
