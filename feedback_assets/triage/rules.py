"""The shape of routing rules: how they are read, checked and told apart by version.

Belongs here: the rules' fields, and what makes a set of rules valid. Does not belong here: what
a condition may ask (conditions.py), the rules themselves (routing_rules.yaml) and their
evaluation (routing.py).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from feedback_assets.contracts.decisions import LANES
from feedback_assets.contracts.taxonomy import TAXONOMY
from feedback_assets.triage.conditions import Mentions, compiled

OWNER_BY_AREA = "owner-by-area"
"""Id that stands for the taxonomy's own answer to whose an item is."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Rule(_Strict):
    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    because: str = Field(min_length=1)
    when: dict[str, Any] = {}


class LaneRule(_Rule):
    """Which lane; whether a confident finding passes alone; whether a ticket follows."""

    lane: str
    passes_when: dict[str, Any] | None = None
    open_ticket: bool | dict[str, Any]


class PriorityRule(_Rule):
    """Points that are added to the priority."""

    points: float = Field(ge=-100, le=100, allow_inf_nan=False)


class OwnerRule(_Rule):
    """The team an item goes to in place of its area's owner."""

    owner_team: str


class Rules(_Strict):
    """All rules in force. Raises pydantic's `ValidationError`, which lists every problem."""

    queues: dict[str, str]
    lanes: tuple[LaneRule, ...] = Field(min_length=1)
    priority: tuple[PriorityRule, ...]
    owners: tuple[OwnerRule, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Rules:
        problems = [*_problems_of_names(self), *_problems_of_conditions(self)]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def version(self) -> str:
        """``rules-`` and 12 hex digits: changes when a decision can, not with wording."""
        owners = {name: category.owner_team for name, category in TAXONOMY.categories.items()}
        rules = self.model_dump(
            mode="json",
            exclude={section: {"__all__": {"because"}} for section in _SECTIONS},
        )
        normal = json.dumps({"rules": rules, "owners": owners}, sort_keys=True)
        return f"rules-{hashlib.sha256(normal.encode()).hexdigest()[:12]}"


_SECTIONS: dict[str, type[_Rule]] = {
    "lanes": LaneRule,
    "priority": PriorityRule,
    "owners": OwnerRule,
}


def _problems_of_names(rules: Rules) -> Iterator[str]:
    everything: tuple[_Rule, ...] = (*rules.lanes, *rules.priority, *rules.owners)
    for rule_id, times in Counter(rule.id for rule in everything).items():
        if times > 1 or rule_id == OWNER_BY_AREA:
            yield f"rule {rule_id!r}: the id is taken; each rule needs its own"
    teams = ", ".join(rules.queues)
    for lane in rules.lanes:
        if lane.lane not in LANES:
            yield f"rule {lane.id!r}: unknown lane {lane.lane!r}; allowed: {', '.join(LANES)}"
    for owner in rules.owners:
        if owner.owner_team not in rules.queues:
            yield f"rule {owner.id!r}: unknown team {owner.owner_team!r}; in queues: {teams}"
    for category in TAXONOMY.categories.values():
        if category.owner_team not in rules.queues:
            yield f"queues: no queue for team {category.owner_team!r} of the taxonomy"
    for lane in rules.lanes[:-1]:
        if not lane.when:
            yield f"rule {lane.id!r}: only the last lane rule may be without a condition"
    if rules.lanes[-1].when:
        yield f"rule {rules.lanes[-1].id!r}: the last lane rule takes the rest; drop its `when`"


def _problems_of_conditions(rules: Rules) -> Iterator[str]:
    asked: list[tuple[str, str, object]] = []
    for lane in rules.lanes:
        asked.append((lane.id, "passes_when", lane.passes_when or {}))
        if not isinstance(lane.open_ticket, bool):
            asked.append((lane.id, "open_ticket", lane.open_ticket))
    everything: tuple[_Rule, ...] = (*rules.lanes, *rules.priority, *rules.owners)
    asked += [(rule.id, "when", rule.when) for rule in everything]
    for rule_id, part, condition in asked:
        try:
            compiled(condition, Mentions())
        except ValueError as problem:
            yield f"rule {rule_id!r}, {part}: {problem}"


def load(path: Path | None = None) -> Rules:
    """The rules of a YAML file, or the built-in ones.

    Raises `ValueError` that names the file, the rule, what is wrong and what is allowed.
    """
    source = files(__package__) / "routing_rules.yaml" if path is None else path
    raw: Any = None
    try:
        raw = yaml.load(source.read_text(encoding="utf-8"), _NoDuplicates)
        return Rules.model_validate(raw)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path or source.name}: not YAML: {error}") from error
    except ValidationError as error:
        raise ValueError(f"{path or source.name}: {_explained(error, raw)}") from error


_MERGE = "tag:yaml.org,2002:merge"


class _NoDuplicates(yaml.SafeLoader):
    """YAML's safe subset, where a key given twice is an error and not a silent loss."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value if key.tag != _MERGE]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.YAMLError(f"{key!r} stands twice in one mapping{node.start_mark}")
        return super().construct_mapping(node, deep)


def _explained(error: ValidationError, raw: Any) -> str:
    """Pydantic's complaints, with the rule's id and the fields it may have."""
    lines = []
    for each in error.errors():
        where = ".".join(map(str, each["loc"]))
        message = each["msg"].removeprefix("Value error, ")
        model: type[BaseModel] = Rules
        if len(each["loc"]) >= 2 and each["loc"][0] in _SECTIONS:
            section, index = each["loc"][:2]
            model = _SECTIONS[str(section)]
            rule = raw[section][index]
            if isinstance(rule, dict) and "id" in rule:
                where = f"rule {rule['id']!r} ({where})"
        if each["type"] in ("extra_forbidden", "missing"):
            message += f"; fields: {', '.join(model.model_fields)}"
        lines.append(f"{where}: {message}" if where else message)
    return "; ".join(lines)
