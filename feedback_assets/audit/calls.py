"""What the ledger of the language model says of one item, stage by stage.

Belongs here: finding an item's attempts, and which of them decided. Does not belong here: the
records (model_links.py), and asking (gold).

An answer is kept by its input, not by its item: where the same question was asked before, for
another item or on another day, the finding's input hash leads to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from feedback_assets.audit.links import Provenance
from feedback_assets.audit.model_links import Asked, Attempt, Translation, standing
from feedback_assets.audit.scanning import equal, field_names, rows
from feedback_assets.contracts.ledgers import MODEL_CALLS
from feedback_assets.contracts.partitions import Partition, predicate
from feedback_assets.contracts.tables import (
    GOLD_FEEDBACK,
    GOLD_RECOMMENDATION,
    GOLD_ROOT_CAUSE,
    GOLD_SENTIMENT,
    GOLD_TOPICS,
    GOLD_TRANSLATION,
)
from resources.lakehouse.base import Lakehouse

TABLE_OF = {
    table.name.removeprefix("gold_"): table.name
    for table in (
        GOLD_TRANSLATION, GOLD_TOPICS, GOLD_SENTIMENT, GOLD_ROOT_CAUSE, GOLD_RECOMMENDATION,
    )
}  # fmt: skip
"""The table of each stage that may ask, by the stage's name in the ledger."""
WITHOUT_ASKING = ("valid", "doubtful")
"""States that a finding of tier 1 has without the language model."""


def doubts(lakehouse: Lakehouse, here: str) -> tuple[str, ...]:
    """Stages whose finding does not stand by itself, as `gold_feedback` names them."""
    found = rows(lakehouse, GOLD_FEEDBACK, here, ["doubts"])
    return tuple(found[0]["doubts"]) if found else ()


def translated(lakehouse: Lakehouse, here: str) -> tuple[Translation | None, dict[str, Provenance]]:
    """The item in English if it was translated, and the provenance by table, translated or not."""
    for row in rows(lakehouse, GOLD_TRANSLATION, here, ["english", "provenance"]):
        made = Provenance(**row["provenance"])
        found = None if row["english"] is None else Translation(row["english"], made)
        return found, {GOLD_TRANSLATION.name: made}
    return None, {}


def asked(
    lakehouse: Lakehouse,
    partitions: Iterable[Partition],
    feedback_id: str,
    made: Mapping[str, Provenance],
) -> tuple[Asked, ...]:
    """What was asked about the item, in the order of the stages.

    `partitions` are those the item arrived in, `made` is what made its findings, by table. A
    stage whose finding tells of a question is there even where the ledger knows no attempt.
    """
    own = f"{predicate(partitions)} AND {equal('feedback_id', feedback_id)}"
    same = [_same_question(s, made[t]) for s, t in TABLE_OF.items() if _was_asked(made.get(t))]
    where = " OR ".join(f"({clause})" for clause in (own, *same))
    attempts_of: dict[str, list[Attempt]] = {}
    for row in rows(lakehouse, MODEL_CALLS, where, field_names(Attempt)):
        attempt = Attempt(**{**row, "answer": _read(row["answer"])})
        attempts_of.setdefault(row["stage"], []).append(attempt)
    told = []
    for stage, table in TABLE_OF.items():
        found = made.get(table)
        attempts = sorted(attempts_of.get(stage, ()), key=lambda a: (a.started_at, a.attempt))
        if attempts or _was_asked(found):
            state = found.validation_state if found else None
            words = standing(state) if found else None
            told.append(Asked(table, state, words, _deciding(attempts, found), tuple(attempts)))
    return tuple(told)


def _was_asked(made: Provenance | None) -> bool:
    """Whether the finding itself tells that the language model was turned to."""
    return made is not None and (
        made.tier == "language_model" or made.validation_state not in WITHOUT_ASKING
    )


def _same_question(stage: str, made: Provenance) -> str:
    """The predicate for the finding's input; with both partition columns where they are known."""
    clauses = [equal("stage", stage), equal("input_hash", made.input_hash or "")]
    if made.prompt_version:
        # A finding names stage and version of its prompt, the ledger the version alone.
        clauses.append(equal("prompt_version", made.prompt_version.rpartition("/")[2]))
    return " AND ".join(clauses)


def _deciding(attempts: Sequence[Attempt], made: Provenance | None) -> int | None:
    """Of the attempts at the finding's input the one that settled it, else the last.

    A finding of tier 1 may keep its own input's hash; then the input asked last counts.
    """
    if not attempts or made is None or not _was_asked(made):
        return None
    known = {attempt.input_hash for attempt in attempts}
    decided_on = made.input_hash
    if decided_on not in known and made.tier != "language_model":
        decided_on = attempts[-1].input_hash
    places = [n for n, attempt in enumerate(attempts) if attempt.input_hash == decided_on]
    return max(places, key=lambda n: (attempts[n].settled, n), default=None)


def _read(answer: str | None) -> Any:
    """The answer from its JSON; one that is none stays as it was written down."""
    try:
        return None if answer is None else orjson.loads(answer)
    except orjson.JSONDecodeError:
        return answer
