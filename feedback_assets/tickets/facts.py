"""What a ticket tells of, as records: a cluster and what its items say.

Belongs here: the facts' shape. Does not belong here: gathering them (cluster_facts.py) and their
words (draft.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class Quote:
    """What one item says: `quote` is masked evidence, `origin` its landing file and line."""

    feedback_id: str
    source: str
    day: date
    language: str
    quote: str
    origin: str


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """All that a ticket tells of a cluster; counts are items by name.

    `size` counts items, `customers` different customers where that is known. `overrides` are
    sentences on what people corrected or overruled, `gate_overrides` on the closed gates that
    operators let items of the ticket through.
    """

    cluster_id: str
    label: str
    category: str
    sub_category: str
    severity: str
    sentiments: Mapping[str, int]
    priority_score: float
    lane: str
    owner_team: str
    queue: str
    rule_ids: Sequence[str]
    rule_version: str
    size: int
    first_seen: date
    last_seen: date
    sources: Mapping[str, int]
    versions: Mapping[str, int]
    platforms: Mapping[str, int]
    countries: Mapping[str, int]
    tiers: Mapping[str, int]
    languages: Mapping[str, int]
    confidence_min: float
    confidence_mean: float
    confidence_max: float
    root_cause_summary: str
    root_cause_type: str
    action: str
    action_detail: str
    quotes: Sequence[Quote]
    model_version: str
    run_id: str
    overrides: Sequence[str] = field(default=())
    gate_overrides: Sequence[str] = field(default=())
    segments: Mapping[str, int] = field(default_factory=dict)
    customers: int | None = None
