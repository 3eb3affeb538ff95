"""Questions for the language model: an item as one stage asks about it.

Belongs here: the item's JSON, its input hash, several items in one request. Does not belong
here: sending (`asking`), and the prompt's text (`prompts`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from feedback_assets.gold.answers import ANSWERS
from feedback_assets.gold.prompts import Prompt
from resources.llm.base import ModelRequest

HEAD, TAIL = 6_000, 2_000
"""Characters of a very long text that are shown: its beginning and its end."""
REQUEST_CHARACTERS = 12_000
"""Items share a request up to this much text."""


@dataclass(frozen=True, slots=True)
class Question:
    """One item as a stage asks about it. `text` is what evidence is looked up in, `content` the
    JSON that is sent, `input_hash` names prompt, model and content together. `earlier` counts
    the times it was sent before; `unusable` says how that ended, where it can still be mended.
    """

    day: dt.date
    source: str
    feedback_id: str
    text: str
    content: str
    input_hash: str
    urgent: bool = False
    received_at: dt.datetime | None = None
    earlier: int = 0
    unusable: str = ""


def content_of(facts: Mapping[str, Any]) -> str:
    """The item as it is sent: facts that are known, compact JSON in a fixed order."""
    known = {name: value for name, value in facts.items() if value not in (None, "")}
    if "text" in known:
        known["text"] = shortened(known["text"])
    return json.dumps(known, ensure_ascii=False, separators=(",", ":"))


def shortened(text: str) -> str:
    """A text the model can read whole, the middle of a very long one left out."""
    if len(text) <= HEAD + TAIL:
        return text
    return f"{text[:HEAD]} […] {text[-TAIL:]}"


def input_hash(prompt: Prompt, model: str, content: str) -> str:
    """SHA-256 of all that decides the answer: prompt (with parameters and schema), model, item."""
    digest = hashlib.sha256()
    for part in (prompt.stage, prompt.hash, model, content):
        digest.update(part.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def packs(questions: Iterable[Question], size: int) -> Iterator[list[Question]]:
    """Questions that share a request: at most `size`, at most `REQUEST_CHARACTERS` together."""
    pack: list[Question] = []
    characters = 0
    for question in questions:
        characters += len(question.content)
        if pack and (len(pack) >= size or characters > REQUEST_CHARACTERS):
            yield pack
            pack, characters = [], len(question.content)
        pack.append(question)
    if pack:
        yield pack


def request(prompt: Prompt, pack: Sequence[Question], complaint: str = "") -> ModelRequest:
    """The request for `pack`; `complaint` says what was wrong with an answer before.

    The system text is the same for all of a stage's requests and stands first, so that the
    service can cache it; the items come last.
    """
    items = ",".join(
        f'{{"item":{number},{question.content[1:]}' for number, question in enumerate(pack, 1)
    )
    before = (
        f"An earlier answer could not be used: {complaint} Answer again.\n" if complaint else ""
    )
    # An answer cut off for length gets more room the second time.
    room = prompt.max_output_tokens * (2 if complaint else 1)
    return ModelRequest(
        system=prompt.system,
        user=f'{before}{{"items":[{items}]}}',
        answer=ANSWERS[prompt.stage],
        max_output_tokens=room * len(pack),
        temperature=prompt.temperature,
        seed=prompt.seed,
    )
