"""A trained model as two files: its numbers, and its names and figures.

Belongs here: writing and reading them. Does not belong here: which model is in force
(`model_store`).
"""

from __future__ import annotations

import io
import json
from dataclasses import fields
from pathlib import Path

import numpy as np

from feedback_assets.contracts.taxonomy import CATEGORIES
from feedback_assets.gold.calibration import Calibration
from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.features import BUCKETS, feature_count
from feedback_assets.gold.guarantee import CLASSES, FIELDS, PRECISION, RISK, Guarantee
from feedback_assets.gold.heads import HEADS
from feedback_assets.gold.reliability import Reliability
from feedback_assets.gold.vocabulary import Vocabulary

_MAPS = tuple(each.name for each in fields(Calibration) if each.name != "actions")


def save(model: TriageClassifier, folder: Path) -> Path:
    """Write ``<version>.npz`` (numbers) and ``<version>.json`` (names); the former's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{model.version}.npz"
    kept = np.flatnonzero(model.vocabulary.columns >= 0).astype(np.int32)
    # Packed first: an archive is not written in one go, and mounted volumes take nothing else.
    packed = io.BytesIO()
    np.savez_compressed(
        packed,
        allow_pickle=False,
        buckets=kept,
        idf=model.vocabulary.idf,
        scales=model.vocabulary.scales,
        weights=model.weights,
        bias=model.bias,
        **{name: getattr(model.calibration, name) for name in _MAPS},
        actions=model.calibration.actions.weights,
        **{f"stands_{field}": model.guarantee.thresholds[field] for field in FIELDS},
    )
    drafted = path.with_suffix(".new.npz")
    drafted.write_bytes(packed.getvalue())
    thresholds = model.calibration.thresholds.round(4).tolist()
    described = {
        "version": model.version,
        "heads": HEADS,
        "features": {"buckets": BUCKETS, "all": feature_count(), "kept": len(kept)},
        "thresholds": dict(zip(CATEGORIES, thresholds, strict=True)),
        "guarantee": {"precision": PRECISION, "risk": RISK, "classes": CLASSES},
        "rules": {
            "version": model.calibration.actions.rules_version,
            "reliability": model.calibration.actions.rules,
        },
        "metrics": model.metrics,
        "classes": model.classes,
        "parameters": model.parameters,
    }
    path.with_suffix(".json").write_text(
        json.dumps(described, indent=1, ensure_ascii=False, allow_nan=False), encoding="utf-8"
    )
    # Last: where the numbers are, all is, and nothing is trained again.
    drafted.replace(path)
    return path


def load(path: Path) -> TriageClassifier:
    """The model saved at `path` (the .npz; its .json stands beside it).

    Raises `ValueError` when it was trained for other labels or features than the code's.
    """
    described = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    labels = {field: list(classes) for field, classes in CLASSES.items()}
    if (
        described["heads"] != list(HEADS)
        or described["guarantee"]["classes"] != labels
        or described["features"]["all"] != feature_count()
    ):
        raise ValueError(f"{path}: trained for other labels or features: train it again")
    rules = described["rules"]
    with np.load(path, allow_pickle=False) as stored:
        kept = stored["buckets"]
        columns = np.full(feature_count(), -1, dtype=np.int32)
        columns[kept] = np.arange(len(kept))
        blocks = np.minimum(kept // BUCKETS, 2).astype(np.uint8)
        return TriageClassifier(
            version=described["version"],
            vocabulary=Vocabulary(columns, stored["idf"], blocks, stored["scales"]),
            weights=stored["weights"],
            bias=stored["bias"],
            calibration=Calibration(
                **{name: stored[name] for name in _MAPS},
                actions=Reliability(rules["version"], rules["reliability"], stored["actions"]),
            ),
            guarantee=Guarantee({field: stored[f"stands_{field}"] for field in FIELDS}),
            metrics=described["metrics"],
            classes=described["classes"],
            parameters=described["parameters"],
        )
