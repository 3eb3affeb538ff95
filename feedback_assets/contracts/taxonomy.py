"""The labels that findings may carry, read from taxonomy.yaml.

Belongs here: label names, meanings, owners, and the rules for what is not plain.
Does not belong here: how a label is decided, and how meanings are laid out for readers.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

_STRICT = ConfigDict(extra="forbid", frozen=True, str_min_length=1)
_NAMED = re.compile(r"`([^`]*)`")
_PATH = re.compile(r"[a-z_]+(?:/[a-z_]+)?")


class Label(BaseModel):
    """One label: what it means, and short phrases that carry it."""

    model_config = _STRICT
    meaning: str
    examples: tuple[str, ...] = ()


class Neighbour(BaseModel):
    """What lies next to a category, and the label it gets: a path, or words that name labels."""

    model_config = _STRICT
    what: str
    goes_to: str


class Category(BaseModel):
    """One product area: its meaning and bounds, owning team and sub-categories."""

    model_config = _STRICT
    meaning: str
    belongs: tuple[str, ...] = Field(min_length=1)
    does_not_belong: tuple[Neighbour, ...] = Field(min_length=1)
    examples: tuple[str, ...] = Field(min_length=3)
    owner_team: str
    sub_categories: dict[str, Label] = Field(min_length=1)


class TieRule(BaseModel):
    """Which label, where it is not plain; `stages` are those whose prompt shows the rule."""

    model_config = _STRICT
    id: str
    stages: tuple[Literal["sentiment", "topics", "root_cause", "recommendation"], ...] = Field(
        min_length=1
    )
    rule: str
    example: str | None = None


class Taxonomy(BaseModel):
    """Every closed vocabulary of the findings, and the traits of labelled examples."""

    model_config = _STRICT
    categories: dict[str, Category]
    sentiments: dict[str, Label]
    severities: dict[str, Label]
    root_cause_types: dict[str, Label]
    actions: dict[str, Label]
    tie_rules: tuple[TieRule, ...]
    traits: dict[str, Label]

    @model_validator(mode="after")
    def _consistent(self) -> Taxonomy:
        ids = [rule.id for rule in self.tie_rules]
        problems = [f"tie rule {name!r}: the id is taken" for name in {*ids} if ids.count(name) > 1]
        subs = [sub for category in self.categories.values() for sub in category.sub_categories]
        problems += [
            f"sub-category {sub!r} has two categories" for sub in {*subs} if subs.count(sub) > 1
        ]
        problems += self._unknown_names()
        if problems:
            raise ValueError(f"taxonomy: {'; '.join(sorted(problems))}")
        return self

    def _unknown_names(self) -> Iterator[str]:
        """Names in `backticks`, and paths such as ``payment/declined``, that are no label."""
        paths = {
            f"{name}/{sub}" for name, category in self.categories.items()
            for sub in category.sub_categories
        }  # fmt: skip
        vocabularies: tuple[Iterable[str], ...] = (
            self.categories, self.sentiments, self.severities, self.root_cause_types,
            self.actions, *(category.sub_categories for category in self.categories.values()),
            # The fields that hold them may be named too.
            ("root_cause_type", "severity", "sentiment", "action"),
        )  # fmt: skip
        known = {name for vocabulary in vocabularies for name in vocabulary}
        for text in _texts(self.model_dump()):
            for name in _NAMED.findall(text):
                if name not in known:
                    yield f"`{name}` is no label (in {text!r})"
        for category in self.categories.values():
            for neighbour in category.does_not_belong:
                goes_to = neighbour.goes_to
                if _PATH.fullmatch(goes_to) and goes_to not in paths | set(self.categories):
                    yield f"{goes_to!r} is no label (in {neighbour.what!r})"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)


def read_taxonomy(text: str) -> Taxonomy:
    """The taxonomy that a YAML text holds.

    Raises pydantic's `ValidationError` for a missing meaning, a name used twice, or a name in a
    text that is no label.
    """
    return Taxonomy.model_validate(yaml.safe_load(text))


def taxonomy_hash(taxonomy: Taxonomy | None = None) -> str:
    """``taxonomy-`` and 12 hex digits of the SHA-256 of all that says what findings' labels mean.

    Comments, line breaks, the order of labels, owner teams and traits do not change it.
    """
    meant = (taxonomy or TAXONOMY).model_dump(
        mode="json", exclude={"traits": True, "categories": {"__all__": {"owner_team"}}}
    )
    normal = json.dumps(meant, sort_keys=True, ensure_ascii=False)
    return f"taxonomy-{hashlib.sha256(normal.encode()).hexdigest()[:12]}"


TAXONOMY = read_taxonomy((files(__package__) / "taxonomy.yaml").read_text(encoding="utf-8"))
CATEGORIES: tuple[str, ...] = tuple(TAXONOMY.categories)
SUB_CATEGORIES: tuple[str, ...] = tuple(
    sub for category in TAXONOMY.categories.values() for sub in category.sub_categories
)
SENTIMENTS: tuple[str, ...] = tuple(TAXONOMY.sentiments)
SEVERITIES: tuple[str, ...] = tuple(TAXONOMY.severities)
ROOT_CAUSE_TYPES: tuple[str, ...] = tuple(TAXONOMY.root_cause_types)
ACTIONS: tuple[str, ...] = tuple(TAXONOMY.actions)
TRAITS: tuple[str, ...] = tuple(TAXONOMY.traits)
