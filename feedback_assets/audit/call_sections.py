"""The language model's part in an item's story, stage by stage, as labelled rows.

Belongs here: words for attempts, their outcomes and answers. Does not belong here: which
attempts there are (calls.py), and the order on the page (trace_text.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text

from feedback_assets.audit.chain import ItemTrace
from feedback_assets.audit.model_links import Asked, Attempt
from feedback_assets.audit.terminal import (
    Row,
    counted,
    head,
    listed,
    money,
    printable,
    run,
    second,
    words,
    words_of,
)
from feedback_assets.audit.trace_sections import STAGE_NAMES

SHOWN_ANSWER = 600
PURPOSES = {"ask": "asked", "repair": "asked to mend it", "batch": "asked by batch"}
OUTCOMES = {
    "answered": "answered",
    "malformed": "answered in another shape than asked for",
    "cut_off": "cut off for length",
    "refused": "refused to answer",
    "filtered": "stopped by the content filter",
    "unfounded": "answered, and failed a check",
    "rate_limited": "turned away by the rate limit",
    "server_error": "failed at the service",
    "connection_error": "not connected",
    "timeout": "not answered in time",
    "rejected": "refused by the service for good",
    "submitted": "handed over, not answered yet",
}
NO_ATTEMPT = (
    "no attempt under this item or its input: nothing was sent, or the same question was asked "
    "for another item"
)


def call_rows(item: ItemTrace) -> list[Row]:
    """Each stage with its inputs, every attempt in order, and the answer it was decided on."""
    rows: list[Row] = []
    for number, stage in enumerate(item.asked):
        if number:
            rows.append(("", ""))
        name = STAGE_NAMES.get(stage.stage, stage.stage)
        rows.append((name, Text(printable(stage.standing or "no finding yet"), "bold")))
        rows += _attempts(stage, item.feedback_id)
    return rows


def _attempts(stage: Asked, feedback_id: str) -> list[Row]:
    if not stage.attempts:
        return [("attempts", NO_ATTEMPT)]
    rows: list[Row] = []
    for digest in dict.fromkeys(attempt.input_hash for attempt in stage.attempts):
        rows.append(("input", digest))
        for place, attempt in enumerate(stage.attempts):
            if attempt.input_hash == digest:
                rows += _attempt(attempt, feedback_id)
                rows += [_answer(stage, attempt)] if place == stage.deciding else []
    if stage.deciding is None:
        rows.append(("decided on", "none of these attempts"))
    return rows


def _attempt(attempt: Attempt, feedback_id: str) -> list[Row]:
    good = attempt.outcome == "answered"
    told = OUTCOMES.get(attempt.outcome, attempt.outcome)
    purpose = PURPOSES.get(attempt.purpose, attempt.purpose)
    happened = Text.assemble(
        f"{second(attempt.started_at)}, {printable(purpose)}: ",
        (printable(told), "green" if good else "yellow"),
    )
    version = f" ({attempt.model_version})" if attempt.model_version else ""
    how = listed(
        f"{attempt.model}{version}",
        f"prompt {attempt.prompt_version}",
        _tokens(attempt),
        f"cost {money(attempt.cost)}",
        f"{attempt.latency_ms:,.0f} ms",
        f"batch {attempt.batch_id}" if attempt.batch_id else None,
        f"item {attempt.item} of {attempt.items}" if attempt.items > 1 else None,
        run(attempt.run_id),
    )
    status = f"HTTP {attempt.status}" if attempt.status and not good else None
    other = f"{attempt.feedback_id} of {attempt.source} {attempt.day}, which asks the same"
    return [
        (f"attempt {attempt.attempt}", happened),
        ("asked for", other if attempt.feedback_id != feedback_id else None),
        ("error", listed(status, attempt.error)),
        ("by", Text(printable(how), "dim")),
    ]


def _tokens(attempt: Attempt) -> str:
    cached = f" ({attempt.cached_tokens:,.0f} cached)" if attempt.cached_tokens else ""
    return f"{attempt.input_tokens:,.0f}{cached} + {attempt.output_tokens:,.0f} tokens"


def _answer(stage: Asked, attempt: Attempt) -> Row:
    if attempt.answer is None:
        return ("decided on", "this attempt, which brought no answer to use")
    answer = attempt.answer
    told = words(answer)
    if isinstance(answer, Mapping):
        told = "; ".join(f"{words_of(name)}: {words(value)}" for name, value in answer.items())
    use = "set aside" if stage.validation_state == "contested" else "the finding above"
    return ("answer", Text.assemble((f"{use}: ", "bold"), printable(head(told, SHOWN_ANSWER))))


def doubts_in_short(item: ItemTrace) -> str | None:
    """The stages in doubt, each with what keeps its finding from standing."""
    states = {f.stage: f.provenance.validation_state for f in item.findings}
    told = []
    for doubt in item.doubts:
        table = f"gold_{doubt}"
        state = states.get(table)
        told.append(STAGE_NAMES.get(table, doubt) + (f" ({words_of(state)})" if state else ""))
    return ", ".join(told) or None


def asked_in_short(asked: Sequence[Asked]) -> str | None:
    """What came of asking, a word a stage, and what it took."""
    attempts = [attempt for stage in asked for attempt in stage.attempts]
    if not attempts:
        return None
    told = []
    for stage in asked:
        if stage.attempts:
            last = stage.attempts[-1 if stage.deciding is None else stage.deciding]
            aside = ", set aside" if stage.validation_state == "contested" else ""
            name = STAGE_NAMES.get(stage.stage, stage.stage)
            told.append(f"{name} {OUTCOMES.get(last.outcome, last.outcome)}{aside}")
    cost = money(sum(attempt.cost for attempt in attempts))
    return f"{'; '.join(told)} ({counted(len(attempts), 'attempt')}, cost {cost})"
