"""Labelled examples, as the files under golden_set/ hold them.

Belongs here: their shape, and reading them with errors that name file and line.
Does not belong here: what is learned from them (`training`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from feedback_assets.contracts.partitions import SOURCES
from feedback_assets.contracts.taxonomy import ACTIONS, CATEGORIES, ROOT_CAUSE_TYPES, TAXONOMY


class Example(BaseModel):
    """One labelled example, as the files under golden_set/ hold it.

    Of a text that tries to instruct its reader, `attempt` holds the passages that do, and
    `demands` the labels they ask for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    text: str
    language: str
    source: str
    rating: float | None = Field(ge=0, le=1)
    categories: tuple[str, ...] = Field(min_length=1, max_length=3)
    primary_category: str
    sub_category: str
    sentiment: Literal["negative", "neutral", "positive"]
    severity: Literal["low", "medium", "high", "critical"]
    root_cause: str
    root_cause_type: str
    evidence: tuple[str, ...]
    action: str
    traits: tuple[str, ...]
    attempt: tuple[str, ...] = ()
    demands: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _labels_fit(self) -> Example:
        category = TAXONOMY.categories.get(self.primary_category)
        problems = {
            "categories": set(self.categories) - set(CATEGORIES),
            "'other' stands alone": "other" in self.categories and len(self.categories) > 1,
            "primary_category": self.primary_category not in self.categories,
            "sub_category": category and self.sub_category not in category.sub_categories,
            "root_cause_type": self.root_cause_type not in ROOT_CAUSE_TYPES,
            "action": self.action not in ACTIONS,
            "source": self.source not in SOURCES,
            "evidence not in text": [e for e in self.evidence if e not in self.text],
        }
        if broken := [name for name, problem in problems.items() if problem]:
            raise ValueError(f"does not fit the taxonomy or the text: {', '.join(broken)}")
        return self


Shape = TypeVar("Shape", bound=Example)


def read_examples(folder: Path) -> list[dict[str, Any]]:
    """All examples of ``folder/*.jsonl`` as dicts; raises as `read_labelled`."""
    return [example.model_dump() for example in read_labelled(folder, Example, "labelled example")]


def read_labelled(folder: Path, shape: type[Shape], called: str) -> list[Shape]:
    """All lines of ``folder/*.jsonl`` in `shape`, in the order of file names and lines.

    No sub-folder is read. Raises `ValueError` naming file and line of a line that does not fit,
    or of an id used twice; `FileNotFoundError` when there is no file. `called` is what such a
    line is called in errors.
    """
    paths = sorted(folder.glob("*.jsonl"))
    if not paths:
        raise FileNotFoundError(f"{folder}: no *.jsonl with {called}s")
    examples: list[Shape] = []
    seen: dict[str, str] = {}
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
            if not line.strip():
                continue
            where = f"{path}:{number}"
            try:
                example = shape.model_validate_json(line)
            except ValidationError as error:
                raise ValueError(f"{where}: not a {called}: {error}") from error
            if seen.setdefault(example.id, where) != where:
                raise ValueError(f"{where}: id {example.id} is used at {seen[example.id]} too")
            examples.append(example)
    return examples
