"""What a ticket says: title, body and labels from the facts of a cluster. Pure.

Belongs here: the words and their order. Does not belong here: where facts come from, quotes and
items (evidence.py), whether a ticket is due (the outbox), how Markdown is kept from doing
anything (markdown.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from feedback_assets.contracts.taxonomy import TAXONOMY
from feedback_assets.tickets.evidence import evidence, listed_items
from feedback_assets.tickets.facts import ClusterFacts, Quote
from feedback_assets.tickets.markdown import block, code, cut, line, plain
from resources.tracker.base import IssueDraft

TITLE_LENGTH = 120
NAMES_LISTED = 8
GATE_OVERRIDES_TOLD = 6
PRIORITIES = ((80.0, "Highest"), (60.0, "High"), (30.0, "Medium"), (0.0, "Low"))
"""Least priority score of each of the tracker's priorities."""

_LANES = {
    "fast": "fast: it should be acted on now",
    "review": "review: a person let it pass or the rules were sure enough",
    "bulk": "bulk: it is counted, and rarely needs work",
}


def draft(cluster: ClusterFacts, sequence: int = 1) -> IssueDraft:
    """The issue of a cluster; `sequence` is 2 for the one after the first was closed."""
    sections = (
        ("Summary", _summary(cluster)),
        ("What customers say", evidence(cluster.quotes)),
        ("Who is affected", _affected(cluster)),
        ("Recommended action", _action(cluster)),
        ("Why it came here", _reasons(cluster)),
        ("Lineage", _lineage(cluster)),
    )
    return IssueDraft(
        idempotency_key=idempotency_key(cluster.cluster_id, sequence),
        queue=cluster.queue,
        title=title(cluster),
        body="\n\n".join(f"## {name}\n\n{text}" for name, text in sections),
        labels=("feedback", cluster.category, f"severity-{cluster.severity}"),
        priority=_priority(cluster.priority_score),
    )


def title(cluster: ClusterFacts) -> str:
    """The title, plain text of at most `TITLE_LENGTH` characters on one line.

    The root cause says it; without one the cluster's label or the sub-category does.
    """
    cause = plain(cluster.root_cause_summary).rstrip(".!")
    cause = cause or plain(cluster.label) or _plain(cluster.sub_category)
    area, many = cut(_plain(cluster.category), 30), f" ({_customers(cluster)})"
    room = TITLE_LENGTH - len(f"[{area}] {many}")
    # Never .capitalize(), which would lower the capitals of names.
    return f"[{area}] {cut(cause[:1].upper() + cause[1:], room)}{many}"


def addition(cluster: ClusterFacts, new_items: Sequence[Quote]) -> tuple[str, str]:
    """The key and Markdown of a note on items that join an open ticket.

    The key depends on the items alone, in any order, so that a note is added once. Raises
    `ValueError` when there are none.
    """
    if not new_items:
        raise ValueError(f"cluster {cluster.cluster_id}: a note needs at least one new item")
    ids = sorted({item.feedback_id for item in new_items})
    days = sorted({item.day for item in new_items})
    when = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
    let_through = "\n".join(_let_through(cluster.gate_overrides))
    parts = (
        f"**{_many(len(ids), 'more report')}** of the same complaint, received {when}; "
        f"{cluster.size} in all.",
        *([let_through] if let_through else []),
        evidence(new_items),
        listed_items(new_items, len(ids)),
        f"Run {code(cluster.run_id)}, rules {code(cluster.rule_version)}, "
        f"model {code(cluster.model_version)}.",
    )
    return f"note-{_hash(cluster.cluster_id, *ids)}", "\n\n".join(parts)


def idempotency_key(cluster_id: str, sequence: int) -> str:
    """The key of a cluster's `sequence`-th ticket: the same each time, fit for a label."""
    return f"feedback-{_hash(cluster_id, str(sequence))}"


def _hash(*parts: str) -> str:
    together = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(together).hexdigest()[:24]


def _priority(score: float) -> str:
    return next((name for least, name in PRIORITIES if score >= least), PRIORITIES[-1][1])


def _plain(name: str) -> str:
    return plain(name.replace("_", " "))


def _many(number: int, of: str) -> str:
    return f"{number} {of}" if number == 1 else f"{number} {of}s"


def _customers(cluster: ClusterFacts) -> str:
    if cluster.customers is None:
        return _many(cluster.size, "report")
    return _many(cluster.customers, "customer")


def _size(cluster: ClusterFacts) -> str:
    reports = _many(cluster.size, "report")
    if cluster.customers is None:
        return reports
    return f"{reports} by {_many(cluster.customers, 'customer')}"


def _counts(counts: Mapping[str, int], size: int | None = None) -> str:
    """Names by falling count; what of `size` has no name is said too."""
    ranked = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    told = [f"{line(_plain(name), 40)} ({number})" for name, number in ranked[:NAMES_LISTED]]
    if len(ranked) > NAMES_LISTED:
        rest = sum(number for _, number in ranked[NAMES_LISTED:])
        told.append(f"{len(ranked) - NAMES_LISTED} others ({rest})")
    unnamed = 0 if size is None else size - sum(counts.values())
    if unnamed > 0:
        told.append(f"not known ({unnamed})")
    return ", ".join(told)


def _summary(cluster: ClusterFacts) -> str:
    cause = block(cluster.root_cause_summary or cluster.label, 300)
    where = _many(len(cluster.sources), "source")
    seen = (
        f"on {cluster.first_seen}"
        if cluster.first_seen == cluster.last_seen
        else f"from {cluster.first_seen} to {cluster.last_seen}"
    )
    return (
        f"{cause}\n\n"
        f"- **Area:** {line(_plain(cluster.category))}, {line(_plain(cluster.sub_category))}\n"
        f"- **Severity:** {line(cluster.severity)}\n"
        f"- **Kind of cause:** {line(_plain(cluster.root_cause_type))}\n"
        f"- **Seen:** {seen}, {_size(cluster)} from {where}\n"
        f"- **Tone:** {_counts(cluster.sentiments)}"
    )


def _affected(cluster: ClusterFacts) -> str:
    told = (
        ("Sources", cluster.sources),
        ("Versions", cluster.versions),
        ("Platforms", cluster.platforms),
        ("Customer tiers", cluster.tiers),
        ("Segments", cluster.segments),
        ("Countries", cluster.countries),
        ("Languages", cluster.languages),
    )
    rows = [f"- **Size:** {_size(cluster)}"]
    rows += [f"- **{name}:** {_counts(counts, cluster.size)}" for name, counts in told if counts]
    unknown = [name.lower() for name, counts in told if not counts]
    if unknown:
        rows.append(f"- **Not known:** {', '.join(unknown)}")
    return "\n".join(rows)


def _action(cluster: ClusterFacts) -> str:
    name = _plain(cluster.action)
    action = TAXONOMY.actions.get(cluster.action)
    meaning = action.meaning if action else ""
    told = [f"**{line(name[:1].upper() + name[1:])}.** {meaning}".rstrip()]
    detail = block(cluster.action_detail, 500)
    if detail and plain(cluster.action_detail) != meaning:
        told.append(detail)
    return "\n\n".join((*told, f"For team **{line(_plain(cluster.owner_team))}**."))


def _reasons(cluster: ClusterFacts) -> str:
    confidences = (cluster.confidence_min, cluster.confidence_mean, cluster.confidence_max)
    least, mean, most = (f"{value:.0%}" for value in confidences)
    rows = [
        f"- **Lane:** {_LANES.get(cluster.lane, line(cluster.lane))}",
        f"- **Priority score:** {cluster.priority_score:.0f} of 100",
        f"- **Rules that fired, in order:** {', '.join(map(code, cluster.rule_ids))}",
        f"- **Confidence in the area:** {mean} on average, from {least} to {most}",
    ]
    rows += [f"- **Decided by people:** {line(each, 300)}" for each in cluster.overrides[:10]]
    return "\n".join([*rows, *_let_through(cluster.gate_overrides)])


def _let_through(told: Sequence[str]) -> list[str]:
    """Operators' words without which the gate had been closed; `GATE_OVERRIDES_TOLD` at most."""
    name = "**Let through a closed gate by an operator:**"
    rows = [f"- {name} {line(each, 400)}" for each in told[:GATE_OVERRIDES_TOLD]]
    if (more := len(told) - GATE_OVERRIDES_TOLD) > 0:
        rows.append(f"- {name} and {more} more, which `feedback trace` lists")
    return rows


def _lineage(cluster: ClusterFacts) -> str:
    return (
        f"To see every step of every item: `feedback trace {code(cluster.cluster_id)[1:-1]}`\n\n"
        f"- **Cluster:** {code(cluster.cluster_id)}\n"
        f"- **Model:** {code(cluster.model_version)}\n"
        f"- **Rules:** {code(cluster.rule_version)}\n"
        f"- **Run:** {code(cluster.run_id)}\n\n"
        f"{listed_items(cluster.quotes, cluster.size)}"
    )
