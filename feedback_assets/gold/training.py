"""Training tier 1 from labelled examples.

Belongs here: the order of things, and the name of what comes out. Does not belong here: each
part (`training_heads`, `training_calibration`, `training_actions`, `training_guarantee`,
`training_metrics`), reading examples (`examples`, `reviewed`), and the trained model's use
(`classifier`).

Calibration and guarantee are learned from scores out of fold: each example is scored by models
that never saw it, nor anything else of its writer's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from feedback_assets.contracts.taxonomy import SUB_CATEGORIES
from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.features import Passage, read
from feedback_assets.gold.guarantee import PRECISION, RISK
from feedback_assets.gold.scored_texts import concepts_of, form_of
from feedback_assets.gold.training_guarantee import Unseen, by_class, fitted, found, guaranteed
from feedback_assets.gold.training_heads import (
    PARAMETERS,
    fit_heads,
    folds_of,
    labels_of,
    matrix_of,
    out_of_fold,
    truth_of,
    vocabulary_of,
)
from feedback_assets.gold.training_metrics import cross_fitted, metrics

Rows = Sequence[Mapping[str, Any]]
_FEWEST = 10


def train(
    examples: Iterable[Mapping[str, Any]], seed: int = 0, reviewed: Rows = ()
) -> TriageClassifier:
    """A calibrated classifier from labelled examples.

    The heads learn from `reviewed` examples too (`reviewed.decided_examples`), calibration and
    guarantee don't: a person who confirms a model's finding has seen it first, and which items
    are reviewed depends on the model's doubt, so they prove nothing of its precision.

    The same examples, code and seed give the same model. A label with too few examples to
    learn gets its base rate. Raises `ValueError` when there are fewer than ten examples.
    """
    rows = list(examples)
    if len(rows) < _FEWEST:
        raise ValueError(f"{len(rows)} examples are too few to train and calibrate on")
    # The linear algebra is small: more threads only wait for each other on a busy machine.
    with threadpool_limits(limits=1):
        return _train(rows, reviewed, seed)


def _train(rows: Rows, reviewed: Rows, seed: int) -> TriageClassifier:
    passages = [_read(row) for row in (*rows, *reviewed)]
    labels, truth = labels_of(rows), truth_of(labels_of((*rows, *reviewed)))
    folds = folds_of(rows, labels, seed)
    own = passages[: len(rows)]
    unseen = Unseen(
        out_of_fold(passages, truth, folds, len(reviewed), seed),
        np.concatenate([form_of(passage.layout) for passage in own]),
        np.concatenate([concepts_of(passage) for passage in own]),
        labels,
    )
    calibration = fitted(unseen)
    guarantee = guaranteed(found(calibration, unseen)[1])
    said, findings, stands = cross_fitted(unseen, folds)
    vocabulary = vocabulary_of(passages)
    weights, bias = fit_heads(matrix_of(vocabulary, passages), truth, seed)
    return TriageClassifier(
        version=version_of(rows, seed, reviewed),
        vocabulary=vocabulary,
        weights=weights.astype(np.float32),
        bias=bias,
        calibration=calibration,
        guarantee=guarantee,
        metrics={
            **metrics(unseen, said, findings, stands),
            "reviewed": len(reviewed),
            "reviewed_edited": sum("edited" in row["traits"] for row in reviewed),
            "folds": len(np.unique(folds)),
        },
        classes=by_class(guarantee, findings, stands),
        parameters={**PARAMETERS, "seed": seed, "risk": RISK},
    )


def _read(row: Mapping[str, Any]) -> Passage:
    """An example's features, without passages that try to instruct the reader: the stages don't
    see those either (`reading`)."""
    text = row["text"]
    for attempt in row.get("attempt", ()):
        text = text.replace(attempt, " " * len(attempt))
    return read([text])


def version_of(rows: Rows, seed: int = 0, reviewed: Rows = ()) -> str:
    """The name of the model that training makes: a hash of data, settings and code."""
    digest = hashlib.sha256()
    for row in (*rows, *reviewed):
        digest.update(json.dumps(row, sort_keys=True, ensure_ascii=False).encode())
    settings = [PARAMETERS, PRECISION, RISK, seed, len(rows), SUB_CATEGORIES]
    digest.update(json.dumps(settings, sort_keys=True).encode())
    for name in _CODE:
        digest.update((files(__package__) / name).read_bytes())
    return "tier1-" + digest.hexdigest()[:12]


_CODE = (
    "letters.py", "rolling.py", "concepts.py", "concepts.yaml", "features.py", "vocabulary.py",
    "scored_texts.py", "heads.py", "classifier.py", "calibration.py", "guarantee.py",
    "sentiment.py", "topics.py", "root_cause.py", "recommendation.py", "recommendation_rules.yaml",
    "reliability.py", "training.py", "training_heads.py", "training_calibration.py",
    "training_actions.py", "training_guarantee.py", "training_metrics.py",
)  # fmt: skip
