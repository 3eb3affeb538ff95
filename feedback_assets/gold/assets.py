"""Gold's assets: the trained classifier, a stage each, and the join."""

import dagster as dg

from feedback_assets.contracts.ledgers import MODEL_BATCHES, MODEL_CALLS
from feedback_assets.gold.gold_steps import JOIN, stage_step
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
def triage_classifier(compute: ComputeParam) -> dg.MaterializeResult[None]:
    """Train from ``golden_set/train`` and put the model in force."""
    settings = compute.settings
    model = train_and_keep(settings.golden_set / "train", settings.models_folder)
    quality = {k: v for k, v in model.metrics.items() if not k.startswith("n_")}
    examples = {k.removeprefix("n_"): int(v) for k, v in model.metrics.items() if k not in quality}
    return dg.MaterializeResult(
        metadata={
            "version": model.version,
            **quality,
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


STEPS = [*(stage_step(stage) for stage in STAGES), JOIN]
ASSETS = [
    triage_classifier,
    model_batches,
    table_spec(MODEL_CALLS),
    *(
        step_asset(step, {"spark", "deltalake", "scikitlearn"}, deps=["triage_classifier"])
        for step in STEPS[:-1]
    ),
    step_asset(JOIN, {"spark", "deltalake"}),
]
CHECKS = [contract_check(step) for step in STEPS]
