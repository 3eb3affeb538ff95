"""What tier 1 leaves open, as questions beside its findings.

Belongs here: which rows become questions, and which facts go into them. Does not belong here:
how a finding comes to stand (tier 1) and sending questions.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from feedback_assets.gold.language_model.questions import content_of, input_hash
from feedback_assets.gold.prompts import Prompt

QUESTION = pa.schema(
    [
        ("_text", pa.string()),
        ("_content", pa.string()),
        ("_input_hash", pa.string()),
        ("_urgent", pa.bool_()),
        ("_received_at", pa.timestamp("us", tz="UTC")),
        ("_rests_on", pa.string()),
    ]
)
"""What rides beside tier 1's finding: the question it leaves open, nulls where it stands.
`_rests_on` is the validation state of the topics, for a stage that rests on them."""

_TEXT = ("text", "language")
_LABELS = ("primary_category", "sub_category", "sentiment", "severity")
FACTS: dict[str, tuple[str, ...]] = {
    "translation": _TEXT,
    "sentiment": (*_TEXT, "rating"),
    "topics": _TEXT,
    "root_cause": (*_TEXT, *_LABELS),
    "recommendation": (*_TEXT, *_LABELS, "root_cause_summary", "root_cause_type"),
}
"""What a stage's question tells of the item, in this order. No translation: the model reads the
original, and a question that waits for another stage's answer would be another question later."""

RESTING = ("recommendation",)
"""Stages whose finding is worth no more than the topics it rests on."""
URGENT_SEVERITIES = ("high", "critical")
URGENT_TIERS = ("business", "enterprise")


def with_questions(
    batch: pa.RecordBatch, found: pa.RecordBatch, instructs: list[bool], prompt: Prompt, model: str
) -> pa.RecordBatch:
    """`found` with the columns of `QUESTION`: filled where tier 1's finding is doubtful.

    An item that tries to instruct its reader is not shown to a language model, so it is no
    question; nor is one without a letter.
    """
    facts = {
        name: batch.column(name).to_pylist() if name in batch.schema.names else None
        for name in {*FACTS[prompt.stage], "customer_tier", "received_at", "topics_state"}
    }
    severity = next(
        (b.column("severity").to_pylist() for b in (found, batch) if "severity" in b.schema.names),
        None,
    )
    columns: dict[str, list[Any]] = {name: [None] * batch.num_rows for name in QUESTION.names}
    texts, states = batch.column("text").to_pylist(), _states(found)
    for row, state in enumerate(states):
        if state != "doubtful" or instructs[row] or not any(map(str.isalpha, texts[row])):
            continue
        told = {
            name: values[row] for name in FACTS[prompt.stage] if (values := facts[name]) is not None
        }
        content = content_of(told)
        tier, received = facts["customer_tier"], facts["received_at"]
        columns["_text"][row] = texts[row]
        columns["_content"][row] = content
        columns["_input_hash"][row] = input_hash(prompt, model, content)
        columns["_urgent"][row] = (severity is not None and severity[row] in URGENT_SEVERITIES) or (
            tier is not None and tier[row] in URGENT_TIERS
        )
        columns["_received_at"][row] = None if received is None else received[row]
        if prompt.stage in RESTING and (topics := facts["topics_state"]) is not None:
            columns["_rests_on"][row] = topics[row]
    arrays = [pa.array(columns[field.name], field.type) for field in QUESTION]
    schema = pa.schema([*found.schema, *QUESTION])
    return pa.RecordBatch.from_arrays([*found.columns, *arrays], schema=schema)


def _states(found: pa.RecordBatch) -> list[str]:
    states: list[str] = found.column("provenance").field("validation_state").to_pylist()
    return states
