"""The profile of a partition: its items counted by bin of each feature.

Belongs here: which counts make a profile, and the step. Does not belong here: what the bins of an
item are (features.py, words.py, payload_fields.py) and what is judged by the counts.

A profile holds, by `feature`:

- each of `ITEM_FEATURES`: items of `gold_feedback` by bin; each item is in one bin.
- `volume`: all of them, also as `value`. `future_dates` (written a day or more after they were
  received), `unread_ratings` (a rating that is not on its scale), `no_words` (no letter outside of
  masked tokens): how many of them are so.
- `word`, `unknown_word`: the words that most of them bear, and of those that no training example
  has, the `MOST` most frequent; `items` bear the word.
- `landed`: bronze rows and what was quarantined on the way to bronze. `payloads`: bronze rows.
  `quarantined`: what was quarantined on the way to bronze and to silver.
- `field`: bronze rows by name and JSON type of a top-level field, the most frequent.
- `submitted`: silver rows, resubmissions included, which are no items of `gold_feedback`.
  `one_text`: those of the text that most of them share.
- `answer` (usable, unusable) and `content_filter` (passed, filtered): questions to the language
  model that are settled, one an item and stage, as each was last asked.
- `cost_per_item`, `seconds_per_item`: `value` is what these questions cost, and how long the gold
  stages' latest runs took, by item of `volume`.

What does not occur has no row: no count is 0, and a partition that nothing landed in has none.
"""

from __future__ import annotations

from collections import Counter
from functools import reduce
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from feedback_assets.contracts.columns import DATE, INTEGER, STRING
from feedback_assets.contracts.ledgers import QUARANTINE
from feedback_assets.contracts.partitions import Partition
from feedback_assets.contracts.tables import GOLD_FEEDBACK, TABLES
from feedback_assets.pipeline.arrow_map import frame_of, map_arrow
from feedback_assets.pipeline.gate import data_versions
from feedback_assets.pipeline.rows_held import rows_by_partition
from feedback_assets.pipeline.step import Step, StepContext
from feedback_assets.quality.features import (
    ANSWER_FEATURES,
    ITEM_COUNTS,
    ITEM_FEATURES,
    answer_bins,
    marked,
)
from feedback_assets.quality.payload_fields import COLUMNS, count_fields
from feedback_assets.quality.words import COUNTS, known_words, word_counter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST = {"word": 300, "unknown_word": 100, "field": 500}
"""Bins kept of the features that have no end of them: the most frequent, ties by name."""
BY_ITEM = ("cost_per_item", "seconds_per_item")
"""Features whose value is a sum, shared among the items of `volume`."""

PARTITION = ("day", "source")
BIN = (*PARTITION, "feature", "bin")
_GOLD_STAGES = [table.name for table in TABLES.values() if table.group == "gold"]
_FACTS = pa.schema(
    [("day", DATE), ("source", STRING), ("profiled_version", STRING), ("_volume", INTEGER)]
)


def profile(context: StepContext) -> DataFrame:
    """Rows of `feedback_profile` for the context's partitions, in one plan."""
    # Taken before any row is read: whatever is committed meanwhile makes the profile outdated.
    versions = data_versions(context.runtime.lakehouse, GOLD_FEEDBACK, context.partitions)
    golden_set = context.runtime.golden_set
    known = known_words(golden_set)
    if known is None:
        context.note(
            f"no training examples in {golden_set or 'the golden set'}: "
            "words are not told apart into known and unknown"
        )
    parts = (
        _items(context, known), _frequent(context, known), _repeated(context), _answers(context),
        _cost(context), _seconds(context), _arrivals(context),
    )  # fmt: skip
    rows = reduce(DataFrame.unionByName, parts)
    shared = F.col("feature").isin(*BY_ITEM)
    value, items, volume = F.col("value"), F.col("items"), F.col("_volume")
    return (
        rows.join(_facts(context, versions), list(PARTITION))
        .withColumn("value", F.when(shared, value / volume).otherwise(value))
        .withColumn("items", F.when(shared, volume).otherwise(items))
        .where("items > 0")
        .drop("_volume")
    )


def _items(context: StepContext, known: frozenset[str] | None) -> DataFrame:
    counted = _by_bin(marked(context, known), (*ITEM_FEATURES, *ITEM_COUNTS))
    volume = F.when(F.col("feature") == "volume", F.col("items").cast("double"))
    return counted.withColumn("value", volume)


def _frequent(context: StepContext, known: frozenset[str] | None) -> DataFrame:
    texts = context.table("gold_feedback").select(*PARTITION, "text")
    payloads = context.table("bronze_feedback").select(*COLUMNS)
    found = map_arrow(texts, word_counter(known), COUNTS).unionByName(
        map_arrow(payloads, count_fields, COUNTS)
    )
    order = Window.partitionBy(*PARTITION, "feature").orderBy(F.desc("items"), "bin")
    kept = " OR ".join(f"feature = '{name}' AND _nth <= {most}" for name, most in MOST.items())
    return (
        found.groupBy(*BIN)
        .agg(F.sum("items").alias("items"))
        .withColumn("_nth", F.row_number().over(order))
        .where(kept)
        .select(*BIN, "items", _no_value())
    )


def _repeated(context: StepContext) -> DataFrame:
    texts = context.table("silver_feedback").groupBy(*PARTITION, "content_hash")
    # Not `count`: over texts that are all the same, Sail takes issue with its having no nulls.
    alike = texts.agg(F.sum(F.lit(1)).alias("alike")).groupBy(*PARTITION)
    most = alike.agg(F.max("alike").alias("items"))
    return most.select(
        *PARTITION, F.lit("one_text").alias("feature"), F.lit("").alias("bin"), "items", _no_value()
    )


def _answers(context: StepContext) -> DataFrame:
    settled_at = F.when(F.col("settled"), F.col("started_at"))
    outcomes = (
        _asked_last(context)
        .groupBy(*PARTITION, "feedback_id", "stage")
        .agg(F.max_by("outcome", settled_at).alias("outcome"))
    )
    binned = outcomes.select(*PARTITION, *answer_bins(F.col("outcome")))
    return _by_bin(binned, ANSWER_FEATURES).withColumn("value", _no_value())


def _cost(context: StepContext) -> DataFrame:
    # Without prices every call costs nothing, which is no cost to watch.
    spent = _asked_last(context).groupBy(*PARTITION).agg(F.sum("cost").alias("value"))
    return _to_share(spent.where("value > 0"), "cost_per_item")


def _asked_last(context: StepContext) -> DataFrame:
    """Calls for what was last asked of an item at a stage.

    What an earlier prompt or model made of it is mended, and must not count any more.
    """
    order = Window.partitionBy(*PARTITION, "feedback_id", "stage").orderBy(
        F.desc("started_at"), F.desc("settled")
    )
    return (
        context.table("model_calls")
        .withColumn("_last", F.first("input_hash").over(order))
        .where("input_hash = _last")
    )


def _seconds(context: StepContext) -> DataFrame:
    took = context.table("stage_metrics").where(
        (F.col("metric") == "seconds") & F.col("stage").isin(*_GOLD_STAGES)
    )
    latest = took.groupBy(*PARTITION, "stage").agg(
        F.max_by("value", "recorded_at").alias("seconds")
    )
    summed = latest.groupBy(*PARTITION).agg(F.sum("seconds").alias("value"))
    return _to_share(summed, "seconds_per_item")


def _arrivals(context: StepContext) -> DataFrame:
    """Counts of rows that the tables' logs hold: nothing is read for them."""
    lakehouse = context.runtime.lakehouse
    lakehouse.ensure(QUARANTINE)
    held: Counter[tuple[Partition, str]] = Counter()
    for file in lakehouse.files(QUARANTINE.name):
        held[Partition(file["day"], file["source"]), file["table"]] += int(file["num_records"])
    bronze = rows_by_partition(lakehouse, "bronze_feedback")
    silver = rows_by_partition(lakehouse, "silver_feedback")
    rows: list[dict[str, object]] = []
    for partition in context.partitions:
        payloads, unread = bronze.get(partition, 0), held[partition, "bronze_feedback"]
        counts = {
            "landed": payloads + unread,
            "payloads": payloads,
            "submitted": silver.get(partition, 0),
            "quarantined": unread + held[partition, "silver_feedback"],
        }
        rows += [
            {"day": partition.day, "source": partition.source, "feature": n, "bin": "", "items": c}
            for n, c in counts.items()
        ]
    return _small(context, rows, COUNTS).withColumn("value", _no_value())


def _facts(context: StepContext, versions: Mapping[Partition, str]) -> DataFrame:
    """A row a partition; without items there is nothing to share among them."""
    items = rows_by_partition(context.runtime.lakehouse, GOLD_FEEDBACK.name)
    rows = [
        {
            "day": partition.day,
            "source": partition.source,
            "profiled_version": versions[partition],
            "_volume": items.get(partition) or None,
        }
        for partition in context.partitions
    ]
    return F.broadcast(_small(context, rows, _FACTS))


def _by_bin(frame: DataFrame, features: tuple[str, ...]) -> DataFrame:
    """Rows of `frame` by bin of each of the columns `features`; a null is in no bin."""
    long = frame.unpivot(PARTITION, features, "feature", "bin").where("bin IS NOT NULL")
    return long.groupBy(*BIN).agg(F.sum(F.lit(1)).alias("items"))


def _to_share(summed: DataFrame, feature: str) -> DataFrame:
    return summed.select(
        *PARTITION,
        F.lit(feature).alias("feature"),
        F.lit("").alias("bin"),
        F.lit(0).cast("long").alias("items"),
        "value",
    )


def _no_value() -> Column:
    return F.lit(None).cast("double").alias("value")


def _small(
    context: StepContext, rows: Sequence[Mapping[str, object]], schema: pa.Schema
) -> DataFrame:
    table = pa.Table.from_pylist(list(rows), schema=schema)
    return frame_of(context.runtime.engine.session(), table)


PROFILE = Step(
    "feedback_profile",
    ("gold_feedback", "gold_topics", "silver_feedback", "bronze_feedback"),
    profile,
    row_for_row=False,
    code_version="1",
)
