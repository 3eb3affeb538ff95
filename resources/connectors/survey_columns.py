"""The declared column mapping of surveys: `survey_columns.yaml`, checked and ready for use.

Belongs here: reading the mapping and naming what is wrong in it. Does not belong here: column
names (the YAML file) and reading responses (`survey`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from resources.connectors.scales import Scale, parse_scale

Field = Literal[
    "native_id",
    "body",
    "title",
    "created_at",
    "updated_at",
    "score",
    "scale",
    "author_id",
    "author_name",
    "author_email",
    "language",
    "product",
    "product_version",
    "platform",
    "country",
    "customer_tier",
    "segment",
    "correlation_id",
]

# A byte order mark before the first column name is such a character too.
_BETWEEN_WORDS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class SurveyColumns:
    """A declared mapping, its names normalised by `column_name`."""

    columns: Mapping[Field, tuple[str, ...]]
    metadata: tuple[str, ...]
    column_scales: Mapping[str, Scale]
    question_types: Mapping[str, Scale]
    questions: Mapping[str, Scale]
    better: frozenset[str]
    worse: frozenset[str]

    def field_of(self, name: str) -> Field | None:
        """The canonical field that the column or question `name` fills, if any."""
        normalised = column_name(name)
        for field, names in self.columns.items():
            if normalised in names:
                return field
        return None

    def scale_of(self, written: str) -> Scale | None:
        """The scale a row states in words, with this mapping's words for good and bad."""
        return parse_scale(written, self.better, self.worse)


class _Words(BaseModel):
    model_config = ConfigDict(extra="forbid")
    better: list[str] = []
    worse: list[str] = []


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    columns: dict[Field, list[str]] = {}
    metadata: list[str] | None = None
    column_scales: dict[str, str] = {}
    question_types: dict[str, str] = {}
    questions: dict[str, str] = {}
    words: _Words = _Words()


@lru_cache(maxsize=4096)
def column_name(written: str) -> str:
    """`written` in lower case with one underscore between words (``Response ID``: response_id)."""
    return _BETWEEN_WORDS.sub("_", written.casefold()).strip("_")


@cache
def load_columns(path: str | None = None) -> SurveyColumns:
    """The default mapping, with the entries that the file at `path` names replaced by its own.

    Raises `ValueError` saying where and what, for a field, section or scale that can't be read.
    """
    default = _parse(files(__package__).joinpath("survey_columns.yaml").read_text("utf-8"), "")
    if path is None:
        return _built(default, "survey_columns.yaml")
    own = _parse(Path(path).read_text("utf-8"), path)
    merged = _File(
        columns=default.columns | own.columns,
        metadata=default.metadata if own.metadata is None else own.metadata,
        column_scales=default.column_scales | own.column_scales,
        question_types=default.question_types | own.question_types,
        questions=default.questions | own.questions,
        words=_Words(
            better=own.words.better or default.words.better,
            worse=own.words.worse or default.words.worse,
        ),
    )
    return _built(merged, path)


def _parse(content: str, where: str) -> _File:
    try:
        loaded: Any = yaml.safe_load(content)
        return _File.model_validate(loaded or {})
    except (yaml.YAMLError, ValidationError) as error:
        raise ValueError(f"survey column mapping {where}: {error}") from error


def _built(file: _File, where: str) -> SurveyColumns:
    better, worse = frozenset(file.words.better), frozenset(file.words.worse)

    def scales(declared: Mapping[str, str]) -> dict[str, Scale]:
        parsed: dict[str, Scale] = {}
        for name, written in declared.items():
            scale = parse_scale(written, better, worse)
            if scale is None:
                raise ValueError(
                    f"survey column mapping {where}: scale {written!r} of {name!r} can't be read, "
                    "expected two numbers such as '0..10' or '1=good .. 5=bad'"
                )
            parsed[column_name(name)] = scale
        return parsed

    return SurveyColumns(
        columns={field: tuple(map(column_name, names)) for field, names in file.columns.items()},
        metadata=tuple(map(column_name, file.metadata or ())),
        column_scales=scales(file.column_scales),
        question_types=scales(file.question_types),
        questions=scales(file.questions),
        better=better,
        worse=worse,
    )
