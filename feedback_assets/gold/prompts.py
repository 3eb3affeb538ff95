"""Prompts: what a stage tells the language model before the items.

Belongs here: reading a prompt's file, rendering it from the taxonomy, which version is active,
and holding released files unchanged. Does not belong here: the prompts' words (prompts/), the
items' message and the answers' shape.

A prompt is ``<folder>/<stage>/<version>.md``: YAML front matter between ``---`` lines, then a
Jinja template. ``active.yaml`` says which version of each stage runs; ``SHA256SUMS`` lists the
released files, which are never edited.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from feedback_assets.contracts.taxonomy import TAXONOMY
from feedback_assets.gold.answers import ANSWERS, LONGEST_DETAIL, LONGEST_SUMMARY

ACTIVE, RELEASED = "active.yaml", "SHA256SUMS"
_PARTS = re.compile(r"---\n(?P<matter>.*?\n)---\n(?P<template>.*)", re.DOTALL)
_VERSION = re.compile(r"v[1-9]\d*")
_SUM = re.compile(r"(?P<digest>[0-9a-f]{64}) [ *](?P<path>[a-z_]+/v[1-9]\d*\.md)")
_ENVIRONMENT = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


class PromptError(ValueError):
    """A prompt can't be used; the message says which file, what is wrong and what to do."""


class _FrontMatter(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    stage: str
    version: str
    description: str = Field(min_length=1)
    max_output_tokens: int = Field(gt=0)
    temperature: float | None = Field(ge=0, le=2)
    seed: int | None


@dataclass(frozen=True, slots=True)
class Prompt:
    """One version of a stage's prompt, ready to be sent.

    `max_output_tokens` is for one item. `hash` is the SHA-256 of all that decides an answer but
    the model and the items: rendered text, parameters, and the answer's schema.
    """

    stage: str
    version: str
    description: str
    max_output_tokens: int
    temperature: float | None
    seed: int | None
    system: str
    hash: str

    @property
    def parameters(self) -> dict[str, int | float | None]:
        """What goes with the request: `max_output_tokens`, `temperature`, `seed`."""
        return _parameters(self)


def read_prompt(folder: Path, stage: str, version: str) -> Prompt:
    """The prompt of `stage` in `version` (``v1``), rendered from the taxonomy.

    Raises `PromptError` for an unknown stage or version, missing or wrong front matter, and
    a template that names something unknown or is no template.
    """
    if stage not in ANSWERS:
        raise PromptError(f"unknown stage {stage!r}; known: {', '.join(ANSWERS)}")
    path = folder / stage / f"{version}.md"
    if not _VERSION.fullmatch(version) or not path.is_file():
        there = sorted(file.stem for file in (folder / stage).glob("v*.md"))
        raise PromptError(
            f"{folder / stage}: no version {version!r}; there: {', '.join(there) or 'none'}"
        )
    matter, template = _parts(path)
    for name, expected, found in (
        ("stage", stage, matter.stage),
        ("version", version, matter.version),
    ):
        if found != expected:
            raise PromptError(f"{path}: front matter says {name} {found!r}; expected {expected!r}")
    system = _rendered(path, stage, template)
    decides = [system, _parameters(matter), ANSWERS[stage].model_json_schema()]
    digest = hashlib.sha256(json.dumps(decides, sort_keys=True, ensure_ascii=False).encode())
    return Prompt(**matter.model_dump(), system=system, hash=digest.hexdigest())


def active_versions(folder: Path) -> dict[str, str]:
    """The active version of every stage, in the order of stages.

    Raises `PromptError` when ``active.yaml`` is missing, leaves a stage out, or names one that
    does not exist.
    """
    path = folder / ACTIVE
    if not path.is_file():
        raise PromptError(f"{path}: missing; it names the active version of each stage")
    try:
        read = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise PromptError(f"{path}: not YAML: {error}") from error
    if not isinstance(read, dict) or set(read) != set(ANSWERS):
        raise PromptError(f"{path}: one line each expected for {', '.join(ANSWERS)}")
    wrong = [f"{stage}: {read[stage]!r}" for stage in ANSWERS if not _is_version(read[stage])]
    if wrong:
        raise PromptError(f"{path}: versions are v1, v2, …; got {', '.join(wrong)}")
    return {stage: read[stage] for stage in ANSWERS}


def release_problems(folder: Path) -> list[str]:
    """What breaks the promise that a released prompt never changes; empty if nothing does.

    A file not listed in ``SHA256SUMS`` is a draft, and no problem unless it is active.
    """
    return list(_release_problems(folder))


def _release_problems(folder: Path) -> Iterator[str]:
    listed: dict[str, str] = {}
    for number, line in enumerate((folder / RELEASED).read_text("utf-8").splitlines(), 1):
        match = _SUM.fullmatch(line)
        if match is None:
            yield f"{RELEASED}:{number}: expected a hash, two spaces, stage/vN.md"
        else:
            listed[match["path"]] = match["digest"]
    for name, digest in listed.items():
        path = folder / name
        if not path.is_file():
            yield f"{name}: released, and gone; bring it back, answers on record refer to it"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            following = f"v{int(path.stem.removeprefix('v')) + 1}.md"
            yield (
                f"{name}: released, and edited; put it back as it was and write your change "
                f"as {path.with_name(following).relative_to(folder)} or the next free version"
            )
    for stage, version in active_versions(folder).items():
        name = f"{stage}/{version}.md"
        if name not in listed:
            yield (
                f"{name}: active, and a draft; release it: "
                f"cd {folder.name} && sha256sum {name} >> {RELEASED}"
            )


def _parts(path: Path) -> tuple[_FrontMatter, str]:
    match = _PARTS.fullmatch(path.read_text(encoding="utf-8"))
    if match is None:
        raise PromptError(f"{path}: no front matter; begin with it between two lines of ---")
    try:
        return _FrontMatter.model_validate(yaml.safe_load(match["matter"])), match["template"]
    except yaml.YAMLError as error:
        raise PromptError(f"{path}: front matter is not YAML: {error}") from error
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'all'}: {fault['msg']}"
            for fault in error.errors()
        )
        raise PromptError(f"{path}: front matter: {wrong}") from error


def _rendered(path: Path, stage: str, template: str) -> str:
    known = {
        "taxonomy": TAXONOMY,
        "tie_rules": [rule for rule in TAXONOMY.tie_rules if stage in rule.stages],
        "longest_summary": LONGEST_SUMMARY,
        "longest_detail": LONGEST_DETAIL,
    }
    try:
        system = _ENVIRONMENT.from_string(template).render(known).strip()
    except TemplateError as error:
        names = ", ".join(known)
        raise PromptError(f"{path}: {error}; a prompt may name: {names}") from error
    if not system:
        raise PromptError(f"{path}: no text after the front matter")
    return system


def _parameters(of: Prompt | _FrontMatter) -> dict[str, int | float | None]:
    return {
        "max_output_tokens": of.max_output_tokens,
        "temperature": of.temperature,
        "seed": of.seed,
    }


def _is_version(value: Any) -> bool:
    return isinstance(value, str) and _VERSION.fullmatch(value) is not None
