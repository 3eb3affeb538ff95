"""Recall and precision of the masking, measured on a labelled file.

Belongs here: reading the labelled file and counting. Does not belong here: any rule of
what is personal data (`feedback_assets.silver.pii`).

    python -m benchmarks.pii_quality PATH_TO_pii.csv [--misses]

The file has the columns ``text`` and ``spans``, a JSON list of objects with ``type``,
``start``, ``end`` (Presidio's type names). How it counts:

- recall of a type: gold spans that any prediction overlaps (`covered`), and those that a
  prediction of the mapped kind overlaps (`right kind`); `whole` are covered to the last sign;
- precision of a kind: of its predictions, those that overlap a gold span of a type mapped to
  that kind are right; those that overlap no gold span of any type are false; those that
  overlap only gold of another type are counted apart and are neither (masking a postcode as
  a phone hides something private, but it is not what the kind promises);
- gold types that no kind claims are out of scope: listed with how many are hit all the same.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from feedback_assets.silver.pii import Span, find

KIND_OF = {
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "CREDIT_CARD": "CARD",
    "IBAN_CODE": "IBAN",
    "US_SSN": "NATIONAL_ID",
    "IP_ADDRESS": "IP",
}


@dataclass(frozen=True, slots=True)
class Gold:
    """A labelled span: `text[start:end]` is of `type`."""

    type: str
    start: int
    end: int


@dataclass
class Tally:
    """Counts over a file, by gold type and by predicted kind."""

    gold: Counter[str] = field(default_factory=Counter)
    covered: Counter[str] = field(default_factory=Counter)
    right_kind: Counter[str] = field(default_factory=Counter)
    whole: Counter[str] = field(default_factory=Counter)
    predicted: Counter[str] = field(default_factory=Counter)
    true: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)

    def add(self, text: str, gold: Sequence[Gold], found: Sequence[Span]) -> None:
        """Count one text."""
        for span in gold:
            hits = [find_ for find_ in found if _overlap(span, find_)]
            self.gold[span.type] += 1
            self.covered[span.type] += bool(hits)
            self.whole[span.type] += any(
                hit.start <= span.start and span.end <= hit.end for hit in hits
            )
            self.right_kind[span.type] += any(hit.kind == KIND_OF.get(span.type) for hit in hits)
            if not hits and span.type in KIND_OF:
                self.errors.append(f"missed {span.type}: {text[span.start : span.end]!r}: {text!r}")
        for hit in found:
            types = {span.type for span in gold if _overlap(span, hit)}
            self.predicted[hit.kind] += 1
            self.true[hit.kind] += any(KIND_OF.get(type_) == hit.kind for type_ in types)
            self.false[hit.kind] += not types
            if not types:
                self.errors.append(f"false {hit.kind}: {text[hit.start : hit.end]!r}: {text!r}")


def _overlap(a: Gold | Span, b: Gold | Span) -> bool:
    return a.start < b.end and b.start < a.end


def read_labelled(path: Path) -> Iterable[tuple[str, list[Gold]]]:
    """Texts and their spans. Raises `ValueError` for a file without the two columns."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if missing := {"text", "spans"} - set(rows.fieldnames or ()):
            raise ValueError(f"{path}: no column {sorted(missing)}, expected 'text' and 'spans'")
        for row in rows:
            spans = json.loads(row["spans"])
            yield row["text"], [Gold(s["type"], s["start"], s["end"]) for s in spans]


def measure(rows: Iterable[tuple[str, Sequence[Gold]]]) -> Tally:
    """The tally of `find` on labelled texts."""
    tally = Tally()
    for text, gold in rows:
        tally.add(text, gold, find(text))
    return tally


def _report(tally: Tally) -> str:
    lines = [f"{'gold type':16}{'gold':>6}{'covered':>9}{'right kind':>12}{'whole':>7}  recall"]
    for type_ in KIND_OF:
        total = tally.gold[type_]
        recall = f"{tally.covered[type_] / total:.3f}" if total else "-"
        lines.append(
            f"{type_:16}{total:6}{tally.covered[type_]:9}{tally.right_kind[type_]:12}"
            f"{tally.whole[type_]:7}  {recall}"
        )
    lines += ["", f"{'kind':16}{'found':>6}{'right':>9}{'other gold':>12}{'false':>7}  precision"]
    for kind, total in sorted(tally.predicted.items()):
        true, false = tally.true[kind], tally.false[kind]
        precision = f"{true / (true + false):.3f}" if true + false else "-"
        lines.append(f"{kind:16}{total:6}{true:9}{total - true - false:12}{false:7}  {precision}")
    outside = sorted(set(tally.gold) - set(KIND_OF))
    hit = ", ".join(f"{type_} {tally.covered[type_]}/{tally.gold[type_]}" for type_ in outside)
    return "\n".join([*lines, "", f"out of scope (hit all the same): {hit}"])


def main() -> None:
    """Read the arguments, print the tables."""
    parser = argparse.ArgumentParser(description="Recall and precision of the masking.")
    parser.add_argument("path", type=Path, help="CSV with the columns text and spans")
    parser.add_argument("--misses", action="store_true", help="also list what went wrong")
    arguments = parser.parse_args()
    tally = measure(read_labelled(arguments.path))
    print(_report(tally))
    if arguments.misses:
        print("", *tally.errors, sep="\n")


if __name__ == "__main__":
    main()
