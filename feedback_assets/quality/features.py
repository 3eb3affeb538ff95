"""What an item is like: the bin of each feature it falls into.

Belongs here: bins, as Spark expressions. Does not belong here: words (words.py) and counting
(profile_step.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

from feedback_assets.contracts.calls import UNUSABLE_OUTCOMES
from feedback_assets.contracts.item import ITEM
from feedback_assets.pipeline.arrow_map import map_arrow
from feedback_assets.pipeline.step import StepContext
from feedback_assets.quality.words import MASKED, known_words, with_shares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame

ITEM_FEATURES: tuple[str, ...] = (
    "category", "sentiment", "severity", "language", "rating", "text_length", "unknown_words",
    "confidence", "tier",
)  # fmt: skip
"""Features that give each item one bin."""
ITEM_COUNTS: tuple[str, ...] = ("volume", "future_dates", "unread_ratings", "no_words")
"""Features that an item has or has not: the bin is the empty string or null."""
ANSWER_FEATURES: tuple[str, ...] = ("answer", "content_filter")
"""Features of a question to the language model; of one that is not settled, null."""

KEY = [column.name for column in ITEM]
_BEFORE_WORDS = [n for n in (*ITEM_FEATURES, *ITEM_COUNTS) if n != "unknown_words"]
_MARKED = pa.schema(
    [
        *[pa.field(column.name, column.type) for column in ITEM],
        *[pa.field(name, pa.string()) for name in (*_BEFORE_WORDS, "unknown_words")],
    ]
)
_FIFTHS = [(step / 5, f"{step / 5 - 0.2:.1f}-{step / 5:.1f}") for step in range(1, 6)]
_TENTHS = [(step / 10, f"{step / 10 - 0.1:.1f}-{step / 10:.1f}") for step in range(1, 11)]
_LENGTHS = [
    (1, "0"),
    (16, "1-15"),
    *[(2 << power, f"{1 << power}-{(2 << power) - 1}") for power in range(4, 15)],
    (0, "32768+"),
]


def binned(context: StepContext) -> DataFrame:
    """A row for each item that `gold_feedback` holds in the context's partitions.

    Columns: `day`, `source`, `feedback_id`, and the bin of each of `ITEM_FEATURES` (a string).
    `unknown_words` is null where there are no training examples to know words from.
    """
    known = known_words(context.runtime.golden_set)
    return marked(context, known).select(*KEY, *ITEM_FEATURES)


def marked(context: StepContext, known: frozenset[str] | None) -> DataFrame:
    """As `binned`, and the bin of each of `ITEM_COUNTS`; `known` are the known words."""
    items = _items(context).select(*KEY, *_bins(), *_counted(), "text")
    return map_arrow(items.select(*KEY, *_BEFORE_WORDS, "text"), with_shares(known), _MARKED)


def answer_bins(outcome: Column) -> list[Column]:
    """The columns `ANSWER_FEATURES` of a settled question's `outcome`.

    An answer that the service's content filter held back is neither usable nor unusable.
    """
    invalid = [name for name in UNUSABLE_OUTCOMES if name != "filtered"]
    usable = F.when(outcome == "answered", F.lit("usable"))
    passed = F.when(outcome.isNotNull(), F.lit("passed"))
    return [
        usable.when(outcome.isin(*invalid), F.lit("unusable")).alias("answer"),
        F.when(outcome == "filtered", F.lit("filtered")).otherwise(passed).alias("content_filter"),
    ]


def _items(context: StepContext) -> DataFrame:
    gold = context.table("gold_feedback").select(
        *KEY, "text", "language", "rating", "created_at", "received_at", "sentiment", "severity",
        "primary_category", "category_confidence",
    )  # fmt: skip
    tiers = context.table("gold_topics").select(*KEY, F.col("provenance")["tier"].alias("made_by"))
    ratings = context.table("silver_feedback").select(*KEY, "rating_original")
    return gold.join(tiers, KEY, "left").join(ratings, KEY, "left")


def _bins() -> list[Column]:
    area = F.col("primary_category")
    columns = {
        "category": area,
        "sentiment": F.col("sentiment"),
        "severity": F.col("severity"),
        "language": F.col("language"),
        "rating": _step(F.col("rating"), _FIFTHS),
        "text_length": _step(F.length("text"), _LENGTHS),
        "confidence": F.concat_ws("|", area, _step(F.col("category_confidence"), _TENTHS)),
        "tier": F.coalesce("made_by", F.lit("none")),
    }
    return [column.alias(name) for name, column in columns.items()]


def _counted() -> list[Column]:
    written = F.regexp_replace("text", MASKED, "")
    has = {
        "volume": F.lit(True),
        "future_dates": F.col("created_at") > F.col("received_at") + F.expr("INTERVAL 1 DAY"),
        "unread_ratings": F.col("rating").isNull() & F.col("rating_original").isNotNull(),
        "no_words": ~written.rlike(r"\p{L}"),
    }
    return [F.when(condition, F.lit("")).alias(name) for name, condition in has.items()]


def _step(value: Column, steps: Sequence[tuple[float, str]]) -> Column:
    """The name of the first step whose upper bound `value` is below, else the last's."""
    (bound, name), *others = steps[:-1]
    found = F.when(value.isNull(), F.lit("none")).when(value < bound, F.lit(name))
    for bound, name in others:
        found = found.when(value < bound, F.lit(name))
    return found.otherwise(F.lit(steps[-1][1]))
