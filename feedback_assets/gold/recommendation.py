"""Stage gold_recommendation: the action an item calls for, by recommendation_rules.yaml.

Belongs here: reading the rules and applying them. Does not belong here: the rules themselves,
priority, lanes and owners (triage's).

`confidence` is the confidence in the primary category, on which each rule stands.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

import pyarrow as pa
import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, model_validator

from feedback_assets.contracts.taxonomy import (
    ACTIONS,
    CATEGORIES,
    ROOT_CAUSE_TYPES,
    SENTIMENTS,
    SEVERITIES,
    SUB_CATEGORIES,
)
from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.findings import Stamp, distinct, provenance, strings, written

Field = Literal["category", "sub_category", "sentiment", "severity", "root_cause_type"]
FIELDS: tuple[Field, ...] = get_args(Field)
_LABELS: dict[str, tuple[str, ...]] = {
    "category": CATEGORIES,
    "sub_category": SUB_CATEGORIES,
    "sentiment": SENTIMENTS,
    "severity": SEVERITIES,
    "root_cause_type": ROOT_CAUSE_TYPES,
}


class Rule(BaseModel):
    """One rule: the labels each named field may have, the action, and its wording."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    when: dict[Field, tuple[str, ...]]
    action: str
    detail: str

    @model_validator(mode="after")
    def _labels_exist(self) -> Rule:
        unknown = {
            f"{field}: {label}"
            for field, labels in self.when.items()
            for label in labels
            if label not in _LABELS[field]
        }
        if self.action not in ACTIONS:
            unknown.add(f"action: {self.action}")
        if unknown:
            raise ValueError(f"rule {self.id}: not in the taxonomy: {', '.join(sorted(unknown))}")
        return self


def _rules_text() -> str:
    return (files(__package__) / "recommendation_rules.yaml").read_text(encoding="utf-8")


@cache
def rules() -> tuple[Rule, ...]:
    """The rules in order.

    Raises `ValueError` when one names an unknown label, two share an id, or the last has
    conditions (an item could then fall through).
    """
    read = TypeAdapter(tuple[Rule, ...]).validate_python(yaml.safe_load(_rules_text()))
    if len({rule.id for rule in read}) < len(read):
        raise ValueError("recommendation_rules.yaml: two rules share an id")
    if not read or read[-1].when:
        raise ValueError("recommendation_rules.yaml: the last rule must have no conditions")
    return read


@cache
def rules_version() -> str:
    """``rules-`` and the first 12 hex digits of the rules' SHA-256."""
    return "rules-" + hashlib.sha256(_rules_text().encode()).hexdigest()[:12]


@cache
def rule_for(
    category: str, sub_category: str, sentiment: str, severity: str, root_cause_type: str
) -> Rule:
    """The first rule that holds for an item with these labels."""
    values = (category, sub_category, sentiment, severity, root_cause_type)
    item = dict(zip(FIELDS, values, strict=True))
    return next(
        rule
        for rule in rules()
        if all(item[field] in labels for field, labels in rule.when.items())
    )


def infer(batch: pa.RecordBatch, model: TriageClassifier, stamp: Stamp) -> pa.RecordBatch:
    """The action for each item of `batch`, as gold_recommendation's contract has it.

    The evidence is the topics' (the words the rule's labels stand on).
    """
    names = ("primary_category", "sub_category", "sentiment", "severity", "root_cause_type")
    columns = [strings(batch, name) for name in names]
    summaries = strings(batch, "root_cause_summary")
    texts = strings(batch, "text")
    fired = [rule_for(*labels) for labels in zip(*columns, strict=True)]
    found: dict[str, pa.Array[Any]] = {
        "action": pa.array([rule.action for rule in fired], pa.string()),
        "action_detail": pa.array(
            [_detail(rule, summary) for rule, summary in zip(fired, summaries, strict=True)],
            pa.string(),
        ),
        "rationale": pa.array([f"Rule {rule.id}." for rule in fired], pa.string()),
        "confidence": batch.column("confidence").cast(pa.float64()),
        "evidence_spans": batch.column("evidence_spans"),
        # The rules decide, but on labels of the model: both make the version.
        "provenance": provenance(texts, "rules", f"{model.version}+{rules_version()}", stamp),
    }
    return written("gold_recommendation", batch, found, distinct(range(len(texts))))


def _detail(rule: Rule, summary: str) -> str:
    if summary:
        return rule.detail.replace("{summary}", summary)
    return rule.detail.replace(": {summary}", ".").replace("{summary}", "")
