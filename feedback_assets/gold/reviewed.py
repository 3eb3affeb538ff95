"""Reviewers' decisions as examples to train on.

Belongs here: which decided items teach the next model, and with which labels. Does not belong
here: how decisions change an item (the review room) and training (`training`).

An edit's corrections stand above the model's labels, and what it leaves is confirmed; an approval
confirms all. A rejection says that nothing should be done, not what the labels are: it teaches
nothing. Nor does a decision older than the finding that stands now, for nobody has seen that one,
unless it names areas, tone and severity itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain, zip_longest
from typing import Any

from feedback_assets.contracts.taxonomy import CATEGORIES
from feedback_assets.gold.instructions import attempts_in
from resources.lakehouse.base import Lakehouse

LARGEST_SHARE = 0.25
"""Examples out of reviews, at most, as a share of the labelled ones. Reviewed items are those the
rules send to people, and a confirmed label is one the model gave itself: more of them would pull
the model towards what it doubts and what it believes already."""
LARGEST_SHARE_OF_ONE = 0.10
"""And of one reviewer, so that one person's habits do not become the model's."""
_LABELS = {
    "gold_topics": ("categories", "primary_category", "sub_category", "severity", "provenance"),
    "gold_sentiment": ("sentiment", "provenance"),
    "gold_root_cause": ("root_cause_type",),
    "gold_recommendation": ("action",),
}
_CORRECTED = ("categories", "sentiment", "severity")

Row = dict[str, Any]


def decided_examples(lakehouse: Lakehouse, labelled: int | None = None) -> list[Row]:
    """The examples that reviewers' decisions make, in the format of `examples`.

    The latest decision on an item holds. Ids are ``review:<feedback_id>``; ``sub_category`` and
    ``root_cause_type`` are empty where a correction leaves them open; ``traits`` says ``approved``
    or ``edited``. `labelled` is the number of labelled examples that bounds theirs (without it,
    all): reviewers take turns, each with the latest decisions first. Of one text there is one.
    """
    names = ("review_decisions", "silver_feedback", *_LABELS)
    if not all(lakehouse.exists(name) for name in names):
        return []
    decisions = _in_turn(_latest(lakehouse), labelled)
    facts = _facts(lakehouse, [decision["feedback_id"] for decision in decisions])
    examples: dict[str, Row] = {}
    most = None if labelled is None else int(LARGEST_SHARE * labelled)
    for decision in decisions:
        if most is not None and len(examples) >= most:
            break
        example = _example(decision, facts.get(decision["feedback_id"], {}))
        if example is not None:
            examples.setdefault(example["text"], example)
    return list(examples.values())


def _latest(lakehouse: Lakehouse) -> list[Row]:
    """The last decision on each item, the newest first, without rejections."""
    columns = ["feedback_id", "decision", "reviewer", "decided_at", *_CORRECTED, "action"]
    rows = lakehouse.scan("review_decisions", columns).read_all().to_pylist()
    rows.sort(key=lambda row: (row["decided_at"], row["feedback_id"]))
    latest = {row["feedback_id"]: row for row in rows}
    newest = sorted(latest.values(), key=lambda row: row["decided_at"], reverse=True)
    return [row for row in newest if row["decision"] != "reject"]


def _in_turn(decisions: Iterable[Row], labelled: int | None) -> list[Row]:
    by_reviewer: dict[str, list[Row]] = defaultdict(list)
    for decision in decisions:
        by_reviewer[decision["reviewer"]].append(decision)
    each = None if labelled is None else int(LARGEST_SHARE_OF_ONE * labelled)
    turns = zip_longest(*(by_reviewer[name][:each] for name in sorted(by_reviewer)))
    return [decision for decision in chain.from_iterable(turns) if decision is not None]


def _facts(lakehouse: Lakehouse, ids: list[str]) -> dict[str, Row]:
    """Text and findings of the items, as far as they are there."""
    facts: dict[str, Row] = {}
    if not ids:
        return facts
    quoted = ", ".join("'" + each.replace("'", "''") + "'" for each in ids)
    silver = ("source", "text", "language", "rating")
    for table, columns in {"silver_feedback": silver, **_LABELS}.items():
        reader = lakehouse.scan(table, ["feedback_id", *columns], f"feedback_id IN ({quoted})")
        for row in reader.read_all().to_pylist():
            own = facts.setdefault(row.pop("feedback_id"), {"made": []})
            provenance = row.pop("provenance", None)
            if provenance is not None:
                own["made"].append(provenance["produced_at"])
            own |= row
    needed = {*silver, *chain.from_iterable(_LABELS.values())} - {"provenance"}
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
    row = {name: value for name, value in facts.items() if name != "made"} | edits
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
