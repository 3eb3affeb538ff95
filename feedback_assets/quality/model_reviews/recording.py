"""Reviews of models written down: opened by a flag, kept up to date, closed by a person.

Belongs here: rows of `model_reviews`. Does not belong here: reading them
(pipeline/open_reviews.py) and what is flagged.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from feedback_assets.contracts.monitoring import MODEL_REVIEWS
from feedback_assets.pipeline.open_reviews import Review, all_reviews
from feedback_assets.quality.model_reviews.flags import Flag
from resources.lakehouse.base import Lakehouse

CLEARLY_WORSE = 0.1
"""What a measure must have gained on what it was when a review was closed, to open it again before
its time."""


class ReviewRefused(ValueError):
    """The review can't be closed; the message says why and what to do."""


@dataclass
class Recorded:
    """What recording came to: reviews opened, and those that were open and changed."""

    opened: list[Review] = field(default_factory=list)
    updated: list[Review] = field(default_factory=list)


def record(
    lakehouse: Lakehouse,
    flags: Sequence[Flag],
    close_after: dt.timedelta,
    run_id: str,
    now: dt.datetime,
) -> Recorded:
    """Open a review for each of `flags`, or bring the open one up to date.

    A review that is no longer flagged stays open until a person closes it. What was closed within
    `close_after` stays closed unless it got clearly worse: its measure gained `CLEARLY_WORSE`, or
    there are new words that the closed review did not have. `now` (aware) is taken before this
    is called, so that whoever closes a review meanwhile has the last word.
    """
    known = {review.review_id: review for review in all_reviews(lakehouse)}
    done = Recorded()
    for flag in flags:
        earlier = known.get(flag.review_id)
        if earlier is not None and earlier.is_open:
            current = _reviewed(flag, earlier.opened_at, run_id, now)
            if _said(current) != _said(earlier):
                done.updated.append(current)
        elif earlier is None or _due_again(flag, earlier, close_after, now):
            done.opened.append(_reviewed(flag, now, run_id, now))
    _append(lakehouse, [*done.opened, *done.updated])
    return done


def close_review(
    lakehouse: Lakehouse, review_id: str, by: str, note: str, now: dt.datetime
) -> Review:
    """Close an open review at `now` (aware), in the name of `by`, with what was done about it.

    Raises `ReviewRefused` for an unknown or closed review, and without a name or a note.
    """
    if not by.strip():
        raise ReviewRefused("closing a review needs a name: say who answers for it")
    if not note.strip():
        raise ReviewRefused("closing a review needs a note: say what was done about it")
    review = {each.review_id: each for each in all_reviews(lakehouse)}.get(review_id)
    if review is None:
        raise ReviewRefused(f"there is no review {review_id!r}; feedback reviews lists them")
    if not review.is_open:
        when = f"{review.recorded_at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
        raise ReviewRefused(
            f"{review_id} was closed by {review.closed_by} at {when}: {review.note}"
        )
    closed = replace(
        review,
        state="closed",
        closed_by=by.strip(),
        note=note.strip(),
        # Another machine's clock may be ahead, and what was read is what is closed.
        recorded_at=max(now, review.recorded_at + dt.timedelta(microseconds=1)),
        run_id=None,
    )
    _append(lakehouse, [closed])
    return closed


def _reviewed(flag: Flag, opened_at: dt.datetime, run_id: str, now: dt.datetime) -> Review:
    # Sums over rows in another order differ in their last digits, which is no news.
    value, threshold = round(flag.value, 6), round(flag.threshold, 6)
    return Review(
        flag.review_id, flag.stage, flag.reason, flag.label, flag.source, flag.remedy, value,
        threshold, flag.words, flag.detail, "open", opened_at, None, None, now, run_id,
    )  # fmt: skip


def _said(review: Review) -> tuple[object, ...]:
    return review.remedy, review.value, review.threshold, review.words, review.detail


def _due_again(flag: Flag, closed: Review, close_after: dt.timedelta, now: dt.datetime) -> bool:
    if now - closed.recorded_at >= close_after:
        return True
    if flag.words:
        return bool(set(flag.words) - set(closed.words))
    return flag.value - closed.value >= CLEARLY_WORSE


def _append(lakehouse: Lakehouse, reviews: Sequence[Review]) -> None:
    if not reviews:
        return
    rows = [
        {name: getattr(review, name) for name in MODEL_REVIEWS.column_names} for review in reviews
    ]
    batch = pa.RecordBatch.from_pylist(rows, schema=MODEL_REVIEWS.schema)
    lakehouse.append(MODEL_REVIEWS, [batch])
