"""Where trained classifiers are kept, and which one is in force.

Belongs here: naming, saving and finding models on disk. Does not belong here: training.
"""

from __future__ import annotations

import functools
import os
import threading
from pathlib import Path

from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.examples import read_examples
from feedback_assets.gold.training import train, version_of

CURRENT = "current"
_LOADING = threading.Lock()


def train_and_keep(examples: Path, models: Path) -> TriageClassifier:
    """Train from the labelled examples in folder `examples` and put the model in force.

    The same examples and code give the same model, which is then not trained again.
    """
    rows = read_examples(examples)
    kept = models / f"{version_of(rows)}.npz"
    model = TriageClassifier.load(kept) if kept.exists() else train(rows)
    if not kept.exists():
        model.save(models)
    drafted = models / f"{CURRENT}.{os.getpid()}"
    drafted.write_text(model.version, encoding="utf-8")
    drafted.replace(models / CURRENT)
    return model


def version_in_force(models: Path) -> str:
    """The version in force. Raises `FileNotFoundError` that says how to train one."""
    try:
        return (models / CURRENT).read_text(encoding="utf-8").strip()
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"no trained model in {models}: materialize triage_classifier first"
        ) from error


def load(models: Path, version: str) -> TriageClassifier:
    """The model of that version, read once a process however many tasks ask at once."""
    with _LOADING:
        return _load(models, version)


@functools.lru_cache(maxsize=2)
def _load(models: Path, version: str) -> TriageClassifier:
    return TriageClassifier.load(models / f"{version}.npz")
