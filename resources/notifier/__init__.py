"""Notifiers as settings have them: none, a webhook, Slack, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resources.notifier.base import Notifier
    from resources.settings import Settings

SETTINGS = ("FEEDBACK_WEBHOOK_URL", "FEEDBACK_SLACK_WEBHOOK_URL")


def open_notifiers(settings: Settings, patience_seconds: float | None = None) -> list[Notifier]:
    """A notifier for each address that is set.

    `patience_seconds` bounds the attempts at one message on one channel. Raises `ValueError` for
    what is no address.
    """
    # The HTTP client takes a while to load, which most processes need not spend.
    from resources.notifier.slack import Slack
    from resources.notifier.webhook import PATIENCE_SECONDS, Webhook

    patience = PATIENCE_SECONDS if patience_seconds is None else patience_seconds
    found: list[Notifier] = []
    if settings.webhook_url is not None and settings.webhook_url.get_secret_value():
        found.append(Webhook(settings.webhook_url, patience))
    if settings.slack_webhook_url is not None and settings.slack_webhook_url.get_secret_value():
        found.append(Slack(settings.slack_webhook_url, patience))
    return found
