"""What was landed, said and found of an item, link by link, as labelled rows.

Belongs here: words for bronze, quarantine, Silver and the model stages. Does not belong here:
what was decided (decision_sections.py), and the order on the page (trace_text.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text

from feedback_assets.audit.chain import ItemTrace
from feedback_assets.audit.links import (
    Delivery,
    Finding,
    Held,
    Provenance,
    Said,
)
from feedback_assets.audit.terminal import Row, listed, moment, printable, run, words

SHOWN_CHARACTERS = 2000
SHOWN_PROBABILITY = 0.05
EVIDENCE = "bold black on yellow"
STAGE_NAMES = {
    "gold_topics": "topics", "gold_sentiment": "sentiment", "gold_root_cause": "root cause",
    "gold_recommendation": "action", "gold_translation": "translation",
}  # fmt: skip


def delivery_rows(deliveries: Sequence[Delivery]) -> list[Row]:
    """Landing files and lines, and the payload's hash, which all deliveries of an item share."""
    rows: list[Row] = []
    if len(deliveries) > 1:
        rows.append(("delivered", f"{len(deliveries)} times, byte for byte the same"))
    for one in deliveries:
        times = f"file written {moment(one.received_at)}, read {moment(one.ingested_at)}"
        rows += [("from", one.origin), ("", Text(times, "dim"))]
    rows += [("sha256", sha) for sha in dict.fromkeys(d.payload_sha256 for d in deliveries)]
    return rows


def held_rows(quarantined: Iterable[Held]) -> list[Row]:
    """What was kept out of which table, and why."""
    rows: list[Row] = []
    for held in quarantined:
        rows += [("kept out of", held.table), ("at", held.origin), ("because", held.reason)]
    return rows


def said_rows(item: ItemTrace, colourless: bool) -> list[Row]:
    """The text with its evidence marked, and the facts that came along."""
    said = item.said
    if said is None:
        return []
    version = f"version {said.product_version}" if said.product_version else None
    return [
        ("text", _highlighted(said, item.findings, colourless)),
        *_english_rows(item),
        ("language", said.language),
        ("written", moment(said.created_at) if said.created_at else "the source does not say"),
        ("rating", _rating(said)),
        ("product", listed(said.product, version, said.platform)),
        ("customer", listed(said.customer_token, said.customer_tier, said.segment)),
        ("country", said.country),
        ("order, case", said.correlation_id),
        ("masked", ", ".join(said.pii_types) or "nothing found to mask in the text"),
        ("source says", "; ".join(f"{k}: {v}" for k, v in said.source_metadata.items())),
        ("revision", _revision(item, said)),
        ("duplicate of", said.duplicate_of),
    ]


def _highlighted(said: Said, findings: Iterable[Finding], colourless: bool) -> Text:
    """The text with its evidence in colour, or between marks where there is no colour."""
    plain = printable(said.text)
    text = Text()
    end = 0
    for start, stop in [*_evidence(findings), (len(plain), len(plain))]:
        text.append(plain[end:start])
        if stop > start:
            quote = plain[start:stop]
            text.append(f"»{quote}«" if colourless else quote, EVIDENCE)
        end = stop
    return _shortened(text, len(plain))


def _shortened(text: Text, characters: int) -> Text:
    if len(text) <= SHOWN_CHARACTERS:
        return text
    more = f" … ({characters:,} characters; --json shows all)"
    return text[:SHOWN_CHARACTERS] + Text(more, style="dim")


def _english_rows(item: ItemTrace) -> list[Row]:
    """The translation, if there is one, and what made it."""
    if item.translation is None:
        return []
    english = Text(printable(item.translation.english))
    return [
        ("in English", _shortened(english, len(english))),
        ("", Text(printable(_made_by(item.translation.provenance)), "dim")),
    ]


def _evidence(findings: Iterable[Finding]) -> list[tuple[int, int]]:
    """Spans of all findings in order, those that overlap made one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted((q.start, q.end) for f in findings for q in f.evidence):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _rating(said: Said) -> str | None:
    if said.rating is None:
        return said.rating_original
    scaled = f"{said.rating:.2f} from 0 worst to 1 best"
    return f"{said.rating_original} as written; {scaled}" if said.rating_original else scaled


def _revision(item: ItemTrace, said: Said) -> str:
    return listed(
        str(said.revision),
        f"supersedes {said.supersedes}" if said.supersedes else None,
        f"superseded by {', '.join(item.superseded_by)}" if item.superseded_by else None,
    )


def finding_rows(findings: Sequence[Finding]) -> list[Row]:
    """Each stage's finding, why, from which words, and what made it."""
    rows: list[Row] = []
    for number, finding in enumerate(findings):
        name = STAGE_NAMES.get(finding.stage, finding.stage)
        rows += [
            *([("", "")] if number else []),
            (name, Text(printable(headline(finding)), "bold")),
            ("because", finding.rationale),
            *_evidence_rows(finding, findings[:number]),
            ("confidence", _confidence(finding)),
            ("found by", _made_by(finding.provenance)),
            ("standing", _standing(finding)),
        ]
    return rows


def headline(finding: Finding) -> str:
    """What was found, in the stage's own words."""
    value = finding.value
    match finding.stage:
        case "gold_topics":
            primary = value["primary_category"]
            others = [name for name in value["categories"] if name != primary]
            also = f", also {', '.join(others)}" if others else ""
            return f"{primary} ({value['sub_category']}){also}; severity {value['severity']}"
        case "gold_root_cause":
            return f"{value['root_cause_type']}: {value['root_cause_summary']}"
        case "gold_recommendation":
            return f"{value['action']}: {value['action_detail']}"
        case _:
            return "; ".join(words(one) for one in value.values())


def _evidence_rows(finding: Finding, earlier: Iterable[Finding]) -> list[Row]:
    twin = next((one for one in earlier if one.evidence == finding.evidence), None)
    if twin is not None and finding.evidence:
        return [("evidence", f"as for {STAGE_NAMES.get(twin.stage, twin.stage)}, above")]
    return [
        ("evidence", Text(f"“{printable(span.quote)}”", EVIDENCE)
                     + Text(f"  characters {span.start} to {span.end}", style="dim"))
        for span in finding.evidence
    ]  # fmt: skip


def _confidence(finding: Finding) -> str:
    own = f"{finding.confidence:.2f}"
    if finding.stage != "gold_topics":
        return own
    scores = sorted(finding.value["category_scores"], key=lambda one: -one["probability"])
    areas = ", ".join(
        f"{one['label']} {one['probability']:.2f}"
        for one in scores
        if one["probability"] >= SHOWN_PROBABILITY
    )
    severity = f"; severity {finding.value['severity_confidence']:.2f}"
    return f"{own}{severity}; areas: {areas}" if areas else own + severity


def _standing(finding: Finding) -> Text:
    stands = finding.provenance.validation_state == "valid"
    return Text(printable(finding.standing), "green" if stands else "bold yellow")


def _made_by(made: Provenance) -> str:
    return listed(
        f"{made.tier} {made.model_version}",
        f"prompt {made.prompt_version}" if made.prompt_version else None,
        made.taxonomy_hash,
        moment(made.produced_at),
        run(made.run_id),
    )
