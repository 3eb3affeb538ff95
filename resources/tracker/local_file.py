"""The Markdown file of one issue: how it is laid out, and read again after people edited it.

Belongs here: front matter, title, notes' markers. Does not belong here: where files lie, their
numbers and locks (local.py).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from resources.tracker.base import IssueDraft, IssueStatus

CLOSED = frozenset({"closed", "done", "resolved"})
_FRONT_MATTER = re.compile(r"\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"([\\`*_\[\]<>&~|#@]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
_COMMENT = re.compile(r"^\s*<!--")
_MARKER = "<!-- note: "
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Read:
    """What a file's front matter says, or why it can't be read."""

    fields: Mapping[str, Any]
    problem: str = ""


def document(key: str, draft: IssueDraft, created_at: datetime) -> str:
    """The whole file of a new issue."""
    front = {
        "key": key,
        "idempotency_key": encodable(draft.idempotency_key),
        "queue": encodable(draft.queue),
        "status": "open",
        "priority": encodable(draft.priority),
        "labels": [encodable(label) for label in draft.labels],
        "created_at": created_at.astimezone(UTC).isoformat(timespec="seconds"),
        "resolved_at": None,
    }
    # Not allow_unicode: PyYAML then writes next-line characters bare, and reads them as blanks.
    matter = yaml.safe_dump(front, sort_keys=False, width=10_000)
    title = _INLINE.sub(r"\\\1", " ".join(encodable(draft.title).split()))
    return f"---\n{matter}---\n\n# {title or key}\n\n{_body(draft.body).strip()}\n"


def with_note(text: str, note_key: str, note: str) -> str:
    """An issue's text with a note at its end, or as it is where `note_key` already stands."""
    marker = f"{_MARKER}{quote(note_key, safe='', errors='replace')} -->"
    lines = text.splitlines()
    if marker in lines:
        return text
    first = not any(each.startswith(_MARKER) for each in lines)
    heading = "## Added later\n\n" if first else ""
    return f"{text.rstrip()}\n\n{heading}{marker}\n\n{_body(note)}\n"


def _body(markdown: str) -> str:
    """Markdown that can't hold a marker of ours: no line of it opens a comment."""
    return "\n".join(_COMMENT.sub(r"\\<!--", each) for each in encodable(markdown).splitlines())


def encodable(text: str) -> str:
    """Text that UTF-8 can hold: a lone surrogate becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def queue_name(queue: str) -> str:
    """A queue's name as part of a file name."""
    return re.sub(r"[^A-Z0-9]+", "_", queue.upper())[:32].strip("_") or "QUEUE"


def text_of(path: Path) -> str:
    """A file's text, where every byte and line end survives being written back."""
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read()


def carried_key(text: str) -> str | None:
    """The idempotency key that an issue's text carries."""
    read = _front_matter(text)
    if not read.problem:
        key = read.fields.get("idempotency_key")
        return key if isinstance(key, str) else None
    named = re.search(r"^idempotency_key:[ \t]*(\S+)", text, re.MULTILINE)
    return named[1].strip("'\"") if named else None


def _front_matter(text: str) -> _Read:
    matter = _FRONT_MATTER.match(text)
    if matter is None:
        return _Read({}, "it must begin with front matter between two lines of ---")
    try:
        fields = yaml.safe_load(matter[1])
    except (yaml.YAMLError, ValueError) as error:
        return _Read({}, f"its front matter is not YAML: {' '.join(str(error).split())}")
    if not isinstance(fields, dict):
        return _Read({}, "its front matter must be lines of `name: value`")
    if not isinstance(fields.get("status"), str) or not fields["status"].strip():
        return _Read(fields, f"write `status: open`, or one of {', '.join(sorted(CLOSED))}")
    return _Read(fields)


def status_of(key: str, path: Path) -> IssueStatus:
    """Where an issue stands by its file; a file that can't be read is open, and is warned of."""
    read = _front_matter(text_of(path))
    if read.problem:
        _log.warning("ticket %s counts as open, %s can't be read: %s", key, path, read.problem)
        return IssueStatus(key, f"unreadable: {path.name}: {read.problem}", True, None)
    status = read.fields["status"].strip().lower()
    if status not in CLOSED:
        return IssueStatus(key, status, True, None)
    resolved = _moment(read.fields.get("resolved_at"))
    return IssueStatus(
        key, status, False, resolved or datetime.fromtimestamp(path.stat().st_mtime, UTC)
    )


def _moment(written: object) -> datetime | None:
    """What a person may write for a time; without a zone it is UTC."""
    if isinstance(written, str):
        try:
            written = datetime.fromisoformat(written.strip())
        except ValueError:
            return None
    if isinstance(written, datetime):
        return written.astimezone(UTC) if written.tzinfo else written.replace(tzinfo=UTC)
    if isinstance(written, date):
        return datetime.combine(written, time(), UTC)
    return None
