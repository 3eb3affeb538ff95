"""An evaluation from the golden items to verdict and report.

Belongs here: the order in which the parts are called, for the command line and for the asset.
Does not belong here: the parts; which models and prompts there are; Dagster.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from feedback_assets.gold.evaluation.comparison import Comparison, common, compare
from feedback_assets.gold.evaluation.configuration import Configuration
from feedback_assets.gold.evaluation.gates import Breach, Gates, lost, missed, read_gates
from feedback_assets.gold.evaluation.golden import GoldenItem, read_golden
from feedback_assets.gold.evaluation.history import keep, previous
from feedback_assets.gold.evaluation.outcomes import STAGES, Decide, Outcomes, judge
from feedback_assets.gold.evaluation.scores import Scores, score
from resources.lakehouse.base import Lakehouse

GATES = "gates.yaml"


class Contender(NamedTuple):
    """Something to be judged: what decides, and its description."""

    decide: Decide
    configuration: Configuration


@dataclass(frozen=True)
class Evaluation:
    """All that is known of a configuration after it was judged.

    `against` and `comparison` are None where there is nothing to hold it against; `against`
    holds the items both judged alone.
    """

    items: tuple[GoldenItem, ...]
    gates: Gates
    outcomes: Outcomes
    scores: Scores
    against: Outcomes | None
    comparison: Comparison | None
    breaches: tuple[Breach, ...]


def evaluate(
    golden_set: Path,
    contender: Contender,
    against: Contender | Outcomes | None = None,
    stages: Collection[str] = STAGES,
) -> Evaluation:
    """Judge `contender` on the items of folder `golden_set` by the gates in it.

    `against` is judged too, or was before; what the two have in common is compared. `stages`
    limits both to these and those they need. Raises as `read_golden`, `read_gates` and `judge`.
    """
    items = read_golden(golden_set)
    gates = read_gates(golden_set / GATES)
    now = judge(items, *contender, stages)
    before = judge(items, *against, stages) if isinstance(against, Contender) else against
    scores = score(now)
    breaches = missed(gates, scores)
    comparison = None
    if before is not None:
        shared, before = common(now, before)
        if shared.items:
            comparison = compare(shared, before)
            breaches += lost(gates, shared, before)
    compared = None if comparison is None else before
    return Evaluation(tuple(items), gates, now, scores, compared, comparison, tuple(breaches))


def evaluate_in_force(
    golden_set: Path,
    contender: Contender,
    lakehouse: Lakehouse,
    run_id: str,
    evaluated_at: dt.datetime,
) -> Evaluation:
    """Judge the configuration in force against the one before, and keep what it said.

    The one before is the latest other configuration that broke no gate. Raises as `evaluate`.
    """
    before = previous(lakehouse, contender.configuration.configuration_hash)
    done = evaluate(golden_set, contender, before)
    keep(
        lakehouse, done.outcomes, done.scores, len(done.breaches), done.gates.bounds,
        run_id, evaluated_at,
    )  # fmt: skip
    return done
