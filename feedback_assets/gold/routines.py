"""Gold's work on no partition: training, collecting answers, and judging what is in force.

Belongs here: routines and what they report. Does not belong here: training and judging
themselves, and how Dagster shows it (assets.py, checks.py).
"""

from __future__ import annotations

import datetime as dt

from feedback_assets.gold.evaluation.contenders import in_force
from feedback_assets.gold.evaluation.judging import headline, judge_in_force
from feedback_assets.gold.evaluation.rolling_set import judge_rolling
from feedback_assets.gold.evaluation.verdict import broken_gates
from feedback_assets.gold.guarantee import as_markdown
from feedback_assets.gold.language_model.batching import collect
from feedback_assets.gold.model_store import train_and_keep
from feedback_assets.pipeline.judgement import Finding
from feedback_assets.pipeline.runtime import Runtime
from feedback_assets.pipeline.work import CheckReport, Routine, RoutineReport

GATES = "golden_set_gates"
"""The check whether what is in force breaks a gate of the golden set."""


def train(runtime: Runtime) -> RoutineReport:
    """Train from ``golden_set/train`` and reviewers' decisions; put the model in force."""
    examples = runtime.golden_set / "train"
    model = train_and_keep(examples, runtime.models_folder, runtime.lakehouse)
    quality = {k: v for k, v in model.metrics.items() if not k.startswith("n_")}
    by_label = {k.removeprefix("n_"): int(v) for k, v in model.metrics.items() if k not in quality}
    return RoutineReport(
        figures={"version": model.version, **quality},
        markdown={"guarantee": as_markdown(model.classes)},
        details={"examples_by_label": by_label},
        data_version=model.version,
    )


def collect_answers(runtime: Runtime) -> RoutineReport:
    """Collect the answers of batches that have ended, and give up late ones."""
    if runtime.model_plan is None:
        return RoutineReport(figures={"note": "no language model is set"})
    collected = collect(runtime.model_plan, runtime.lakehouse, runtime.run_id)
    return RoutineReport(
        figures={
            "answered": collected.answered,
            "unanswered": collected.unanswered,
            "running": collected.running,
        },
        details={"partitions": sorted(p.key for p in collected.partitions)},
    )


def judge_golden_set(runtime: Runtime) -> RoutineReport:
    """Judge model, prompts, rules and thresholds in force; scores, report, broken gates."""
    judged = judge_in_force(runtime, runtime.golden_set, runtime.reports_folder)
    configuration = judged.evaluation.outcomes.configuration
    return RoutineReport(
        figures={
            **headline(judged.evaluation),
            "broken_gates": len(judged.evaluation.breaches),
            "report": str(judged.report),
            "note": judged.note,
        },
        details={"configuration": configuration.model_dump(mode="json")},
        data_version=configuration.configuration_hash,
        warnings=[judged.note] if judged.note else [],
    )


def judge_rolling_set(runtime: Runtime) -> RoutineReport:
    """Judge what is in force on decisions held out of training; no gate hangs on it."""
    judged = judge_rolling(runtime, runtime.golden_set, dt.datetime.now(dt.UTC))
    return RoutineReport(
        figures={
            "items": judged.items,
            "edited": judged.edited,
            **judged.figures,
            "configuration": judged.configuration_hash or "",
            "note": judged.note,
        }
    )


def judge_gates(runtime: Runtime) -> RoutineReport:
    """The verdict on the configuration in force."""
    return RoutineReport(checks={GATES: CheckReport.of(judged(runtime))})


def judged(runtime: Runtime) -> Finding:
    """What the golden set says of the configuration in force."""
    configuration = in_force(runtime).configuration_hash
    finding = Finding(value=0.0, threshold=0.0, good=f"{configuration} breaks no gate")
    broken = broken_gates(runtime.lakehouse, configuration)
    if broken is None:
        finding.report(
            f"{configuration} was never judged on the golden set: materialize golden_evaluation"
        )
    elif broken:
        finding.value = float(len(broken))
        finding.report(
            f"{configuration} breaks {len(broken)} gates of golden_set/gates.yaml: "
            + "; ".join(broken[:3])
            + "; see the report of golden_evaluation",
            len(broken),
        )
    return finding


TRAIN = Routine("triage_classifier", train)
COLLECT = Routine("model_batches", collect_answers)
JUDGE_GOLDEN_SET = Routine("golden_evaluation", judge_golden_set)
JUDGE_ROLLING_SET = Routine("rolling_evaluation", judge_rolling_set)
# As Dagster names the op of the check.
JUDGE_GATES = Routine(f"{JUDGE_GOLDEN_SET.name}_{GATES}", judge_gates)
ROUTINES = [TRAIN, COLLECT, JUDGE_GOLDEN_SET, JUDGE_ROLLING_SET, JUDGE_GATES]
