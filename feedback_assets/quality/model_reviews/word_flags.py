"""Words that no model has seen, and that customers have begun to use.

Belongs here: telling new words from those that were always there. Does not belong here: which
words the training examples have (the profile says so).

A profile holds the unknown words that most items of a day bear; a word that it leaves out counts
as not borne. A word is new where enough of the last week's items bear it, in all or of one
source, and of the weeks before a tenth of that share at most: five items where half of one was
due come by chance in one of six thousand words.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from feedback_assets.contracts.quality_rules import QualityRules
from feedback_assets.quality.model_reviews.flags import ALL, Flag
from feedback_assets.quality.model_reviews.weeks import RECENT_DAYS, Weeks

FEATURES = ("unknown_word", "volume")
HARDLY = 0.1
"""Share of its recent share that a new word may have had before."""
MOST_WORDS, SHOWN = 50, 10


class NewWord(NamedTuple):
    """A word, the items that bear it, their share, and of which source (None: of all)."""

    word: str
    items: int
    share: float
    source: str | None


def word_flags(weeks: Weeks, rules: QualityRules) -> list[Flag]:
    """One flag with all new words, most frequent first; none without any.

    `value` is the greatest share of items that bear one of them.
    """
    words = new_words(weeks, rules)
    if not words:
        return []
    told = ", ".join(
        f"{each.word} ({each.items} items, {each.share:.1%} of {each.source or 'all'})"
        for each in words[:SHOWN]
    )
    more = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    detail = (
        f"In the {RECENT_DAYS} days to {weeks.last} customers use words that no training example "
        f"has and that the {rules.reference.days} days before hardly had: {told}{more}. To do: "
        "find out what they name (a release, a competitor, another language). Decide items that "
        "bear them, or label some below golden_set/train, then run the job train_classifier"
    )
    return [
        Flag(
            ALL, "new_vocabulary", None, None, "retrain", max(each.share for each in words),
            rules.human.flag_new_words.least_share, f"{detail}.",
            tuple(each.word for each in words[:MOST_WORDS]),
        )
    ]  # fmt: skip


def new_words(weeks: Weeks, rules: QualityRules) -> list[NewWord]:
    """New words, most frequent first, each where the greatest share of items bears it."""
    found: dict[str, NewWord] = {}
    sources = sorted(set(weeks.recent["source"].to_list()))
    for source in (None, *sources):
        own = pl.lit(True) if source is None else pl.col("source") == source
        narrowed = Weeks(weeks.last, weeks.recent.filter(own), weeks.reference.filter(own))
        for word in _new_of(narrowed, rules, source):
            earlier = found.get(word.word)
            if earlier is None or earlier.share < word.share:
                found[word.word] = word
    return sorted(found.values(), key=lambda each: (-each.items, each.word))


def _new_of(weeks: Weeks, rules: QualityRules, source: str | None) -> list[NewWord]:
    recent_items, reference_items = (int(side["items"].sum()) for side in weeks.of("volume"))
    days = weeks.of("volume")[1]["day"].n_unique()
    if (
        not recent_items
        or reference_items < rules.reference.least_items
        or days < rules.reference.least_days
    ):
        return []
    recent, reference = (_borne(side) for side in weeks.of("unknown_word"))
    wanted = rules.human.flag_new_words
    share, before = pl.col("items") / recent_items, pl.col("items_before") / reference_items
    new = (
        recent.join(reference, on="bin", how="left", suffix="_before")
        .with_columns(pl.col("items_before").fill_null(0))
        .filter(
            (pl.col("items") >= wanted.least_items)
            & (share >= wanted.least_share)
            & (before <= HARDLY * share)
        )
        .select("bin", "items", share.alias("share"))
    )
    return [NewWord(word, items, part, source) for word, items, part in new.iter_rows()]


def _borne(counts: pl.DataFrame) -> pl.DataFrame:
    return counts.group_by("bin").agg(pl.col("items").sum())
