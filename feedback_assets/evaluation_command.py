"""`feedback evaluate`: a choice beside another on the golden set.

Belongs here: turning options into choices, and the order of judging and showing. Does not
belong here: arguments as they are typed (cli.py) and the evaluation (gold/evaluation).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from feedback_assets.gold.evaluation.contenders import IN_FORCE, Choice, contender
from feedback_assets.gold.evaluation.evaluate import Evaluation, evaluate
from feedback_assets.gold.evaluation.outcomes import STAGES
from feedback_assets.gold.evaluation.report import write_report
from feedback_assets.gold.evaluation.terminal import show
from feedback_assets.gold.model_store import CURRENT, train_and_keep
from feedback_assets.pipeline.runtime import Runtime, build_runtime
from resources.settings import Settings

KINDS = ("prompt", "model", "rules", "thresholds")


@dataclass(frozen=True)
class Asked:
    """The options: at most one of `KINDS` is set, `against` is of the same kind."""

    stage: str | None = None
    prompt: str | None = None
    model: str | None = None
    rules: str | None = None
    thresholds: str | None = None
    against: str | None = None


class UnclearChoice(ValueError):
    """The options don't say what to judge; the message says what to give."""


def choices(asked: Asked) -> tuple[Choice, Choice | None]:
    """What to judge, and what to hold it against; None for nothing.

    Without `against`, a choice is held against what is in force.
    """
    given = {kind: value for kind in KINDS if (value := getattr(asked, kind)) is not None}
    if asked.stage is not None and asked.stage not in STAGES:
        raise UnclearChoice(f"--stage {asked.stage!r}: expected one of {', '.join(STAGES)}")
    if len(given) > 1:
        raise UnclearChoice(f"one at a time, so that it is clear what made the difference: {given}")
    if not given:
        if asked.against is not None:
            raise UnclearChoice("--against needs --prompt, --model, --rules or --thresholds")
        return IN_FORCE, None
    ((kind, value),) = given.items()
    if kind == "prompt" and asked.stage is None:
        raise UnclearChoice("--prompt needs --stage: prompts are versioned by stage")
    other = IN_FORCE if asked.against is None else _choice(kind, asked.against, asked.stage)
    return _choice(kind, value, asked.stage), other


def _choice(kind: str, value: str, stage: str | None) -> Choice:
    match kind:
        case "prompt":
            return Choice(prompts={str(stage): value})
        case "model":
            return Choice(model_version=value)
        case _:
            path = Path(value)
            if not path.is_file():
                raise UnclearChoice(f"--{kind}: no file {value}")
            return Choice(rules=path) if kind == "rules" else Choice(thresholds=path)


def run(settings: Settings, asked: Asked, report: Path | None, console: Console) -> Evaluation:
    """Judge, print, write the report.

    Raises `UnclearChoice`, `ValueError` and `FileNotFoundError` with what to do.
    """
    chosen, other = choices(asked)
    runtime = build_runtime(settings, f"evaluate-{uuid.uuid4().hex[:8]}")
    if asked.prompt is not None and runtime.model_plan is None:
        raise UnclearChoice(
            "a prompt can only be judged with a language model: set FEEDBACK_LLM_SERVICE, "
            "FEEDBACK_LLM_ENDPOINT, FEEDBACK_LLM_MODEL and FEEDBACK_LLM_KEY"
        )
    if not (settings.models_folder / CURRENT).exists():
        console.print("No model is trained yet: training")
        train_and_keep(settings.golden_set / "train", settings.models_folder)
    try:
        done = _judge(runtime, settings.golden_set, chosen, other, asked.stage)
    finally:
        if runtime.model_plan is not None:
            runtime.model_plan.close()
    show(done, console, classes=asked.stage is not None)
    now = datetime.now(UTC)
    name = f"evaluation-{now:%Y%m%d-%H%M%S}.html"
    path = write_report(done, report or settings.reports_folder / name, now)
    console.print(f"Report: {path}", highlight=False, soft_wrap=True)
    return done


def _judge(
    runtime: Runtime, golden_set: Path, chosen: Choice, other: Choice | None, stage: str | None
) -> Evaluation:
    stages = STAGES if stage is None else (stage,)
    against = None if other is None else contender(runtime, golden_set, other, stages)
    return evaluate(golden_set, contender(runtime, golden_set, chosen, stages), against, stages)
