"""Stage gold_recommendation: the action an item calls for, by recommendation_rules.yaml.

Belongs here: reading the rules and applying them. Does not belong here: the rules themselves,
priority, lanes and owners (triage's).

`confidence` is the calibrated probability that a person would name the same action, from the
rule, the labels it rests on and the confidence in the area (`reliability`). An action stands
where it reaches its threshold and the topics stand (column `topics_state`, where the batch has
one); never by other rules than the model was trained with, nor by a rule unseen in training.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator

from feedback_assets.contracts.taxonomy import (
    ACTIONS,
    CATEGORIES,
    ROOT_CAUSE_TYPES,
    SENTIMENTS,
    SEVERITIES,
    SUB_CATEGORIES,
)
from feedback_assets.gold.calibration import Flags, Index, Probabilities
from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.findings import Stamp, distinct, provenance, states, strings, written
from feedback_assets.gold.reliability import evidence

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


class RuleBook:
    """Rules in order, of which the first that holds gives the action.

    `version` is ``rules-`` and the first 12 hex digits of their text's SHA-256.
    """

    def __init__(self, text: str, name: str = "recommendation rules") -> None:
        """Rules from YAML; `name` stands in errors.

        Raises `ValueError` when a rule names an unknown label, two share an id, or the last has
        conditions (an item could then fall through).
        """
        self.version = "rules-" + hashlib.sha256(text.encode()).hexdigest()[:12]
        try:
            self.rules = TypeAdapter(tuple[Rule, ...]).validate_python(yaml.safe_load(text))
        except (ValidationError, yaml.YAMLError) as error:
            raise ValueError(f"{name}: {error}") from error
        if len({rule.id for rule in self.rules}) < len(self.rules):
            raise ValueError(f"{name}: two rules share an id")
        if not self.rules or self.rules[-1].when:
            raise ValueError(f"{name}: the last rule must have no conditions")
        self._fired: dict[tuple[str, ...], Rule] = {}

    @classmethod
    def read(cls, path: Path | None = None) -> RuleBook:
        """The rules of a file, or the built-in ones."""
        if path is not None:
            return cls(path.read_text(encoding="utf-8"), str(path))
        return built_in()

    def rule_for(self, *labels: str) -> Rule:
        """The first rule that holds for an item with these labels, in the order of `FIELDS`."""
        fired = self._fired.get(labels)
        if fired is None:
            item = dict(zip(FIELDS, labels, strict=True))
            fired = self._fired[labels] = next(
                rule
                for rule in self.rules
                if all(item[field] in allowed for field, allowed in rule.when.items())
            )
        return fired


@cache
def built_in() -> RuleBook:
    """The rules of recommendation_rules.yaml."""
    text = (files(__package__) / "recommendation_rules.yaml").read_text(encoding="utf-8")
    return RuleBook(text, "recommendation_rules.yaml")


def infer(
    batch: pa.RecordBatch, model: TriageClassifier, stamp: Stamp, rules: RuleBook | None = None
) -> pa.RecordBatch:
    """The action for each item of `batch`, as gold_recommendation's contract has it.

    `rules` stand in for the built-in ones.
    The evidence is the topics' (the words the rule's labels stand on).
    """
    names = ("primary_category", "sub_category", "sentiment", "severity", "root_cause_type")
    columns = [strings(batch, name) for name in names]
    summaries = strings(batch, "root_cause_summary")
    texts = strings(batch, "text")
    rules = rules or built_in()
    # All but the wording and the area's confidence is the same for items of the same labels.
    alike = distinct(*columns)
    kinds = alike.kind.tolist()
    labels = [[column[first] for first in alike.first.tolist()] for column in columns]
    fired = [rules.rule_for(*each) for each in zip(*labels, strict=True)]
    confidence, stands = _judged(batch, model, rules, fired, labels, alike.kind)
    own = [fired[kind] for kind in kinds]
    found: dict[str, pa.Array[Any]] = {
        "action": pa.array([rule.action for rule in own], pa.string()),
        "action_detail": pa.array(
            [_detail(rule, summary) for rule, summary in zip(own, summaries, strict=True)],
            pa.string(),
        ),
        "rationale": pa.array([f"Rule {rule.id}." for rule in own], pa.string()),
        "confidence": pa.array(confidence, pa.float64()),
        "evidence_spans": batch.column("evidence_spans"),
        # The rules decide, but on labels of the model: both make the version.
        "provenance": provenance(
            texts, "rules", f"{model.version}+{rules.version}", stamp, states(stands)
        ),
    }
    return written("gold_recommendation", batch, found, distinct(range(len(texts))))


def _judged(
    batch: pa.RecordBatch,
    model: TriageClassifier,
    rules: RuleBook,
    fired: list[Rule],
    labels: list[list[str]],
    kinds: Index,
) -> tuple[Probabilities, Flags]:
    """The confidence in each item's action, and whether it stands.

    `fired` and `labels` (in the order of `FIELDS`) are by kind of item, `kinds` each item's.
    """
    ids = [rule.id for rule in fired]
    actions = np.fromiter((ACTIONS.index(rule.action) for rule in fired), np.int64, len(fired))
    areas = np.array(batch.column("confidence").to_pylist(), dtype=np.float64)
    reliability = model.calibration.actions
    offsets = reliability.offsets(rules.version, ids, evidence(*labels[1:4]))
    confidence = reliability.confidence(offsets[kinds], areas)
    # Of a text without a letter the topics are no guess, nor is that there is nothing to do.
    confidence[(actions[kinds] == ACTIONS.index("none")) & (areas == 1.0)] = 1.0
    stands = model.guarantee.stands("action", actions[kinds], confidence)
    known = reliability.knows(rules.version, ids)[kinds]
    return confidence, stands & known & _topics_stand(batch)


def _topics_stand(batch: pa.RecordBatch) -> Flags:
    if "topics_state" not in batch.schema.names:
        return np.ones(batch.num_rows, dtype=np.bool_)
    return np.array([state == "valid" for state in strings(batch, "topics_state")], dtype=np.bool_)


def _detail(rule: Rule, summary: str) -> str:
    if summary:
        return rule.detail.replace("{summary}", summary)
    return rule.detail.replace(": {summary}", ".").replace("{summary}", "")
