"""Where trained classifiers are kept, and which one is in force.

Belongs here: naming, saving and finding models on disk. Does not belong here: training.
"""

from __future__ import annotations

import functools
import os
import threading
from pathlib import Path
from typing import Any

from feedback_assets.gold import model_file, suspicion
from feedback_assets.gold.classifier import TriageClassifier
from feedback_assets.gold.examples import read_examples
from feedback_assets.gold.reviewed import decided_examples
from feedback_assets.gold.suspicion import Suspicion
from feedback_assets.gold.training import train, version_of
from resources.lakehouse.base import Lakehouse

CURRENT = "current"
_LOADING = threading.Lock()


def train_and_keep(
    examples: Path, models: Path, lakehouse: Lakehouse | None = None
) -> TriageClassifier:
    """Train from the labelled examples in folder `examples` and put the model in force.

    With a lakehouse, what reviewers have decided joins them. The same examples and code give the
    same model, which is then not trained again.
    """
    rows = read_examples(examples)
    reviewed = [] if lakehouse is None else _reviewed(lakehouse, rows, examples.parent)
    labelled = {row["text"] for row in rows}
    reviewed = [row for row in reviewed if row["text"] not in labelled]
    kept = models / f"{version_of(rows, reviewed=reviewed)}.npz"
    model = model_file.load(kept) if kept.exists() else train(rows, reviewed=reviewed)
    if not kept.exists():
        model_file.save(model, models)
    guard = suspicion.version_of(rows)
    if not (models / f"{guard}.npz").exists():
        suspicion.save(suspicion.train(rows), models)
    _put_in_force(models, suspicion.FILE, guard)
    _put_in_force(models, CURRENT, model.version)
    return model


def _reviewed(
    lakehouse: Lakehouse, rows: list[dict[str, Any]], golden_set: Path
) -> list[dict[str, Any]]:
    """What reviewers have decided, apart from what models are judged by."""
    held_out = any(golden_set.glob("*.jsonl"))
    judged_by = [row["text"] for row in read_examples(golden_set)] if held_out else []
    return decided_examples(lakehouse, len(rows), judged_by)


def _put_in_force(models: Path, name: str, version: str) -> None:
    drafted = models / f"{name}.{os.getpid()}"
    drafted.write_text(version, encoding="utf-8")
    drafted.replace(models / name)


def version_in_force(models: Path, name: str = CURRENT) -> str:
    """The version in force of the classifier, or of the model of `suspicion.FILE`.

    Raises `FileNotFoundError` that says how to train one.
    """
    try:
        return (models / name).read_text(encoding="utf-8").strip()
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"no trained model in {models}: materialize triage_classifier first"
        ) from error


def load(models: Path, version: str) -> TriageClassifier:
    """The model of that version, read once a process however many tasks ask at once."""
    with _LOADING:
        return _load(models, version)


def load_suspicion(models: Path, version: str) -> Suspicion:
    """The model of suspicion of that version, read once a process."""
    with _LOADING:
        return suspicion.load(models / f"{version}.npz")


@functools.lru_cache(maxsize=2)
def _load(models: Path, version: str) -> TriageClassifier:
    return model_file.load(models / f"{version}.npz")
