"""Gold's assets: the trained classifier, a stage each, and the join."""

from __future__ import annotations

from feedback_assets.contracts.ledgers import GOLDEN_EVALUATION, MODEL_BATCHES, MODEL_CALLS
from feedback_assets.gold import routines
from feedback_assets.gold.checks import CHECKS as GOLDEN_CHECKS
from feedback_assets.gold.gold_steps import JOIN, STEPS
from feedback_assets.pipeline.assets import contract_check, routine_asset, step_asset, table_spec

triage_classifier = routine_asset(
    routines.TRAIN,
    "gold",
    {"scikitlearn"},
    "The cheap model: linear, calibrated, trained from the labelled examples.",
)
model_batches = routine_asset(
    routines.COLLECT, "gold", {"openai", "deltalake"}, MODEL_BATCHES.description, [], MODEL_BATCHES
)
golden_evaluation = routine_asset(
    routines.JUDGE_GOLDEN_SET,
    "gold",
    {"scikitlearn", "deltalake"},
    "What is in force, judged on the golden set and held to its gates.",
    ["triage_classifier"],
    GOLDEN_EVALUATION,
)
rolling_evaluation = routine_asset(
    routines.JUDGE_ROLLING_SET,
    "quality",
    {"scikitlearn", "deltalake"},
    "What is in force, judged on reviewers' latest decisions, which never train.",
    ["triage_classifier", "review_decisions"],
    GOLDEN_EVALUATION,
)
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
