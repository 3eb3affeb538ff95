"""Reviews of models as they stand.

Belongs here: reading `model_reviews`, for those who act on a review. Does not belong here: what
opens one (the quality room).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from feedback_assets.contracts.monitoring import MODEL_REVIEWS
from resources.lakehouse.base import Lakehouse


@dataclass(frozen=True, slots=True)
class Review:
    """One review as it stands; the fields are the table's columns."""

    review_id: str
    stage: str
    reason: str
    label: str | None
    source: str | None
    remedy: str
    value: float
    threshold: float
    words: tuple[str, ...]
    detail: str
    state: str
    opened_at: datetime
    closed_by: str | None
    note: str | None
    recorded_at: datetime
    run_id: str | None

    @property
    def is_open(self) -> bool:
        """Nobody has closed it."""
        return self.state == "open"

    @property
    def about(self) -> str:
        """What was flagged, in a few words."""
        where = f" in {self.source}" if self.source else ""
        return f"{self.reason} of {' '.join(filter(None, (self.stage, self.label)))}{where}"


def all_reviews(lakehouse: Lakehouse) -> list[Review]:
    """Every review as it stands, the first opened first."""
    if not lakehouse.exists(MODEL_REVIEWS.name):
        return []
    latest: dict[str, Review] = {}
    rows = lakehouse.scan(MODEL_REVIEWS.name).read_all().to_pylist()
    for row in sorted(rows, key=lambda row: row["recorded_at"]):
        latest[row["review_id"]] = Review(**{**row, "words": tuple(row["words"])})
    return sorted(latest.values(), key=lambda review: (review.opened_at, review.review_id))


def open_reviews(lakehouse: Lakehouse) -> list[Review]:
    """Reviews that nobody has closed, the first opened first."""
    return [review for review in all_reviews(lakehouse) if review.is_open]
