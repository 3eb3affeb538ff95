"""Messages in the format of Slack's incoming webhooks.

Belongs here: blocks, Slack's limits, and keeping quoted text from being markup. Does not belong
here: delivery (webhook.py).

Limits as Slack documents them: 50 blocks a message, 3000 characters a section's text. Of a text
object, ``&``, ``<`` and ``>`` are its only control characters; ``verbatim`` leaves addresses and
names in it as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from resources.notifier.base import Link, Message, Part
from resources.notifier.webhook import Webhook

SECTION_CHARACTERS = 3000
FALLBACK_CHARACTERS = 3000
PARTS_SHOWN = 40
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class Slack(Webhook):
    """A Slack channel's incoming webhook."""

    name = "slack"
    setting = "FEEDBACK_SLACK_WEBHOOK_URL"

    def body(self, message: Message) -> dict[str, Any]:
        """Blocks: the title, a section a part. `text` is what notifications show."""
        shown = message.parts[:PARTS_SHOWN]
        blocks = [_section(f"*{escaped(message.title, SECTION_CHARACTERS - 2)}*")]
        blocks += [_section(_part(part)) for part in shown]
        if len(message.parts) > len(shown):
            blocks.append(_section(f"… and {len(message.parts) - len(shown)} more"))
        return {
            "text": escaped(f"{message.title}\n{message.text}", FALLBACK_CHARACTERS),
            "blocks": blocks,
            "unfurl_links": False,
            "unfurl_media": False,
        }


def escaped(text: str, most: int) -> str:
    """`text` as mrkdwn that marks nothing up, of `most` characters at most."""
    whole = [_ESCAPED.get(character, character) for character in text[: most + 1]]
    if sum(map(len, whole)) <= most:
        return "".join(whole)
    kept, left = [], most - 1
    for piece in whole:
        if len(piece) > left:
            break
        kept.append(piece)
        left -= len(piece)
    return "".join(kept) + "…"


def _part(part: Part) -> str:
    links = _links(part.links)
    return escaped(part.text, SECTION_CHARACTERS - len(links) - 1) + (f"\n{links}" if links else "")


def _links(links: Sequence[Link]) -> str:
    """As many links as a third of a section holds, whole ones only."""
    line = ""
    for link in links:
        # A bar would end the address.
        url = escaped(link.url.replace("|", "%7C").replace(" ", "%20"), SECTION_CHARACTERS)
        written = f"<{url}|{escaped(link.label.replace('|', ' '), 75)}>"
        longer = f"{line} · {written}" if line else written
        if len(longer) <= SECTION_CHARACTERS // 3:
            line = longer
    return line


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}
