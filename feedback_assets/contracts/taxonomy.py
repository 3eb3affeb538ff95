"""The labels that findings may carry, read from taxonomy.yaml.

Belongs here: label names, meanings and owners. Does not belong here: how a label is decided.
"""

from __future__ import annotations

from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict


class Category(BaseModel):
    """One product area: its meaning, owning team and sub-categories."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    meaning: str
    owner_team: str
    sub_categories: tuple[str, ...]


class Taxonomy(BaseModel):
    """Every closed vocabulary of the findings."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    categories: dict[str, Category]
    sentiments: tuple[str, ...]
    severities: tuple[str, ...]
    root_cause_types: tuple[str, ...]
    actions: dict[str, str]


TAXONOMY = Taxonomy.model_validate(
    yaml.safe_load((files(__package__) / "taxonomy.yaml").read_text(encoding="utf-8"))
)
CATEGORIES: tuple[str, ...] = tuple(TAXONOMY.categories)
SUB_CATEGORIES: tuple[str, ...] = tuple(
    sub for category in TAXONOMY.categories.values() for sub in category.sub_categories
)
