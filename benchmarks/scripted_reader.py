"""A scripted model of a right answer's length, for counting tokens.

Belongs here: answers as long as a real model's would be: a sentence of reasons, a quote, labels.
Does not belong here: what is counted (model_cost.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from feedback_assets.gold.answers import Answer, Finding
from feedback_assets.gold.examples import read_examples
from resources.llm.base import ModelRequest
from tests.gold.language_model.golden_models import finding, items_of, perfect, stage_of, unknown

RATIONALE = "The text says what went wrong, where, and what it kept the customer from doing today."


class PerfectReader:
    """Answers with golden labels where it knows the text; keeps the length of its answers."""

    def __init__(self, examples: Iterable[dict[str, Any]] = ()) -> None:
        self._perfect = perfect(examples)

    @classmethod
    def of(cls, golden_set: Path) -> PerfectReader:
        """One that knows the golden set."""
        return cls(read_examples(golden_set))

    def __call__(self, request: ModelRequest) -> Answer[Finding]:
        """The answer to `request`."""
        return self._perfect(request)

    def written(self, request: ModelRequest) -> int:
        """Characters of the answer to `request`."""
        stage = stage_of(request)
        return sum(self.length(stage, item["text"]) for item in items_of(request))

    def length(self, stage: str, text: str) -> int:
        """Characters of the finding about one text."""
        found = finding(stage, {"item": 1, "text": text}, unknown(text), 0.9)
        if stage != "translation":
            found["rationale"] = RATIONALE
        return len(json.dumps(found, ensure_ascii=False))
