"""The links of a chain that tell the language model's part: what was asked, a translation.

Belongs here: these facts as records, and whether a finding stands, in words. Does not belong
here: reading them (calls.py), and how they are shown (call_sections.py).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from feedback_assets.audit.links import Provenance

STANDING = {
    "valid": "stands by itself",
    "doubtful": "does not stand: the confidence is below what its class needs",
    "suspect": "does not stand: the text may try to instruct its reader",
    "contested": "does not stand: the language model contradicts it beyond doubt",
    "uncalibrated": "does not stand: the model was never judged on the golden set",
    "unanswered": "does not stand: the language model gave no answer",
    "awaiting_batch": "does not stand yet: the question waits in a batch",
    "malformed": "does not stand: the language model's answer had another shape than asked for",
    "cut_off": "does not stand: the language model's answer was cut off for length",
    "refused": "does not stand: the language model refused to answer",
    "filtered": "does not stand: the service's content filter stopped question or answer",
    "unfounded": "does not stand: the language model's answer failed a check of its content",
}
"""What each ``validation_state`` of a provenance says of the finding."""


def standing(state: str | None) -> str:
    """A ``validation_state`` in words; one without words is named as it is."""
    if state is None:
        return "not on record whether it stands"
    return STANDING.get(state, f"does not stand: {state}")


@dataclass(frozen=True, slots=True)
class Translation:
    """The text in English, and what made it so."""

    english: str
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Attempt:
    """One row of `model_calls`: one attempt at one item's question.

    `day`, `source` and `feedback_id` are of the item it was sent for, which may be another one
    with the same question. `answer` is the finding as the model gave it, read from its JSON.
    Tokens and cost are the item's share of the request.
    """

    day: dt.date
    source: str
    feedback_id: str
    stage: str
    input_hash: str
    model: str
    model_version: str | None
    prompt_version: str
    prompt_hash: str
    parameters: str
    call_id: str
    items: int
    item: int
    attempt: int
    purpose: str
    batch_id: str | None
    outcome: str
    settled: bool
    status: int | None
    error: str | None
    answer: Any
    input_tokens: float
    cached_tokens: float
    output_tokens: float
    cost: float
    latency_ms: float
    started_at: dt.datetime
    run_id: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for one stage's finding, every attempt in order of time.

    `stage` is the finding's table; `validation_state` and `standing` are the finding's, null
    where there is none yet. `deciding` is the place in `attempts` (from 0) of the one that the
    finding was decided on: its answer is the finding, or is set aside if the finding is
    contested; null where the finding rests on none of them.
    """

    stage: str
    validation_state: str | None
    standing: str | None
    deciding: int | None
    attempts: tuple[Attempt, ...]
