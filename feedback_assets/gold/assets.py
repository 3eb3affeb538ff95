"""Gold's assets: the trained classifier, a stage each, and the join."""

import datetime as dt

import dagster as dg

from feedback_assets.contracts.ledgers import GOLDEN_EVALUATION, MODEL_BATCHES, MODEL_CALLS
from feedback_assets.gold.checks import CHECKS as GOLDEN_CHECKS
from feedback_assets.gold.evaluation.judging import headline, judge_in_force
from feedback_assets.gold.evaluation.rolling_set import judge_rolling
from feedback_assets.gold.gold_steps import JOIN, stage_step
from feedback_assets.gold.guarantee import as_markdown
from feedback_assets.gold.language_model.batching import collect
from feedback_assets.gold.model_store import train_and_keep
from feedback_assets.gold.stages import STAGES
from feedback_assets.pipeline.assets import (
    OWNERS,
    ComputeParam,
    column_schema,
    contract_check,
    step_asset,
    table_spec,
)


@dg.asset(
    group_name="gold",
    kinds={"scikitlearn"},
    owners=OWNERS,
    description="The cheap model: linear, calibrated, trained from the labelled examples.",
)
def triage_classifier(
    context: dg.AssetExecutionContext, compute: ComputeParam
) -> dg.MaterializeResult[None]:
    """Train from ``golden_set/train`` and reviewers' decisions; put the model in force."""
    settings = compute.settings
    lakehouse = compute.runtime(context.run.run_id).lakehouse
    model = train_and_keep(settings.golden_set / "train", settings.models_folder, lakehouse)
    quality = {k: v for k, v in model.metrics.items() if not k.startswith("n_")}
    examples = {k.removeprefix("n_"): int(v) for k, v in model.metrics.items() if k not in quality}
    return dg.MaterializeResult(
        metadata={
            "version": model.version,
            **quality,
            "guarantee": dg.MetadataValue.md(as_markdown(model.classes)),
            "examples_by_label": dg.MetadataValue.json(examples),
        },
        data_version=dg.DataVersion(model.version),
    )


@dg.asset(
    group_name="gold",
    kinds={"openai", "deltalake"},
    owners=OWNERS,
    description=MODEL_BATCHES.description,
    metadata={"dagster/column_schema": column_schema(MODEL_BATCHES)},
)
def model_batches(
    context: dg.AssetExecutionContext, compute: ComputeParam
) -> dg.MaterializeResult[None]:
    """Collect the answers of batches that have ended, and give up late ones."""
    runtime = compute.runtime(context.run.run_id)
    if runtime.model_plan is None:
        return dg.MaterializeResult(metadata={"note": "no language model is set"})
    collected = collect(runtime.model_plan, runtime.lakehouse, runtime.run_id)
    return dg.MaterializeResult(
        metadata={
            "answered": collected.answered,
            "unanswered": collected.unanswered,
            "running": collected.running,
            "partitions": dg.MetadataValue.json(sorted(p.key for p in collected.partitions)),
        }
    )


@dg.asset(
    group_name="gold",
    kinds={"scikitlearn", "deltalake"},
    owners=OWNERS,
    deps=["triage_classifier"],
    description="What is in force, judged on the golden set and held to its gates.",
    metadata={"dagster/column_schema": column_schema(GOLDEN_EVALUATION)},
)
def golden_evaluation(
    context: dg.AssetExecutionContext, compute: ComputeParam
) -> dg.MaterializeResult[None]:
    """Judge model, prompts, rules and thresholds in force; scores, report, broken gates."""
    runtime, settings = compute.runtime(context.run.run_id), compute.settings
    judged = judge_in_force(runtime, settings.golden_set, settings.reports_folder)
    if judged.note:
        context.log.warning(judged.note)
    configuration = judged.evaluation.outcomes.configuration
    return dg.MaterializeResult(
        metadata={
            "configuration": dg.MetadataValue.json(configuration.model_dump(mode="json")),
            **headline(judged.evaluation),
            "broken_gates": len(judged.evaluation.breaches),
            "report": dg.MetadataValue.path(str(judged.report)),
            "note": judged.note,
        },
        data_version=dg.DataVersion(configuration.configuration_hash),
    )


@dg.asset(
    group_name="quality",
    kinds={"scikitlearn", "deltalake"},
    owners=OWNERS,
    deps=["triage_classifier", "review_decisions"],
    description="What is in force, judged on reviewers' latest decisions, which never train.",
    metadata={"dagster/column_schema": column_schema(GOLDEN_EVALUATION)},
)
def rolling_evaluation(
    context: dg.AssetExecutionContext, compute: ComputeParam
) -> dg.MaterializeResult[None]:
    """Judge what is in force on decisions held out of training; no gate hangs on it."""
    runtime, settings = compute.runtime(context.run.run_id), compute.settings
    judged = judge_rolling(runtime, settings.golden_set, dt.datetime.now(dt.UTC))
    return dg.MaterializeResult(
        metadata={
            "items": judged.items,
            "edited": judged.edited,
            **judged.figures,
            "configuration": judged.configuration_hash,
            "note": judged.note,
        }
    )


STEPS = [*(stage_step(stage) for stage in STAGES), JOIN]
ASSETS = [
    triage_classifier,
    golden_evaluation,
    rolling_evaluation,
    model_batches,
    table_spec(MODEL_CALLS),
    *(
        # One run at a time asks a stage's questions, so that two never ask the same one at once.
        step_asset(
            step, {"spark", "deltalake", "scikitlearn"}, ["triage_classifier"], pool=step.name
        )
        for step in STEPS[:-1]
    ),
    step_asset(JOIN, {"spark", "deltalake"}),
]
CHECKS = [*(contract_check(step) for step in STEPS), *GOLDEN_CHECKS]
