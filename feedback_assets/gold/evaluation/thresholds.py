"""Other thresholds for a trained model, from a file, to be judged beside its own.

Belongs here: reading them and putting them in. Does not belong here: how thresholds are learned
(`guarantee`, `training_calibration`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from feedback_assets.contracts.taxonomy import CATEGORIES
from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.guarantee import CLASSES, FIELDS, Guarantee
from feedback_assets.gold.guarantee import Field as Judged


class Thresholds(BaseModel):
    """The file: `claimed` is the probability from which a category applies, `stands` by field
    and class the confidence from which a finding stands (``.inf``: never). What is left out
    stays the model's own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    claimed: Mapping[str, float] = Field(default_factory=dict)
    stands: Mapping[Judged, Mapping[str, float]] = Field(default_factory=dict)


def with_thresholds(model: TriageClassifier, path: Path) -> TriageClassifier:
    """`model` with the thresholds of a YAML file in place of its own.

    Raises `ValueError` naming the file and what in it is no class or no number.
    """
    try:
        read = Thresholds.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        claimed = _put(model.calibration.thresholds, CATEGORIES, read.claimed)
        stands = {
            field: _put(model.guarantee.thresholds[field], CLASSES[field], read.stands[field])
            if field in read.stands
            else model.guarantee.thresholds[field]
            for field in FIELDS
        }
    except (ValidationError, yaml.YAMLError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
    return replace(
        model,
        calibration=replace(model.calibration, thresholds=claimed),
        guarantee=Guarantee(stands),
    )


def _put(
    own: NDArray[np.float64], classes: Sequence[str], given: Mapping[str, float]
) -> NDArray[np.float64]:
    changed = own.copy()
    for name, value in given.items():
        if name not in classes:
            raise ValueError(f"no class {name!r}; there are {', '.join(classes)}")
        changed[classes.index(name)] = value
    return changed
