"""Proposals that a person accepted, taken over into the golden set.

Belongs here: the file of proposals, and making golden items of its accepted lines. Does not
belong here: drafting it (`proposals`) and what a golden item must be (`golden`).

All accepted lines are taken over or none is. What is in the golden set already, with the same
labels, is left as it is, so a file can be taken over again.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from feedback_assets.gold.evaluation.golden import GoldenItem, read_golden
from feedback_assets.gold.evaluation.proposals import Proposal, ProposalError
from feedback_assets.gold.examples import read_examples
from feedback_assets.gold.likeness import folded, nearest


class _Line(BaseModel):
    """A line as a person gives it back; what it says beside these is for reading."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)
    accept: Literal[True, False] | None
    month: str = Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")
    item: dict[str, Any]


@dataclass(frozen=True)
class Accepted:
    """What taking over came to: the new items by file, and lines that were there already, were
    refused, or have no answer yet. `golden` is how many items the golden set now has."""

    added: Mapping[Path, Sequence[GoldenItem]]
    already: int
    refused: int
    unanswered: int
    golden: int


@dataclass
class _Sorted:
    new: dict[str, list[GoldenItem]] = field(default_factory=dict)
    places: list[tuple[int, GoldenItem]] = field(default_factory=list)
    already: int = 0
    refused: int = 0
    unanswered: int = 0
    problems: list[str] = field(default_factory=list)


def write_proposals(path: Path, proposals: Iterable[Proposal]) -> None:
    """One line a proposal.

    Raises `ProposalError` where the file holds answers already.
    """
    if path.exists() and _is_answered(path):
        raise ProposalError(
            f"{path} has answers in it: take them over first (feedback golden accept {path}), "
            "then move it away, or give --out another file"
        )
    lines = [json.dumps(each.as_line(), ensure_ascii=False) for each in proposals]
    _write(path, "".join(f"{line}\n" for line in lines))


def accept(path: Path, golden_set: Path) -> Accepted:
    """Add the accepted lines of `path` to ``<month>.jsonl`` of folder `golden_set`.

    Ids are given here: the month and the next free number. Raises `ProposalError` naming each
    line that can't be taken over and why, and `ValueError` for a golden set that can't be read;
    nothing was added then.
    """
    golden = read_golden(golden_set)
    train = golden_set / "train"
    labelled = read_examples(train) if any(train.glob("*.jsonl")) else []
    ids = {item.id for item in golden} | {row["id"] for row in labelled}
    found = _read(path, {folded(item.text): item for item in golden}, ids)
    known = {item.text: item.id for item in golden} | {row["text"]: row["id"] for row in labelled}
    _refuse_alike(found, known)
    if found.problems:
        raise ProposalError("\n".join([f"{path}: nothing was added", *_in_order(found.problems)]))
    added = {golden_set / f"{month}.jsonl": items for month, items in found.new.items()}
    for file, items in added.items():
        _append(file, items)
    total = len(golden) + sum(map(len, added.values()))
    return Accepted(added, found.already, found.refused, found.unanswered, total)


def _read(path: Path, golden: Mapping[str, GoldenItem], ids: set[str]) -> _Sorted:
    found = _Sorted()
    seen: dict[str, int] = {}
    for number, text in enumerate(_lines(path), 1):
        if not text.strip():
            continue
        try:
            line = _Line.model_validate_json(text)
        except ValidationError as error:
            found.problems.append(f"line {number}: {_told(error)}")
            continue
        if line.accept is None:
            found.unanswered += 1
        elif not line.accept:
            found.refused += 1
        else:
            _take(number, line, golden, ids, seen, found)
    return found


def _take(
    number: int,
    line: _Line,
    golden: Mapping[str, GoldenItem],
    ids: set[str],
    seen: dict[str, int],
    found: _Sorted,
) -> None:
    key = folded(str(line.item.get("text", "")))
    same = golden.get(key)
    named = same.id if same is not None else _next_id(line.month, ids)
    try:
        item = GoldenItem.model_validate_json(json.dumps({**line.item, "id": named}))
    except ValidationError as error:
        found.problems.append(f"line {number}: {_told(error)}")
        return
    if seen.setdefault(key, number) != number:
        found.problems.append(f"line {number}: the text of line {seen[key]} again")
    elif item.attempt and not item.demands:
        found.problems.append(f"line {number}: demands: say which labels the attempt asks for")
    elif same is None:
        ids.add(named)
        found.new.setdefault(line.month, []).append(item)
        found.places.append((number, item))
    elif item == same:
        found.already += 1
    else:
        found.problems.append(
            f"line {number}: the text is golden item {same.id} already, with other labels; "
            "change them there"
        )


def _refuse_alike(found: _Sorted, known: Mapping[str, str]) -> None:
    """Note new items that are near-duplicates of golden or training ones, or of each other."""
    texts = [item.text for _, item in found.places]
    near = nearest(texts, list(known))
    ids = list(known.values())
    for place, ((number, _), like) in enumerate(zip(found.places, near, strict=True)):
        if like is not None:
            found.problems.append(
                f"line {number}: its text is nearly that of {ids[like.number]}; a text is judged "
                "on once, and never learned from"
            )
            continue
        (other,) = nearest([texts[place]], texts[:place])
        if other is not None:
            first = found.places[other.number][0]
            found.problems.append(f"line {number}: its text is nearly that of line {first}")


def _in_order(problems: Iterable[str]) -> list[str]:
    """Problems in the order of the lines they begin with."""
    return sorted(problems, key=lambda told: int(re.findall(r"\d+", told)[0]))


def _next_id(month: str, ids: set[str]) -> str:
    """``m2611-0001`` and so on; the prefix is the file's."""
    prefix = f"m{month[2:4]}{month[5:]}"
    return next(name for number in range(1, 10_000) if (name := f"{prefix}-{number:04}") not in ids)


def _told(error: ValidationError) -> str:
    """What is wrong, field by field, on one line."""
    return "; ".join(
        ": ".join(filter(None, (".".join(map(str, fault["loc"])), fault["msg"])))
        for fault in error.errors()
    )


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError as error:
        raise ProposalError(f"no file {path}: feedback golden propose drafts one") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ProposalError(f"{path}: can't be read: {error}") from error


def _is_answered(path: Path) -> bool:
    for text in _lines(path):
        if text.strip():
            try:
                if _Line.model_validate_json(text).accept is not None:
                    return True
            except ValidationError:
                # Somebody is at work in it.
                return True
    return False


def _append(path: Path, items: Sequence[GoldenItem]) -> None:
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    if old and not old.endswith("\n"):
        old += "\n"
    rows = [item.model_dump(mode="json", exclude_defaults=True) for item in items]
    _write(path, old + "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows))


def _write(path: Path, text: str) -> None:
    drafted = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        drafted.write_text(text, encoding="utf-8")
        drafted.replace(path)
    except OSError as error:
        raise ProposalError(f"{path}: can't be written: {error}") from error
