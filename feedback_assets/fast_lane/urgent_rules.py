"""The rules by which the fast lane takes items.

Belongs here: reading them and asking them about an item. Does not belong here: the rules
(urgent_rules.yaml) and the facts (screen_step.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from feedback_assets.triage.conditions import FACTS, Mentions, cleaned, compiled

KNOWN_FACTS = (
    "source", "language", "sentiment", "sentiment_confidence", "primary_category", "categories",
    "sub_category", "category_confidence", "severity", "severity_confidence", "customer_tier",
    "country", "rating",
)  # fmt: skip
"""Facts that an item has before any run has worked on it."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class UrgentRule(_Strict):
    """Takes the item if `when` holds."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    because: str = Field(min_length=1)
    when: dict[str, Any] = Field(min_length=1)


class _File(_Strict):
    urgent: tuple[UrgentRule, ...]


class UrgentRules:
    """The rules, ready to be asked."""

    def __init__(self, rules: tuple[UrgentRule, ...]) -> None:
        """Compile `rules`. Raises `ValueError` naming the rule and what is wrong with it."""
        ids = [rule.id for rule in rules]
        if len(set(ids)) < len(ids):
            raise ValueError(f"rule ids must differ: {', '.join(ids)}")
        self._tests = []
        for rule in rules:
            asked = Mentions()
            try:
                test = compiled(rule.when, asked)
            except ValueError as problem:
                raise ValueError(f"rule {rule.id!r}: {problem}") from problem
            if unknown := sorted(set(asked.values) - set(KNOWN_FACTS)):
                raise ValueError(
                    f"rule {rule.id!r} asks for {', '.join(unknown)}, which is not known before "
                    f"an item is processed; allowed: {', '.join(KNOWN_FACTS)}"
                )
            self._tests.append((rule.id, test))
        self.rank = {rule_id: number for number, rule_id in enumerate(ids)}

    def matching(self, facts: Mapping[str, Any]) -> list[str]:
        """Ids of the rules that take an item with these facts, in order; facts may be missing."""
        known = {name: cleaned(name, facts.get(name)) for name in FACTS}
        return [rule_id for rule_id, test in self._tests if test(known)]


def load_urgent_rules(path: Path | None = None) -> UrgentRules:
    """The rules of a YAML file, or the built-in ones.

    Raises `ValueError` that names the file and what is wrong.
    """
    source = path or files(__package__) / "urgent_rules.yaml"
    try:
        read = _File.model_validate(yaml.safe_load(source.read_text(encoding="utf-8")))
        return UrgentRules(read.urgent)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{source}: not YAML: {error}") from error
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ValueError(f"{source}: {told}") from error
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
