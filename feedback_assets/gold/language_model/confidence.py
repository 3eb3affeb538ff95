"""How far the language model's own confidence may be believed.

Belongs here: the calibration of a model and prompt, kept beside the trained models, and its
use. Does not belong here: measuring it (evaluation).

A language model's stated confidence is no probability. On the golden set it is mapped to one
(Platt, 1999), and a threshold is learned above which an answer stands; a model and prompt that
were never evaluated decide nothing alone.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path

UNKNOWN = 0.5
"""Shown where nothing is known of a model's confidence."""
FILE = "language_model.json"


@dataclass(frozen=True, slots=True)
class Calibration:
    """`stated` confidence s becomes 1 / (1 + exp(-(slope * logit(s) + offset))).

    An answer stands from `stands_at` on (infinity: never). `judged` is on how many answers.
    `severity` is the same for the confidence in the severity, of the stage that has one.
    """

    slope: float
    offset: float
    stands_at: float
    judged: int
    severity: Calibration | None = None

    def probability(self, stated: float) -> float:
        """The probability that a careful person would agree."""
        held = min(max(stated, 0.01), 0.99)
        return 1 / (1 + math.exp(-(self.slope * math.log(held / (1 - held)) + self.offset)))


_STATED = Calibration(slope=1.0, offset=0.0, stands_at=0.0, judged=0)
AS_STATED = replace(_STATED, severity=_STATED)
"""Believes whatever is stated: for learning what it is worth."""


def key(model: str, prompt_hash: str) -> str:
    """What a calibration belongs to."""
    return f"{model} {prompt_hash}"


def read(folder: Path, model: str, prompt_hash: str) -> Calibration | None:
    """The calibration of a model under a prompt; None when it was never evaluated."""
    try:
        kept = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    found = kept.get(key(model, prompt_hash))
    if found is None:
        return None
    severity = found.pop("severity", None)
    return Calibration(**found, severity=severity and Calibration(**severity))


def keep(folder: Path, model: str, prompt_hash: str, calibration: Calibration) -> None:
    """Put `calibration` in force for a model under a prompt."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    kept[key(model, prompt_hash)] = asdict(calibration)
    drafted = path.with_suffix(".new")
    drafted.write_text(json.dumps(kept, indent=1), encoding="utf-8")
    drafted.replace(path)
