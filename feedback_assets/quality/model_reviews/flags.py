"""A flag: what was noticed about a model, and what it calls for.

Belongs here: the flag's shape and the words of each remedy. Does not belong here: noticing
(override_flags.py, confidence_flags.py, word_flags.py) and what becomes of a flag
(recording.py).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

ALL = "all"
"""The stage of what concerns every stage of tier 1."""
_VERSION = re.compile(r"v(\d+)")


@dataclass(frozen=True, slots=True)
class Flag:
    """Why a stage is flagged; the fields are columns of `model_reviews`."""

    stage: str
    reason: str
    label: str | None
    source: str | None
    remedy: str
    value: float
    threshold: float
    detail: str
    words: tuple[str, ...] = ()

    @property
    def review_id(self) -> str:
        """The same for the same stage, reason, label and source."""
        what = "\x1f".join([self.stage, self.reason, self.label or "", self.source or ""])
        return f"review-{hashlib.sha256(what.encode()).hexdigest()[:12]}"


RETRAIN = (
    "To do: run the job train_classifier, which learns from reviewers' decisions; its "
    "golden_evaluation says whether the new model may decide"
)
RULES = (
    "To do: see by which rules the action was advised (feedback trace of an item that was "
    "changed), mend a copy of recommendation_rules.yaml and judge it: "
    "feedback evaluate --rules FILE"
)


def re_prompt(prompts: Path, stage: str, prompt_version: str | None) -> str:
    """What to do about answers under ``<stage>/<version>`` of folder `prompts`."""
    now = (prompt_version or "").rpartition("/")[2] or "v1"
    numbers = [
        int(found[1])
        for path in (prompts / stage).glob("v*.md")
        if (found := _VERSION.fullmatch(path.stem))
    ]
    following = f"v{max(numbers, default=1) + 1}"
    folder = f"{prompts.name}/{stage}"
    return (
        f"To do: write {folder}/{following}.md from {folder}/{now}.md, with what people changed in "
        f"mind, and judge it: feedback evaluate --stage {stage} --prompt {following} --against "
        f"{now}; where it is better, release it and name it in {prompts.name}/active.yaml"
    )
