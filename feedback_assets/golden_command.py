"""`feedback golden` and `feedback reviews`: what people decided, turned into what judges models.

Belongs here: the order of drafting, taking over and telling. Does not belong here: arguments as
they are typed (golden_cli.py), the golden set (gold/evaluation) and the reviews of models
(quality/model_reviews).
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from feedback_assets.audit.terminal import counted
from feedback_assets.contracts.quality_rules import BUILT_IN, read_quality_rules
from feedback_assets.gold.evaluation.acceptance import Accepted, write_proposals
from feedback_assets.gold.evaluation.acceptance import accept as take_over
from feedback_assets.gold.evaluation.proposals import draft, month_of
from feedback_assets.pipeline.open_reviews import Review, all_reviews
from feedback_assets.quality.model_reviews.recording import close_review
from resources.lakehouse.opening import open_lakehouse
from resources.settings import Settings

FOLDER = "golden_proposals"


def propose(
    settings: Settings, month: str | None, out: Path | None, console: Console, now: dt.datetime
) -> Path | None:
    """Draft the golden set's addition of `month` (``YYYY-MM``, by default that of `now`).

    The file is `out` or ``<home>/golden_proposals/<month>.jsonl``; None where there is nothing
    to propose. Raises `ProposalError`, and `ValueError` or `FileNotFoundError` for a golden set
    that can't be read.
    """
    named = month_of(month, now)
    rules = read_quality_rules(settings.quality_rules or BUILT_IN)
    lakehouse = open_lakehouse(settings)
    drafted = draft(lakehouse, settings.golden_set, named, rules.human.evaluation_days, now)
    if not drafted:
        _say(
            console,
            f"Nothing to propose for {named}: no decision on a text that is held out of training "
            "and not in the golden set yet.",
        )
        return None
    path = out or settings.home.absolute() / FOLDER / f"{named}.jsonl"
    write_proposals(path, drafted)
    overridden = sum(each.why[0].startswith("overridden") for each in drafted)
    _say(console, f"{counted(len(drafted), 'proposal')}, {overridden} overridden by people: {path}")
    _say(
        console,
        "Read each by golden_set/LABELLING.md, do what its to_do says, and set accept to true or "
        f"false. Then: feedback golden accept {path}",
    )
    return path


def accept(settings: Settings, path: Path, console: Console) -> Accepted:
    """Take the accepted lines of `path` over into the golden set.

    Raises as `propose`; nothing was added then.
    """
    done = take_over(path, settings.golden_set)
    for file, items in done.added.items():
        _say(
            console,
            f"{counted(len(items), 'item')} added to {file}: {items[0].id} to {items[-1].id}",
        )
    others = {
        "there already": done.already,
        "refused": done.refused,
        "without an answer": done.unanswered,
    }
    told = ", ".join(f"{count} {name}" for name, count in others.items() if count)
    if told:
        _say(console, f"Left alone: {told}")
    if done.added:
        _say(
            console,
            f"The golden set has {done.golden} items now. The next feedback evaluate judges on "
            "all of them, and no model learns from them. Commit the file.",
        )
    return done


def show_reviews(settings: Settings, console: Console, everything: bool = False) -> list[Review]:
    """Print the reviews of models that are open, or with `everything` the closed ones too."""
    lakehouse = open_lakehouse(settings)
    found = [each for each in all_reviews(lakehouse) if everything or each.is_open]
    if not found:
        _say(console, "No review of a model is open.")
        return found
    for review in found:
        console.print(_heading(review))
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for name, text in _facts(review):
            table.add_row(Text(f"  {name}"), Text(text))
        console.print(table)
    _say(console, "Close one: feedback reviews close ID --by NAME --note TEXT")
    return found


def close(
    settings: Settings, review_id: str, by: str, note: str, console: Console, now: dt.datetime
) -> Review:
    """Close a review of a model. Raises `ReviewRefused` with why and what to do."""
    closed = close_review(open_lakehouse(settings), review_id, by, note, now)
    _say(console, f"{closed.review_id} ({closed.about}) closed by {closed.closed_by}")
    return closed


def _heading(review: Review) -> Text:
    state = "" if review.is_open else " (closed)"
    return Text.assemble((review.review_id, "bold"), f"  {review.about}{state}")


def _facts(review: Review) -> list[tuple[str, str]]:
    facts = [
        ("since", f"{review.opened_at:%Y-%m-%d %H:%M} UTC"),
        ("measured", f"{review.value:.2f}, held against {review.threshold:.2f}"),
        ("calls for", review.remedy.replace("_", " ")),
        ("in full", review.detail),
    ]
    if not review.is_open:
        facts.append(("closed by", f"{review.closed_by}: {review.note}"))
    return facts


def _say(console: Console, text: str) -> None:
    console.print(Text(text), soft_wrap=True)
