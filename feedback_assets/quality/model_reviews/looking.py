"""What the models are flagged for, looked for and written down.

Belongs here: the order of looking, and open reviews as Markdown. Does not belong here: each kind
of flag; Dagster.
"""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Sequence
from dataclasses import dataclass

from feedback_assets.pipeline.open_reviews import Review, open_reviews
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.quality.model_reviews import confidence_flags as of_confidence
from feedback_assets.quality.model_reviews import word_flags as of_words
from feedback_assets.quality.model_reviews.flags import Flag
from feedback_assets.quality.model_reviews.override_flags import override_flags
from feedback_assets.quality.model_reviews.recording import record
from feedback_assets.quality.model_reviews.weeks import read_weeks

COLUMNS = ("since", "stage", "noticed", "in", "measured", "held against", "remedy", "what to do",
           "review")  # fmt: skip


@dataclass(frozen=True)
class Looked:
    """What looking came to: reviews opened now, brought up to date, and all that are open."""

    opened: Sequence[Review]
    updated: Sequence[Review]
    open: Sequence[Review]


def review_models(runtime: Runtime, now: dt.datetime) -> Looked:
    """Flag what people override, what models are less sure of, and new words, as of `now`.

    Overrides are those decided in the days before `now` (aware); confidence and words are of the
    last week that has data.
    """
    flags = flagged(runtime, now)
    close_after = dt.timedelta(days=runtime.quality_rules.human.close_after_days)
    done = record(runtime.lakehouse, flags, close_after, runtime.run_id, now)
    return Looked(done.opened, done.updated, open_reviews(runtime.lakehouse))


def flagged(runtime: Runtime, now: dt.datetime) -> list[Flag]:
    """All that calls for a look; writes nothing."""
    rules, lakehouse = runtime.quality_rules, runtime.lakehouse
    flags = override_flags(lakehouse, rules.human, runtime.prompts_folder, now)
    features = (of_confidence.FEATURE, *of_words.FEATURES)
    weeks = read_weeks(lakehouse, features, rules.reference.days)
    if weeks is not None:
        flags += of_confidence.confidence_flags(weeks, rules)
        flags += of_words.word_flags(weeks, rules)
    return flags


def as_markdown(reviews: Sequence[Review]) -> str:
    """Open reviews as a table, the first opened first."""
    if not reviews:
        return "No review of a model is open."
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for review in reviews:
        cells = (
            f"{review.opened_at:%Y-%m-%d}", review.stage, review.reason.replace("_", " "),
            ", ".join(filter(None, (review.label, review.source))), f"{review.value:.2f}",
            f"{review.threshold:.2f}", review.remedy, review.detail, review.review_id,
        )  # fmt: skip
        lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    lines += ["", "Close one: `feedback reviews close ID --by NAME --note TEXT`"]
    return "\n".join(lines)


def _cell(text: str) -> str:
    """Text that neither ends the cell nor is markup; words out of feedback may stand in it."""
    return html.escape(" ".join(text.split()), quote=False).replace("|", "&#124;")
