"""All that decides what is said of an item, described so that two of its kind can be told apart.

Belongs here: the description and its hash. Does not belong here: the models, prompts and rules
themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field

from feedback_assets.contracts.taxonomy import CATEGORIES, taxonomy_hash
from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.guarantee import CLASSES
from feedback_assets.gold.recommendation import built_in
from feedback_assets.gold.suspicion import Suspicion


class Configuration(BaseModel):
    """Everything that decides a finding.

    `model_version` is tier 1's, `guard_version` that of what finds attempts to instruct the
    reader, `prompt_versions` tier 2's by stage (none without a language model), `rules_version`
    the recommendation's, `thresholds` by name.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=True, ser_json_inf_nan="constants"
    )
    model_version: str
    guard_version: str = ""
    rules_version: str = Field(default_factory=lambda: built_in().version)
    taxonomy_hash: str = Field(default_factory=taxonomy_hash)
    thresholds: Mapping[str, float] = Field(default_factory=dict)
    language_model: str | None = None
    prompt_versions: Mapping[str, str] = Field(default_factory=dict)

    @property
    def configuration_hash(self) -> str:
        """``configuration-`` and 12 hex digits of the SHA-256 of the description.

        The order in which thresholds and prompts are named does not count.
        """
        ordered = self.model_copy(
            update={
                "thresholds": dict(sorted(self.thresholds.items())),
                "prompt_versions": dict(sorted(self.prompt_versions.items())),
            }
        )
        digest = hashlib.sha256(ordered.model_dump_json().encode()).hexdigest()
        return f"configuration-{digest[:12]}"


def guard_version(suspicion: Suspicion) -> str:
    """The learned model's version, and a hash of the grammar's code and words."""
    digest = hashlib.sha256()
    for name in GRAMMAR:
        digest.update((files("feedback_assets.gold") / name).read_bytes())
    return f"{suspicion.version}+{digest.hexdigest()[:12]}"


GRAMMAR = (
    "instructions.py", "instruction_gate.py", "instruction_grammar.py",
    "instruction_patterns.yaml", "disguises.py", "reading.py",
)  # fmt: skip


def tier_one_configuration(model: TriageClassifier, suspicion: Suspicion) -> Configuration:
    """The configuration of `model` without a language model."""
    claimed = dict(zip(CATEGORIES, model.thresholds, strict=True))
    stands = {
        f"{field} {name} stands": at
        for field, classes in CLASSES.items()
        for name, at in zip(classes, model.guarantee.thresholds[field], strict=True)
    }
    return Configuration(
        model_version=model.version,
        guard_version=guard_version(suspicion),
        thresholds={name: round(float(at), 6) for name, at in {**claimed, **stands}.items()},
    )
