"""Every table's contract, in the order of the path.

Belongs here: what each table promises. Does not belong here: how its rows are made.
A new table is one entry here and one step in its room.
"""

from __future__ import annotations

import pyarrow as pa

from feedback_assets.contracts.columns import (
    BOOLEAN,
    DOUBLE,
    INTEGER,
    STRING,
    STRINGS,
    TIMESTAMP,
    Column,
    Reference,
    Table,
    by_name,
)
from feedback_assets.contracts.decisions import DECISIONS, LANES, TICKET_STATES, VALIDATION_STATES
from feedback_assets.contracts.findings import EVIDENCE_SPANS, SCORES
from feedback_assets.contracts.item import DAY, ITEM, SOURCE
from feedback_assets.contracts.ledgers import (
    GATE_STATUS,
    GOLDEN_EVALUATION,
    GOLDEN_PREDICTIONS,
    LANDING_ARRIVALS,
    MODEL_BATCHES,
    MODEL_CALLS,
    QUARANTINE,
    STAGE_METRICS,
    URGENT_ITEMS,
)
from feedback_assets.contracts.monitoring import (
    FEEDBACK_PROFILE,
    GATE_OVERRIDES,
    MODEL_REVIEWS,
    NOTIFICATIONS,
)
from feedback_assets.contracts.provenance import PROVENANCE
from feedback_assets.contracts.taxonomy import (
    ACTIONS,
    CATEGORIES,
    ROOT_CAUSE_TYPES,
    SENTIMENTS,
    SEVERITIES,
    SUB_CATEGORIES,
)

CONFIDENCE = Column(
    "confidence", DOUBLE, "Calibrated probability that the finding is right", False, (), 0, 1
)
RATIONALE = Column("rationale", STRING, "Why, in a sentence", nullable=False)
EVIDENCE = Column(
    "evidence_spans", EVIDENCE_SPANS, "Spans of the masked text: text[start:end] == quote", False
)
PROVENANCE_COLUMN = Column("provenance", PROVENANCE, "Which model, from what, when", nullable=False)
FINDING = (CONFIDENCE, RATIONALE, EVIDENCE, PROVENANCE_COLUMN)

SENTIMENT = Column("sentiment", STRING, "Tone of the item", False, SENTIMENTS)
CATEGORY_LIST = Column("categories", STRINGS, "Product areas the item is about", False, CATEGORIES)
PRIMARY_CATEGORY = Column("primary_category", STRING, "Area of most weight", False, CATEGORIES)
SUB_CATEGORY = Column("sub_category", STRING, "What of the area", False, SUB_CATEGORIES)
SEVERITY = Column("severity", STRING, "How much it hurts", False, SEVERITIES)
ROOT_CAUSE_SUMMARY = Column(
    "root_cause_summary", STRING, "The complaint in its own words, one line", nullable=False
)
ROOT_CAUSE_TYPE = Column("root_cause_type", STRING, "Kind of cause", False, ROOT_CAUSE_TYPES)
ACTION = Column("action", STRING, "Recommended action", False, ACTIONS)
ACTION_DETAIL = Column("action_detail", STRING, "The action for this item", nullable=False)

RATING = Column("rating", DOUBLE, "0 worst to 1 best", True, (), 0, 1)
PRODUCT_FACTS = (
    Column("created_at", TIMESTAMP, "When the customer wrote it, if the source says"),
    RATING,
    Column("product", STRING, "Product or app"),
    Column("product_version", STRING, "Version the customer used"),
    Column("platform", STRING, "Platform or channel"),
    Column("country", STRING, "Country or state, as the source writes it"),
    Column("customer_token", STRING, "The customer, as a stable token"),
    Column("customer_tier", STRING, "The customer's plan"),
    Column("segment", STRING, "Customer segment"),
    Column("correlation_id", STRING, "Order or case the item belongs to, masked"),
)
TEXT = Column("text", STRING, "Clean text, personal data replaced by tokens", nullable=False)
LANGUAGE = Column("language", STRING, "ISO 639-1, or und where it can't be told", nullable=False)
CONTENT_HASH = Column("content_hash", STRING, "SHA-256 of the normalised content", nullable=False)

READ_IN_SILVER = (Reference("silver_feedback", unless="duplicate_of"),)
"""What a customer sent twice is read once: of its rows only the first goes on."""

BRONZE_FEEDBACK = Table(
    "bronze_feedback",
    "bronze",
    "Landing files, one row an item, payload byte for byte. Append-only.",
    (
        *ITEM,
        Column("native_id", STRING, "The source's own id", nullable=False),
        Column("payload", STRING, "Exact text of the record", nullable=False, pii=True),
        Column("payload_format", STRING, "How to parse it", False, ("json", "csv", "parquet")),
        Column("payload_header", STRING, "CSV header the record stood under"),
        Column("payload_sha256", STRING, "SHA-256 of the payload", nullable=False),
        Column("origin", STRING, "Landing file and line: path#line", nullable=False),
        Column("received_at", TIMESTAMP, "When the landing file was last written", nullable=False),
        Column("ingested_at", TIMESTAMP, "When the row was made", nullable=False),
    ),
    key=("feedback_id", "origin"),
    append_only=True,
)

SILVER_FEEDBACK = Table(
    "silver_feedback",
    "silver",
    "One canonical schema: clean, masked, redeliveries dropped.",
    (
        *ITEM,
        Column("native_id", STRING, "The source's own id", nullable=False),
        TEXT,
        LANGUAGE,
        Column("received_at", TIMESTAMP, "When the landing file was last written", nullable=False),
        *PRODUCT_FACTS,
        Column("rating_original", STRING, "The rating as the source wrote it, and its scale"),
        CONTENT_HASH,
        Column("revision", INTEGER, "1 for the first text of an item, 2 for its first edit", False),
        Column("supersedes", STRING, "feedback_id of the revision before"),
        Column("duplicate_of", STRING, "The same customer's earlier item with the same text"),
        Column("pii_types", STRINGS, "Kinds of personal data replaced", nullable=False),
        Column("source_metadata", pa.map_(STRING, STRING), "What only this source knows, masked"),
        Column("origin", STRING, "Landing file and line", nullable=False),
    ),
    made_from=("bronze_feedback",),
    references=(Reference("bronze_feedback"),),
)

GOLD_SENTIMENT = Table(
    "gold_sentiment",
    "gold",
    "Tone of each item, with evidence.",
    (*ITEM, SENTIMENT, *FINDING),
    made_from=("silver_feedback", "gold_translation"),
    references=READ_IN_SILVER,
)
GOLD_TOPICS = Table(
    "gold_topics",
    "gold",
    "Product areas and severity of each item, with evidence.",
    (
        *ITEM,
        CATEGORY_LIST,
        PRIMARY_CATEGORY,
        SUB_CATEGORY,
        SEVERITY,
        Column("severity_confidence", DOUBLE, "Confidence in the severity", False, (), 0, 1),
        Column("category_scores", SCORES, "Calibrated probability of each area", nullable=False),
        *FINDING,
    ),
    made_from=("silver_feedback", "gold_translation"),
    references=READ_IN_SILVER,
)
GOLD_ROOT_CAUSE = Table(
    "gold_root_cause",
    "gold",
    "What fails, in the complaint's own words.",
    (*ITEM, ROOT_CAUSE_SUMMARY, ROOT_CAUSE_TYPE, *FINDING),
    made_from=("silver_feedback", "gold_translation", "gold_topics", "gold_sentiment"),
    references=READ_IN_SILVER,
)
GOLD_RECOMMENDATION = Table(
    "gold_recommendation",
    "gold",
    "The action each item calls for, by rules.",
    (*ITEM, ACTION, ACTION_DETAIL, *FINDING),
    made_from=(*GOLD_ROOT_CAUSE.made_from, "gold_root_cause"),
    references=READ_IN_SILVER,
)
GOLD_TRANSLATION = Table(
    "gold_translation",
    "gold",
    "How each item is read: what in it tries to instruct the reader, and the text in English.",
    (
        *ITEM,
        Column("english", STRING, "The text in English; null where nobody translated it"),
        Column("attempts", EVIDENCE_SPANS, "Passages no model reads: they instruct it", False),
        Column(
            "suspect", BOOLEAN, "There may be more of them: a person's, shown to no model", False
        ),
        PROVENANCE_COLUMN,
    ),
    made_from=("silver_feedback",),
    references=READ_IN_SILVER,
)
GOLD_FEEDBACK = Table(
    "gold_feedback",
    "gold",
    "The business-ready join of text, facts and findings, safe to consume.",
    (
        *ITEM,
        TEXT,
        LANGUAGE,
        Column("received_at", TIMESTAMP, "When the landing file was last written", nullable=False),
        *PRODUCT_FACTS,
        CONTENT_HASH,
        SENTIMENT,
        Column("sentiment_confidence", DOUBLE, "Confidence in the sentiment", False, (), 0, 1),
        CATEGORY_LIST,
        PRIMARY_CATEGORY,
        SUB_CATEGORY,
        Column("category_confidence", DOUBLE, "Confidence in the areas", False, (), 0, 1),
        SEVERITY,
        Column("severity_confidence", DOUBLE, "Confidence in the severity", False, (), 0, 1),
        ROOT_CAUSE_SUMMARY,
        ROOT_CAUSE_TYPE,
        ACTION,
        ACTION_DETAIL,
        EVIDENCE,
        Column("english", STRING, "The text in English, where it was translated"),
        Column("doubts", STRINGS, "Stages whose finding does not stand by itself", nullable=False),
        Column("model_version", STRING, "Model behind the areas", nullable=False),
    ),
    made_from=(*GOLD_RECOMMENDATION.made_from, "gold_recommendation"),
    references=READ_IN_SILVER,
)

FEEDBACK_CLUSTERS = Table(
    "feedback_clusters",
    "triage",
    "The same complaint in other words shares a cluster, across sources and days.",
    (
        *ITEM,
        Column("cluster_id", STRING, "The complaint; null where there is nothing to act on"),
        Column(
            "similarity",
            DOUBLE,
            "Cosine to the cluster it joined, 1 for a founder",
            True,
            (),
            0,
            1.000001,
        ),
        Column("cluster_label", STRING, "Words that tell the cluster apart"),
        Column("primary_category", STRING, "Area of the item", False, CATEGORIES),
        Column("terms", pa.list_(pa.int32()), "Hashed terms of the item", nullable=False),
        Column("weights", pa.list_(pa.float32()), "Unit-length weights of the terms", False),
    ),
    made_from=("gold_feedback",),
    references=READ_IN_SILVER,
)
TRIAGE = Table(
    "triage",
    "triage",
    "Priority, lane and owner of each item, by rules, with the rules that fired.",
    (
        *ITEM,
        Column("cluster_id", STRING, "The complaint it belongs to"),
        Column(
            "lane", STRING, "fast: act now; review: a person decides; bulk: counted", False, LANES
        ),
        Column("priority_score", DOUBLE, "0 to 100", False, (), 0, 100),
        Column("owner_team", STRING, "Team that owns the area", nullable=False),
        Column("queue", STRING, "Queue of the team's tracker", nullable=False),
        Column("rule_ids", STRINGS, "Rules that fired, in order", nullable=False),
        Column("rule_version", STRING, "Hash of the rules in force", nullable=False),
        Column("auto_approve", BOOLEAN, "Rules let it pass without a person", nullable=False),
        Column("open_ticket", BOOLEAN, "Once approved, it becomes or joins a ticket", False),
    ),
    made_from=("gold_feedback", "feedback_clusters"),
    references=READ_IN_SILVER,
)
VALIDATED_FEEDBACK = Table(
    "validated_feedback",
    "review",
    "Model findings plus human decisions.",
    (
        *ITEM,
        Column("validation_state", STRING, "Who let it pass, if anyone", False, VALIDATION_STATES),
        Column("cluster_id", STRING, "The complaint it belongs to"),
        Column("lane", STRING, "Lane", False, LANES),
        Column("priority_score", DOUBLE, "0 to 100", False, (), 0, 100),
        Column("owner_team", STRING, "Team that owns the area", nullable=False),
        Column("queue", STRING, "Queue of the team's tracker", nullable=False),
        Column("open_ticket", BOOLEAN, "Once approved, it becomes or joins a ticket", False),
        SENTIMENT,
        CATEGORY_LIST,
        PRIMARY_CATEGORY,
        SEVERITY,
        ACTION,
        CONFIDENCE,
        Column("reviewer", STRING, "Who decided"),
        Column("decision_reason", STRING, "Why, in the reviewer's or the rule's words"),
        Column("decided_at", TIMESTAMP, "When it was decided"),
    ),
    made_from=("triage", "gold_feedback"),
    references=READ_IN_SILVER,
)
REVIEW_DECISIONS = Table(
    "review_decisions",
    "review",
    "What people decided, one row a decision; the latest of an item holds.",
    (
        *ITEM,
        Column("decision", STRING, "What was decided", False, DECISIONS),
        Column("categories", STRINGS, "Corrected areas, if edited", True, CATEGORIES),
        Column("sentiment", STRING, "Corrected tone, if edited", True, SENTIMENTS),
        Column("severity", STRING, "Corrected severity, if edited", True, SEVERITIES),
        Column("action", STRING, "Corrected action, if edited", True, ACTIONS),
        Column("reviewer", STRING, "Who decided", nullable=False),
        Column("reason", STRING, "Why"),
        Column("decided_at", TIMESTAMP, "When", nullable=False),
    ),
    key=("feedback_id", "decided_at"),
    append_only=True,
)
TICKETS = Table(
    "tickets",
    "tickets",
    "One row a ticket, in the partition that opened it; also the outbox of what is being sent.",
    (
        DAY,
        SOURCE,
        Column("idempotency_key", STRING, "Unique key, committed before the request", False),
        Column("cluster_id", STRING, "The complaint", nullable=False),
        Column("ticket_key", STRING, "The tracker's key, once it answered"),
        Column("state", STRING, "Where the ticket stands", False, TICKET_STATES),
        Column("queue", STRING, "Queue it was routed to", nullable=False),
        Column("title", STRING, "Title", nullable=False),
        Column("payload", STRING, "The ticket as sent, JSON", nullable=False),
        Column("updated_at", TIMESTAMP, "Last change", nullable=False),
        Column("run_id", STRING, "Run of the last change", nullable=False),
    ),
    key=("idempotency_key",),
)
TICKET_ITEMS = Table(
    "ticket_items",
    "tickets",
    "Which item stands in which ticket.",
    (
        *ITEM,
        Column("cluster_id", STRING, "The complaint", nullable=False),
        Column("idempotency_key", STRING, "The ticket's key", nullable=False),
        Column("added_at", TIMESTAMP, "When it was added", nullable=False),
        Column("run_id", STRING, "Run that added it", nullable=False),
    ),
    append_only=True,
    references=(Reference("tickets", ("idempotency_key",), anywhere=True),),
    judged_with="tickets",
)
TICKET_OUTCOMES = Table(
    "ticket_outcomes",
    "tickets",
    "Where each ticket stands in the tracker, and whether the complaint came back after a fix.",
    (
        DAY,
        SOURCE,
        Column("idempotency_key", STRING, "The ticket's key", nullable=False),
        Column("ticket_key", STRING, "The tracker's key", nullable=False),
        Column("cluster_id", STRING, "The complaint", nullable=False),
        Column("status", STRING, "The tracker's status", nullable=False),
        Column("items", INTEGER, "Items in the ticket", False, (), 0),
        Column(
            "items_after_resolution", INTEGER, "Items that came after it was resolved", False, (), 0
        ),
        Column("resolved_at", TIMESTAMP, "When the tracker resolved it"),
        Column("observed_at", TIMESTAMP, "When the tracker was asked", nullable=False),
    ),
    key=("idempotency_key",),
    references=(Reference("tickets", ("idempotency_key",)),),
)
INSIGHTS_DAILY = Table(
    "insights_daily",
    "insights",
    "Counts that dashboards show, one row a day, source, area, tone, severity and lane.",
    (
        DAY,
        SOURCE,
        PRIMARY_CATEGORY,
        SENTIMENT,
        SEVERITY,
        Column("lane", STRING, "Lane", False, LANES),
        Column("items", INTEGER, "Items", False, (), 1),
        Column("auto_approved", INTEGER, "Passed on their own", False, (), 0),
        Column("pending", INTEGER, "Waiting for a person", False, (), 0),
        Column("mean_rating", DOUBLE, "Mean rating of those rated", True, (), 0, 1),
    ),
    key=("primary_category", "sentiment", "severity", "lane"),
    made_from=("validated_feedback", "gold_feedback"),
)


TABLES: dict[str, Table] = by_name(
    (
        BRONZE_FEEDBACK, SILVER_FEEDBACK, GOLD_TRANSLATION, GOLD_SENTIMENT, GOLD_TOPICS,
        GOLD_ROOT_CAUSE, GOLD_RECOMMENDATION, GOLD_FEEDBACK, FEEDBACK_CLUSTERS, TRIAGE,
        VALIDATED_FEEDBACK, REVIEW_DECISIONS, TICKETS, TICKET_ITEMS, TICKET_OUTCOMES,
        INSIGHTS_DAILY, MODEL_CALLS, MODEL_BATCHES, GOLDEN_EVALUATION, GOLDEN_PREDICTIONS,
        QUARANTINE, GATE_STATUS, STAGE_METRICS, FEEDBACK_PROFILE, GATE_OVERRIDES, MODEL_REVIEWS,
        NOTIFICATIONS, URGENT_ITEMS, LANDING_ARRIVALS,
    )
)  # fmt: skip
