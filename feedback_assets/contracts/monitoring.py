"""Contracts of what watches the path: profiles, overrides, model reviews, notifications.

Belongs here: what each of these tables promises. Does not belong here: verdicts and metrics
(ledgers.py), and the path's own tables (tables.py, which also lists these).
"""

from __future__ import annotations

from feedback_assets.contracts.columns import (
    BOOLEAN,
    DOUBLE,
    INTEGER,
    STRING,
    STRINGS,
    TIMESTAMP,
    Column,
    Table,
)
from feedback_assets.contracts.item import DAY, SOURCE

FEEDBACK_PROFILE = Table(
    "feedback_profile",
    "quality",
    "What a partition's items are like: items by class of each feature. Drift is judged on it.",
    (
        DAY,
        SOURCE,
        Column("feature", STRING, "What was looked at", nullable=False),
        Column("bin", STRING, "Class of the feature", nullable=False),
        Column("items", INTEGER, "Items of the class", False, (), 0),
        Column("value", DOUBLE, "Of a feature that is one number a day, the number"),
        Column("profiled_version", STRING, "Fingerprint of the gold_feedback looked at", False),
    ),
    key=("feature", "bin"),
)

GATE_OVERRIDES = Table(
    "gate_overrides",
    "quality",
    "Failed verdicts that an operator overrode, by name, with a reason and an expiry. The latest "
    "row of an override holds.",
    (
        DAY,
        SOURCE,
        Column("override_id", STRING, "The override", nullable=False),
        Column("check", STRING, "The check whose verdict is overridden", nullable=False),
        Column("operator", STRING, "Who answers for it", nullable=False),
        Column("reason", STRING, "Why", nullable=False),
        Column("verdict", STRING, "What the check had said", nullable=False),
        Column("value", DOUBLE, "What had been measured"),
        Column("threshold", DOUBLE, "What it had been held against"),
        Column("new_normal", BOOLEAN, "References of the source begin anew on this day", False),
        Column("expires_at", TIMESTAMP, "When it ceases to hold", nullable=False),
        Column("revoked", BOOLEAN, "It was taken back", nullable=False),
        Column("recorded_at", TIMESTAMP, "When", nullable=False),
    ),
    key=("override_id", "recorded_at"),
    partition_by=("day",),
    append_only=True,
)

REVIEW_REASONS = ("override_rate", "confidence_decline", "new_vocabulary")
REVIEW_REMEDIES = ("retrain", "re_prompt", "look")
MODEL_REVIEWS = Table(
    "model_reviews",
    "quality",
    "Why a model stage was flagged for review, until someone closes it. The latest row of a "
    "review holds.",
    (
        Column("review_id", STRING, "The flag: hash of stage, reason, label, source", False),
        Column("stage", STRING, "Stage flagged", nullable=False),
        Column("reason", STRING, "What was noticed", False, REVIEW_REASONS),
        Column("label", STRING, "Class it was noticed in; null for all"),
        Column("source", STRING, "Source it was noticed in; null for all"),
        Column("remedy", STRING, "What it calls for", False, REVIEW_REMEDIES),
        Column("value", DOUBLE, "What was measured", nullable=False),
        Column("threshold", DOUBLE, "What it was held against", nullable=False),
        Column("words", STRINGS, "Words that no model saw, most frequent first", nullable=False),
        Column("detail", STRING, "What was noticed and what to do", nullable=False),
        Column("state", STRING, "Where it stands", False, ("open", "closed")),
        Column("opened_at", TIMESTAMP, "When it was first noticed", nullable=False),
        Column("closed_by", STRING, "Who closed it"),
        Column("note", STRING, "What was done about it"),
        Column("recorded_at", TIMESTAMP, "When this row was written", nullable=False),
        Column("run_id", STRING, "Run that wrote it; null for a person"),
    ),
    key=("review_id", "recorded_at"),
    partition_by=(),
    append_only=True,
)

NOTIFICATIONS = Table(
    "notifications",
    "quality",
    "Messages that were sent, so that none is sent twice.",
    (
        Column("notification_key", STRING, "What it is about", nullable=False),
        Column("kind", STRING, "Why it was sent", False, ("gate", "run", "deadline", "review")),
        Column("title", STRING, "First line", nullable=False),
        Column("channels", STRINGS, "Where it was delivered", nullable=False),
        Column("sent_at", TIMESTAMP, "When", nullable=False),
    ),
    key=("notification_key", "sent_at"),
    partition_by=(),
    append_only=True,
)
