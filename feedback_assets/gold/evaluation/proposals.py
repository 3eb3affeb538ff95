"""The month's addition to the golden set, drafted from recent decisions for a person to accept.

Belongs here: drafts, and what to tell the person who decides about them. Does not belong here:
which decided items are worth it (`proposal_choice`), what becomes of an accepted one
(`acceptance`), and which decisions may judge at all (`reviewed`).

Only decisions on texts that are held out of training are proposed, so that a golden item was
never learned from, before or after.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from feedback_assets.contracts.taxonomy import ROOT_CAUSE_TYPES, TAXONOMY
from feedback_assets.gold.evaluation.golden import MOST_EVIDENCE, GoldenItem, read_golden
from feedback_assets.gold.evaluation.proposal_choice import (
    FACES,
    Candidate,
    Counts,
    chosen,
    counts_of,
    gap,
)
from feedback_assets.gold.examples import read_examples
from feedback_assets.gold.likeness import folded, nearest
from feedback_assets.gold.reviewed import Decided, decided_examples, judging_decisions
from feedback_assets.pipeline.open_reviews import open_reviews
from resources.lakehouse.base import Lakehouse

LONG = 120
"""Words from which a text has the trait `long`."""
THIN = 0.5
"""How much a class must lack on the fullest one for an item of it to be called rare."""
_OF_THE_ITEM = (
    "text", "language", "source", "rating", "categories", "primary_category", "sub_category",
    "sentiment", "severity", "root_cause", "root_cause_type", "evidence", "action", "traits",
)  # fmt: skip
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_WORD = re.compile(r"\w+")


class ProposalError(ValueError):
    """Proposals can't be drafted or taken over; the message says why and what to do."""


@dataclass(frozen=True)
class Proposal:
    """One line of the file: `accept` is the person's answer, true or false.

    `why` says what makes it worth having, `to_do` what a person must fill in or look at, `item`
    is a golden item without its id.
    """

    month: str
    feedback_id: str
    why: Sequence[str]
    to_do: Sequence[str]
    item: Mapping[str, Any]
    accept: bool | None = None

    def as_line(self) -> dict[str, Any]:
        """The line, `accept` first."""
        return {"accept": self.accept, **{k: v for k, v in asdict(self).items() if k != "accept"}}


def month_of(text: str | None, now: dt.datetime) -> str:
    """The month ``YYYY-MM`` typed as `text`, by default that of `now`.

    Raises `ProposalError` for anything else and for months to come.
    """
    current = f"{now:%Y-%m}"
    month = text or current
    if not _MONTH.fullmatch(month):
        raise ProposalError(f"month {month!r}: expected YYYY-MM")
    if month > current:
        raise ProposalError(f"month {month}: nobody has decided anything in it yet")
    return month


def draft(
    lakehouse: Lakehouse, golden_set: Path, month: str, days: int, now: dt.datetime
) -> list[Proposal]:
    """At most `proposal_choice.MOST` proposals for `month`, overridden items first.

    Out of decisions made in the month or in the `days` days before its end, or before `now`
    (aware) where it has not ended. Raises as `read_golden`.
    """
    first = dt.datetime.fromisoformat(f"{month}-01").replace(tzinfo=dt.UTC)
    end = min((first + dt.timedelta(days=31)).replace(day=1), now)
    since = min(first, end - dt.timedelta(days=days))
    golden = read_golden(golden_set)
    found = [d for d in judging_decisions(lakehouse, since) if d.decision["decided_at"] < end]
    new = _unlike(found, _known(lakehouse, golden_set, golden))
    words = [word for review in open_reviews(lakehouse) for word in review.words]
    candidates = [Candidate(d, changes(d), _borne(d.example["text"], words)) for d in new]
    counts = counts_of(golden)
    return [_proposal(month, candidate, counts) for candidate in chosen(candidates, golden)]


def changes(decided: Decided) -> list[str]:
    """What the person changed, as ``severity low → high``; empty where all was confirmed."""
    decision, facts = decided.decision, decided.facts
    if decision["decision"] != "edit":
        return []
    told = []
    if decision["categories"]:
        said = [facts["primary_category"],
                *(c for c in facts["categories"] if c != facts["primary_category"])]  # fmt: skip
        wanted = decision["categories"]
        if said[0] != wanted[0] or set(said) != set(wanted):
            told.append(f"areas {', '.join(said)} → {', '.join(wanted)}")
    for name in ("severity", "sentiment", "action"):
        if decision[name] and decision[name] != facts[name]:
            told.append(f"{name} {facts[name]} → {decision[name]}")
    return told


def _known(lakehouse: Lakehouse, golden_set: Path, golden: Sequence[GoldenItem]) -> list[str]:
    """Texts that nothing proposed may be like: of the golden set, and what models learn from."""
    train = golden_set / "train"
    labelled = read_examples(train) if any(train.glob("*.jsonl")) else []
    reviewed = decided_examples(lakehouse, len(labelled) or None)
    return [*(item.text for item in golden), *(row["text"] for row in (*labelled, *reviewed))]


def _unlike(decided: Sequence[Decided], known: Sequence[str]) -> list[Decided]:
    near = nearest([one.example["text"] for one in decided], known)
    return [one for one, like in zip(decided, near, strict=True) if like is None]


def _borne(text: str, words: Iterable[str]) -> list[str]:
    """Which of `words` the text bears; in scripts without spaces words are parts of longer runs."""
    lowered = folded(text)
    own = set(_WORD.findall(lowered))
    return [word for word in words if word in own or (not word.isascii() and word in lowered)]


def _proposal(month: str, candidate: Candidate, counts: Counts) -> Proposal:
    item = _item(candidate.decided)
    return Proposal(
        month,
        candidate.decided.decision["feedback_id"],
        list(_why(candidate, counts)),
        list(_to_do(item, candidate.decided.facts["primary_category"])),
        item,
    )


def _why(candidate: Candidate, counts: Counts) -> Iterator[str]:
    decision = candidate.decided.decision
    who = f"{decision['reviewer']} on {decision['decided_at']:%Y-%m-%d}"
    if candidate.changes:
        reason = f" ({decision['reason']})" if decision["reason"] else ""
        yield f"overridden by {who}: {'; '.join(candidate.changes)}{reason}"
    else:
        yield f"confirmed by {who}"
    if candidate.words:
        yield f"new words: {', '.join(candidate.words)}"
    for face in FACES:
        value = candidate.example[face]
        if gap(counts, face, value) > THIN:
            yield f"thin in the golden set: {face} {value}, {counts[face][value]} items"


def _item(decided: Decided) -> dict[str, Any]:
    """A golden item without its id, as far as the decision says it."""
    example, text = decided.example, decided.example["text"]
    attempts = example["attempt"]
    quotes = [
        text[span["start"] : span["end"]]
        for span in decided.facts["evidence_spans"] or ()
        if text[span["start"] : span["end"]] == span["quote"]
    ]
    apart = [q for q in quotes if q.strip() and not any(q in part for part in attempts)]
    own = {
        "evidence": apart[:MOST_EVIDENCE],
        "traits": ["injection"] * bool(attempts) + ["long"] * (len(text.split()) >= LONG),
        "categories": list(example["categories"]),
    }
    item = {name: {**example, **own}[name] for name in _OF_THE_ITEM}
    return item | ({"attempt": list(attempts), "demands": {}} if attempts else {})


def _to_do(item: Mapping[str, Any], said: str) -> Iterator[str]:
    """What a person must fill in or look at; `said` is the area that was found."""
    area = item["primary_category"]
    if not item["sub_category"]:
        subs = ", ".join(TAXONOMY.categories[area].sub_categories)
        yield f"sub_category: one of {subs}"
    if not item["root_cause_type"]:
        yield f"root_cause_type: one of {', '.join(ROOT_CAUSE_TYPES)}"
    if item["root_cause_type"] != "other":
        yield "root_cause: what fails, in five to fifteen plain English words"
    if not item["evidence"] and item["sub_category"] != "noise":
        yield f"evidence: one to {MOST_EVIDENCE} quotes that show {area}"
    elif area != said:
        yield f"evidence: these quotes were found for {said}; see that they show {area}"
    if item.get("attempt"):
        yield "demands: the labels that the attempt asks for, by field"
    yield "traits: what makes the text hard"
    yield "text: nothing by which a person could be known"
