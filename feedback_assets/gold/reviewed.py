"""Reviewers' decisions as examples, to train on or to judge by.

Belongs here: which decided items teach the next model and which judge it, and with which labels.
Does not belong here: how decisions change an item (the review room), training (`training`) and
judging (evaluation/).

An edit's corrections stand above the model's labels, and what it leaves is confirmed; an approval
confirms all. A rejection says that nothing should be done, not what the labels are: it teaches
nothing. Nor does a decision older than the finding that stands now, for nobody has seen that one,
unless it names areas, tone and severity itself.

A text either teaches or judges, for good: that is how no model is judged on what it learned.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

from feedback_assets.contracts.identity import sha256_hex
from feedback_assets.contracts.partitions import Partition, predicate
from feedback_assets.contracts.tables import REVIEW_DECISIONS
from feedback_assets.contracts.taxonomy import CATEGORIES
from feedback_assets.gold.instructions import attempts_in
from feedback_assets.gold.likeness import folded, nearest
from resources.lakehouse.base import Lakehouse

HELD_OUT = 0.3
"""Share of texts whose decisions judge and never teach: the rolling evaluation set, and what
joins the golden set."""
LARGEST_SHARE = 0.25
"""Examples out of reviews, at most, as a share of the labelled ones. Reviewed items are those the
rules send to people, and a confirmed label is one the model gave itself: more of them would pull
the model towards what it doubts and what it believes already."""
LARGEST_SHARE_OF_ONE = 0.10
"""And of one reviewer, so that one person's habits do not become the model's."""
_READ = 2
"""Decisions that are looked at for each one of a reviewer's share: not every one teaches."""
_ITEM = ("source", "text", "language", "rating")
_LABELS = {
    "gold_topics": (
        "categories", "primary_category", "sub_category", "severity", "evidence_spans",
        "provenance",
    ),
    "gold_sentiment": ("sentiment", "provenance"),
    "gold_root_cause": ("root_cause_type",),
    "gold_recommendation": ("action",),
}  # fmt: skip
_NOT_OF_THE_EXAMPLE = ("made", "evidence_spans")
_CORRECTED = ("categories", "sentiment", "severity")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision, its item's text and findings as they stand, and the example the two make."""

    decision: Mapping[str, Any]
    facts: Mapping[str, Any]
    example: Row


def held_out(text: str) -> bool:
    """Whether decisions on this text judge models and never teach them.

    By the text and not by the item: what several customers write alike is on one side.
    """
    return int(sha256_hex(folded(text))[:8], 16) < HELD_OUT * 16**8


def decided_examples(
    lakehouse: Lakehouse, labelled: int | None = None, apart_from: Sequence[str] = ()
) -> list[Row]:
    """The examples to train on that reviewers' decisions make, in the format of `examples`.

    The latest decision on an item holds. Ids are ``review:<feedback_id>``; ``sub_category`` and
    ``root_cause_type`` are empty where a correction leaves them open; ``traits`` says ``approved``
    or ``edited``. `labelled` is the number of labelled examples that bounds theirs (without it,
    all): reviewers take turns, each with the latest decisions first. Of one text there is one;
    of texts that are `held_out`, and of near-duplicates of `apart_from`, none.
    """
    each = None if labelled is None else int(LARGEST_SHARE_OF_ONE * labelled)
    most = None if labelled is None else int(LARGEST_SHARE * labelled)
    by_reviewer: dict[str, list[Row]] = defaultdict(list)
    for decision in _latest(lakehouse):
        by_reviewer[decision["reviewer"]].append(decision)
    first = None if each is None else _READ * each
    looked_at = chain.from_iterable(own[:first] for own in by_reviewer.values())
    found = _decided(lakehouse, looked_at)
    teaching = [one for one in found if not held_out(one.example["text"])]
    near = nearest([one.example["text"] for one in teaching], apart_from)
    apart = [one for one, like in zip(teaching, near, strict=True) if like is None]
    examples: dict[str, Row] = {}
    for one in _in_turn(apart, each):
        examples.setdefault(one.example["text"], one.example)
    return list(examples.values())[:most]


def judging_decisions(lakehouse: Lakehouse, since: dt.datetime) -> list[Decided]:
    """Decisions made from `since` (aware) on texts that are `held_out`, the newest first.

    The latest decision on an item holds, and of one text there is one.
    """
    texts: dict[str, Decided] = {}
    for one in _decided(lakehouse, _latest(lakehouse, since)):
        if held_out(one.example["text"]):
            texts.setdefault(folded(one.example["text"]), one)
    return list(texts.values())


def _latest(lakehouse: Lakehouse, since: dt.datetime | None = None) -> list[Row]:
    """The last decision on each item, the newest first, without rejections."""
    if not all(lakehouse.exists(n) for n in (REVIEW_DECISIONS.name, "silver_feedback", *_LABELS)):
        return []
    columns = [
        "day", "source", "feedback_id", "decision", "reviewer", "reason", "decided_at",
        *_CORRECTED, "action",
    ]  # fmt: skip
    where = None
    if since is not None:
        where = f"decided_at >= '{since.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S}Z'"
    rows = lakehouse.scan(REVIEW_DECISIONS.name, columns, where).read_all().to_pylist()
    rows.sort(key=lambda row: (row["decided_at"], row["feedback_id"]))
    latest = {row["feedback_id"]: row for row in rows}
    newest = sorted(latest.values(), key=lambda row: row["decided_at"], reverse=True)
    return [row for row in newest if row["decision"] != "reject"]


def _decided(lakehouse: Lakehouse, decisions: Iterable[Row]) -> list[Decided]:
    """The decisions that make an example, in their order."""
    given = list(decisions)
    facts = _facts(lakehouse, given)
    found = []
    for decision in given:
        own = facts.get(decision["feedback_id"], {})
        example = _example(decision, own)
        if example is not None:
            found.append(Decided(decision, own, example))
    return found


def _in_turn(decided: Iterable[Decided], each: int | None) -> list[Decided]:
    by_reviewer: dict[str, list[Decided]] = defaultdict(list)
    for one in decided:
        by_reviewer[one.decision["reviewer"]].append(one)
    turns = zip_longest(*(by_reviewer[name][:each] for name in sorted(by_reviewer)))
    return [one for one in chain.from_iterable(turns) if one is not None]


def _facts(lakehouse: Lakehouse, decisions: Sequence[Row]) -> dict[str, Row]:
    """Text and findings of the decided items, as far as they are there."""
    facts: dict[str, Row] = {}
    if not decisions:
        return facts
    quoted = ", ".join("'" + d["feedback_id"].replace("'", "''") + "'" for d in decisions)
    held = predicate(Partition(d["day"], d["source"]) for d in decisions)
    where = f"{held} AND feedback_id IN ({quoted})"
    for table, columns in {"silver_feedback": _ITEM, **_LABELS}.items():
        reader = lakehouse.scan(table, ["feedback_id", *columns], where)
        for row in reader.read_all().to_pylist():
            own = facts.setdefault(row.pop("feedback_id"), {"made": []})
            provenance = row.pop("provenance", None)
            if provenance is not None:
                own["made"].append(provenance["produced_at"])
            own |= row
    needed = {*_ITEM, *chain.from_iterable(_LABELS.values())} - {"provenance"}
    return {item: own for item, own in facts.items() if needed <= own.keys()}


def _example(decision: Mapping[str, Any], facts: Mapping[str, Any]) -> Row | None:
    edited = decision["decision"] == "edit"
    named = (*_CORRECTED, "action") if edited else ()
    edits = {name: decision[name] for name in named if decision[name]}
    if not facts or not facts["text"].strip():
        return None
    seen = max(facts["made"]) <= decision["decided_at"]
    if not seen and not all(name in edits for name in _CORRECTED):
        return None
    row = {name: value for name, value in facts.items() if name not in _NOT_OF_THE_EXAMPLE} | edits
    categories = [name for name in CATEGORIES if name in row["categories"]]
    if len(categories) > 1:
        categories = [name for name in categories if name != "other"]
    primary = edits["categories"][0] if "categories" in edits else row["primary_category"]
    if primary not in categories:
        primary = categories[0]
    same_area = primary == facts["primary_category"] and seen
    same_tone = row["sentiment"] == facts["sentiment"]
    return row | {
        "id": f"review:{decision['feedback_id']}",
        "categories": tuple(categories),
        "primary_category": primary,
        "sub_category": row["sub_category"] if same_area else "",
        "root_cause": "",
        "root_cause_type": row["root_cause_type"] if same_area and same_tone else "",
        "evidence": (),
        "attempt": tuple(facts["text"][a:b] for a, b in attempts_in([facts["text"]])[0]),
        "traits": ("edited" if edited else "approved",),
    }
