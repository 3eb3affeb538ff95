"""Configurations that can be judged: the one in force, and others beside it.

Belongs here: putting model, prompts, rules and thresholds together. Does not belong here:
judging them (`evaluate`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.evaluation.calibrating import learn
from feedback_assets.gold.evaluation.configuration import Configuration, tier_one_configuration
from feedback_assets.gold.evaluation.evaluate import Contender
from feedback_assets.gold.evaluation.golden import read_golden
from feedback_assets.gold.evaluation.outcomes import STAGES, judge
from feedback_assets.gold.evaluation.thresholds import with_thresholds
from feedback_assets.gold.evaluation.tier_one import tier_one
from feedback_assets.gold.language_model import confidence
from feedback_assets.gold.language_model.cascade import Cascade
from feedback_assets.gold.language_model.confidence import AS_STATED, Calibration
from feedback_assets.gold.model_store import load, load_suspicion, version_in_force
from feedback_assets.gold.prompts import Prompt, active_versions, read_prompt
from feedback_assets.gold.recommendation import RuleBook
from feedback_assets.gold.stages import Stamp
from feedback_assets.gold.suspicion import FILE as SUSPICION
from feedback_assets.gold.suspicion import Suspicion
from feedback_assets.pipeline.runtime import Runtime


@dataclass(frozen=True)
class Choice:
    """What is different from what is in force; None for nothing.

    `prompts` are versions by stage, `thresholds` a file as `with_thresholds` reads it, `rules`
    a file of recommendation rules.
    """

    model_version: str | None = None
    prompts: Mapping[str, str] = field(default_factory=dict)
    rules: Path | None = None
    thresholds: Path | None = None


IN_FORCE = Choice()


def contender(
    runtime: Runtime,
    golden_set: Path,
    choice: Choice = IN_FORCE,
    stages: Collection[str] = STAGES,
) -> Contender:
    """What `choice` decides, its language model calibrated on the golden set where one is set.

    `stages` limits what is asked for that to these stages and those they need.
    The calibrations of the choice in force are kept beside the models, which puts them in
    force too. Raises `FileNotFoundError` for an unknown model, `PromptError` for a prompt, and
    `NotAskedToTheEnd`.
    """
    cascade = _cascade(runtime, choice)
    described = describe(cascade, runtime)
    if cascade.plan is None:
        return Contender(cascade.decide, described)
    as_stated = replace(cascade, calibrations=dict.fromkeys(cascade.prompts, AS_STATED))
    learned = learn(judge(read_golden(golden_set), as_stated.decide, described, stages))
    if choice == IN_FORCE:
        for stage, calibration in learned.items():
            prompt = cascade.prompts[stage]
            name = cascade.plan.model.name
            confidence.keep(runtime.models_folder, name, prompt.hash, calibration)
    return Contender(replace(cascade, calibrations=learned).decide, described)


def without_language_model(runtime: Runtime) -> Contender:
    """What is in force, as it decides while its language model was never judged: tier 1 alone.

    Described as what is in force, which is what it speaks for.
    """
    cascade = _cascade(runtime, IN_FORCE)
    return Contender(replace(cascade, plan=None).decide, describe(cascade, runtime))


def tier_one_alone(model: TriageClassifier, suspicion: Suspicion) -> Contender:
    """A trained model and the built-in rules, without a language model or a lakehouse."""
    return Contender(tier_one(model, suspicion), tier_one_configuration(model, suspicion))


def in_force(runtime: Runtime) -> Configuration:
    """The description of what decides now."""
    return describe(_cascade(runtime, IN_FORCE), runtime)


def describe(cascade: Cascade, runtime: Runtime) -> Configuration:
    """All that decides in `cascade`."""
    described = tier_one_configuration(cascade.model, cascade.suspicion)
    update: dict[str, object] = {"rules_version": cascade.rules.version}
    if cascade.plan is not None:
        update["language_model"] = cascade.plan.model.name
        update["prompt_versions"] = {s: p.version for s, p in cascade.prompts.items()}
    return described.model_copy(update=update)


def _cascade(runtime: Runtime, choice: Choice) -> Cascade:
    models = runtime.models_folder
    model = load(models, choice.model_version or version_in_force(models))
    if choice.thresholds is not None:
        model = with_thresholds(model, choice.thresholds)
    plan, prompts = runtime.model_plan, {}
    calibrations: dict[str, Calibration | None] = {}
    if plan is not None:
        versions = {**active_versions(runtime.prompts_folder), **choice.prompts}
        prompts = {s: read_prompt(runtime.prompts_folder, s, v) for s, v in versions.items()}
        calibrations = {s: _kept(runtime, plan.model.name, p) for s, p in prompts.items()}
    guard = load_suspicion(models, version_in_force(models, SUSPICION))
    return Cascade(
        model, guard, Stamp(runtime.run_id, datetime.now(UTC)), plan, prompts, runtime.lakehouse,
        calibrations, RuleBook.read(choice.rules),
    )  # fmt: skip


def _kept(runtime: Runtime, model: str, prompt: Prompt) -> Calibration | None:
    return confidence.read(runtime.models_folder, model, prompt.hash)
