"""Contracts of the tables beside the path: ledgers, verdicts, metrics, quarantine.

Belongs here: what each of them promises. Does not belong here: the path's own tables (tables.py,
which also lists these).
"""

from __future__ import annotations

from feedback_assets.contracts.calls import BATCH_STATES, CALL_OUTCOMES, CALL_PURPOSES
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
from feedback_assets.contracts.decisions import GATE_STATES
from feedback_assets.contracts.item import DAY, ITEM, SOURCE

MODEL_CALLS = Table(
    "model_calls",
    "quality",
    "Ledger of the language model: one row an attempt and item. Audit trail, account and cache.",
    (
        *ITEM,
        Column("stage", STRING, "What was asked", nullable=False),
        Column("input_hash", STRING, "SHA-256 of prompt, parameters, model and item", False),
        Column("model", STRING, "Deployment or model asked", nullable=False),
        Column("model_version", STRING, "Model that answered, as the service names it"),
        Column("prompt_version", STRING, "Version of the prompt", nullable=False),
        Column("prompt_hash", STRING, "SHA-256 of prompt, parameters and schema", nullable=False),
        Column("parameters", STRING, "Parameters of the request, JSON", nullable=False),
        Column("call_id", STRING, "The request; those asked together share it", nullable=False),
        Column("items", INTEGER, "Items in the request", False, (), 1),
        Column("item", INTEGER, "This item's number in it", False, (), 1),
        Column("attempt", INTEGER, "1 for the first time this item was sent", False, (), 1),
        Column("purpose", STRING, "Why it was sent", False, CALL_PURPOSES),
        Column("batch_id", STRING, "The service's batch, if it went by one"),
        Column("outcome", STRING, "How the attempt ended", False, CALL_OUTCOMES),
        Column("settled", BOOLEAN, "Nothing more will be asked for this input", nullable=False),
        Column("status", INTEGER, "HTTP status"),
        Column("error", STRING, "What went wrong, without any text of the question"),
        Column("answer", STRING, "The item's finding, JSON"),
        Column("input_tokens", DOUBLE, "The item's share of the request's tokens", False, (), 0),
        Column("cached_tokens", DOUBLE, "Part of them the service had cached", False, (), 0),
        Column("output_tokens", DOUBLE, "The item's share of the answer's tokens", False, (), 0),
        Column("cost", DOUBLE, "The item's share, in the currency of the set prices", False, (), 0),
        Column("latency_ms", DOUBLE, "Duration of the attempt", False, (), 0),
        Column("started_at", TIMESTAMP, "When it was sent", nullable=False),
        Column("run_id", STRING, "Run that sent it", nullable=False),
    ),
    key=(),
    partition_by=("stage", "prompt_version"),
    append_only=True,
)

URGENT_ITEMS = Table(
    "urgent_items",
    "quality",
    "Items the fast lane took, and why; an item is through once a row says so.",
    (
        *ITEM,
        Column("origin", STRING, "Landing file and line", nullable=False),
        Column("rule_ids", STRINGS, "Rules that call for it", nullable=False),
        Column("through", BOOLEAN, "All per-item tables have it, or held it back", nullable=False),
        Column("received_at", TIMESTAMP, "When the landing file was last written"),
        Column("recorded_at", TIMESTAMP, "When", nullable=False),
        Column("run_id", STRING, "Run that took it", nullable=False),
    ),
    key=(),
    append_only=True,
)

LANDING_ARRIVALS = Table(
    "landing_arrivals",
    "quality",
    "Landing files as whoever watches the landing zone saw them; a file's latest row holds.",
    (
        DAY,
        SOURCE,
        Column("path", STRING, "Under the landing zone's root", nullable=False),
        Column("size", INTEGER, "Bytes", False, (), 0),
        Column("modified", TIMESTAMP, "When it was last written", nullable=False),
        Column("recorded_at", TIMESTAMP, "When", nullable=False),
    ),
    key=(),
    partition_by=("day",),
    append_only=True,
)

MODEL_BATCHES = Table(
    "model_batches",
    "quality",
    "Batches handed to the language model's batch service; the latest row of a batch holds.",
    (
        Column("batch_id", STRING, "The service's id", nullable=False),
        Column("stage", STRING, "What was asked", nullable=False),
        Column("state", STRING, "Where it stands", False, BATCH_STATES),
        Column("requests", INTEGER, "Requests in it", False, (), 0),
        Column("detail", STRING, "What the service said"),
        Column("recorded_at", TIMESTAMP, "When", nullable=False),
        Column("run_id", STRING, "Run that recorded it", nullable=False),
    ),
    key=("batch_id", "recorded_at"),
    partition_by=(),
    append_only=True,
)

GOLDEN_EVALUATION = Table(
    "golden_evaluation",
    "quality",
    "Scores of configurations of models, prompts and rules on the golden set.",
    (
        Column("configuration", STRING, "Hash of all that decides", nullable=False),
        Column("stage", STRING, "What was judged", nullable=False),
        Column("label", STRING, "The class, or all", nullable=False),
        Column("metric", STRING, "What was measured", nullable=False),
        Column("value", DOUBLE, "How much", nullable=False),
        Column("floor", DOUBLE, "Least that may go live"),
        Column("evaluated_at", TIMESTAMP, "When", nullable=False),
        Column("run_id", STRING, "Run that judged", nullable=False),
    ),
    key=(),
    partition_by=(),
    append_only=True,
)

GOLDEN_PREDICTIONS = Table(
    "golden_predictions",
    "quality",
    "What a configuration said of each golden item, so that the next one can be compared.",
    (
        Column("configuration", STRING, "Hash of all that decides", nullable=False),
        Column("stage", STRING, "What was asked", nullable=False),
        Column("item", STRING, "Golden item", nullable=False),
        Column("said", STRING, "The labels, JSON", nullable=False),
        Column("truth", STRING, "The golden labels, JSON", nullable=False),
        Column("confidence", DOUBLE, "Confidence", False, (), 0, 1),
        Column("tier", STRING, "Who said it", nullable=False),
        Column("stands", BOOLEAN, "It would stand without a person", nullable=False),
        Column("evaluated_at", TIMESTAMP, "When", nullable=False),
    ),
    key=(),
    partition_by=("stage",),
    append_only=True,
)

QUARANTINE = Table(
    "quarantine",
    "quality",
    "What could not be read or broke a contract: where, why, and the thing itself.",
    (
        DAY,
        SOURCE,
        Column("table", STRING, "Table it did not get into", nullable=False),
        Column("origin", STRING, "Landing file and line", nullable=False),
        Column("reason", STRING, "Code, what was found, what to do", nullable=False),
        Column("raw", STRING, "The thing itself", nullable=False, pii=True),
    ),
    key=(),
    partition_by=("day", "source", "table"),
)

GATE_STATUS = Table(
    "gate_status",
    "quality",
    "Verdict of each check on each partition; the latest holds.",
    (
        DAY,
        SOURCE,
        Column("check", STRING, "The check", nullable=False),
        Column("table", STRING, "The table judged", nullable=False),
        Column("passed", BOOLEAN, "It closes no gate", nullable=False),
        Column("state", STRING, "The verdict in full", False, GATE_STATES),
        Column("value", DOUBLE, "What was measured"),
        Column("threshold", DOUBLE, "What it was held against"),
        Column("detail", STRING, "What failed and what to do", nullable=False),
        Column("data_version", STRING, "Fingerprint of the data judged", nullable=False),
        Column("evaluated_at", TIMESTAMP, "When", nullable=False),
        Column("run_id", STRING, "Run that judged", nullable=False),
    ),
    key=("check", "evaluated_at"),
    partition_by=("day",),
    append_only=True,
)

STAGE_METRICS = Table(
    "stage_metrics",
    "quality",
    "What each step counted and how long it took.",
    (
        DAY,
        SOURCE,
        Column("stage", STRING, "The step", nullable=False),
        Column("metric", STRING, "What was counted", nullable=False),
        Column("value", DOUBLE, "How much", nullable=False),
        Column("run_id", STRING, "Run", nullable=False),
        Column("recorded_at", TIMESTAMP, "When", nullable=False),
    ),
    key=("stage", "metric", "run_id", "recorded_at"),
    partition_by=("day",),
    append_only=True,
)
