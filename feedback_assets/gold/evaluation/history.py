"""What earlier configurations said of the golden items, kept in the lakehouse.

Belongs here: writing outcomes and scores to their tables, and reading outcomes back. Does not
belong here: judging, and deciding what may go live.

Of each evaluation `golden_predictions` holds one row an item and stage, and one row of stage
`CONFIGURATION` whose `said` describes the configuration; `golden_evaluation` holds the scores,
and how many gates were broken as metric `BREACHES`. The latest evaluation of a configuration
speaks.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
import pyarrow as pa

from feedback_assets.contracts.ledgers import GOLDEN_EVALUATION, GOLDEN_PREDICTIONS
from feedback_assets.gold.evaluation.configuration import Configuration
from feedback_assets.gold.evaluation.measures import ALL
from feedback_assets.gold.evaluation.outcomes import STAGES, Outcomes, schema_of
from feedback_assets.gold.evaluation.scores import Scores
from resources.lakehouse.base import Lakehouse

CONFIGURATION = "configuration"
BREACHES = "breaches"
_COLUMNS = ("item", "confidence", "tier", "stands")
"""Columns of a frame that are columns of the table too; all others ride in its JSON."""
_OF_THE_ITEM = ("language", "source", "traits")


def keep(
    lakehouse: Lakehouse,
    outcomes: Outcomes,
    scores: Scores,
    breaches: int,
    floors: Mapping[tuple[str, str, str], float],
    run_id: str,
    evaluated_at: dt.datetime,
) -> None:
    """Add outcomes and scores to their tables, predictions first.

    `breaches` is how many gates were broken; `floors` are the gates' bounds by stage, label and
    metric; `evaluated_at` is aware, and tells one evaluation of a configuration from another.
    """
    _append(lakehouse, GOLDEN_PREDICTIONS, list(_predictions(outcomes, evaluated_at)))
    rows = [*scores.table.iter_rows(), (ALL, ALL, BREACHES, float(breaches))]
    _append(
        lakehouse,
        GOLDEN_EVALUATION,
        [
            {
                "configuration": outcomes.configuration_hash, "stage": stage, "label": label,
                "metric": metric, "value": value, "floor": floors.get((stage, label, metric)),
                "evaluated_at": evaluated_at, "run_id": run_id,
            }
            for stage, label, metric, value in rows
        ],
    )  # fmt: skip


def previous(lakehouse: Lakehouse, configuration_hash: str) -> Outcomes | None:
    """The latest outcomes of another configuration that broke no gate; None when there are none.

    One that broke a gate is no measure for the next: else failing twice would be passing.
    """
    passed = {
        (row["configuration"], row["evaluated_at"])
        for row in _scan(lakehouse, GOLDEN_EVALUATION.name, f"metric = '{BREACHES}'")
        if row["value"] == 0
    }
    others = [
        row
        for row in _evaluations(lakehouse)
        if row["configuration"] != configuration_hash
        and (row["configuration"], row["evaluated_at"]) in passed
    ]
    return _read(lakehouse, others)


def kept(lakehouse: Lakehouse, configuration_hash: str) -> Outcomes | None:
    """The latest outcomes of this configuration; None when it was never kept."""
    own = [row for row in _evaluations(lakehouse) if row["configuration"] == configuration_hash]
    return _read(lakehouse, own)


def _append(lakehouse: Lakehouse, table: Any, rows: list[dict[str, Any]]) -> None:
    batch = pa.RecordBatch.from_pylist(rows, schema=table.schema)
    lakehouse.append(table, [batch])


def _predictions(outcomes: Outcomes, evaluated_at: dt.datetime) -> Iterator[dict[str, Any]]:
    common = {"configuration": outcomes.configuration_hash, "evaluated_at": evaluated_at}
    yield {
        **common, "stage": CONFIGURATION, "item": "", "truth": "{}",
        "said": outcomes.configuration.model_dump_json(),
        "confidence": 1.0, "tier": "rules", "stands": True,
    }  # fmt: skip
    for stage, frame in outcomes.frames.items():
        truths = [n for n in frame.columns if n.startswith("truth_")] + list(_OF_THE_ITEM)
        said = [n for n in frame.columns if n not in (*truths, *_COLUMNS)]
        for row in frame.iter_rows(named=True):
            yield {
                **common,
                "stage": stage,
                "item": row["item"],
                "said": _json(row, said),
                "truth": _json(row, truths),
                # Translation has none.
                "confidence": row["confidence"] or 0.0,
                "tier": row["tier"],
                "stands": row["stands"],
            }


def _json(row: dict[str, Any], names: list[str]) -> str:
    return json.dumps({name: row[name] for name in names}, ensure_ascii=False)


def _evaluations(lakehouse: Lakehouse) -> list[dict[str, Any]]:
    return _scan(lakehouse, GOLDEN_PREDICTIONS.name, f"stage = '{CONFIGURATION}'")


def _scan(lakehouse: Lakehouse, table: str, predicate: str) -> list[dict[str, Any]]:
    if not lakehouse.exists(table):
        return []
    rows: list[dict[str, Any]] = lakehouse.scan(table, predicate=predicate).read_all().to_pylist()
    return rows


def _read(lakehouse: Lakehouse, evaluations: list[dict[str, Any]]) -> Outcomes | None:
    """The outcomes of the latest of `evaluations`."""
    if not evaluations:
        return None
    latest = max(evaluations, key=lambda row: row["evaluated_at"])
    by_stage: dict[str, list[dict[str, Any]]] = {}
    predicate = f"configuration = '{latest['configuration']}' AND stage != '{CONFIGURATION}'"
    for row in _scan(lakehouse, GOLDEN_PREDICTIONS.name, predicate):
        if row["evaluated_at"] == latest["evaluated_at"]:
            columns = {name: row[name] for name in _COLUMNS}
            told = {**json.loads(row["truth"]), **json.loads(row["said"]), **columns}
            by_stage.setdefault(row["stage"], []).append(told)
    order = sorted({row["item"] for rows in by_stage.values() for row in rows})
    frames = {
        stage: pl.DataFrame(by_stage[stage], schema=schema_of(stage))
        for stage in STAGES
        if stage in by_stage
    }
    return Outcomes(Configuration.model_validate_json(latest["said"]), frames).only(order)
