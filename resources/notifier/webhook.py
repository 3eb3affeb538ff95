"""Messages as JSON to an address: the format, and delivery that other formats share.

Belongs here: HTTP, retries, and the plain JSON format. Does not belong here: Slack's format
(slack.py).

The address is a secret: whoever knows it can write to the channel. It is kept out of errors, and
out of the HTTP library's log.
"""

from __future__ import annotations

import logging
import re
from contextvars import ContextVar
from time import monotonic
from typing import Any

import httpx2
from pydantic import SecretStr
from tenacity import (
    RetryCallState,
    RetryError,
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_before_delay,
    wait_random_exponential,
)

from resources.llm.rate_headers import retry_after
from resources.notifier.base import Message, NotDelivered, Part, each_once

PATIENCE_SECONDS = 20.0
ATTEMPT_SECONDS = 8.0
_sending: ContextVar[bool] = ContextVar("sending", default=False)
_BACKOFF = wait_random_exponential(multiplier=0.25, max=5)
_PLAIN_WORD = re.compile(r"[A-Za-z_ .-]{1,60}")
_ADVICE = {
    **dict.fromkeys((400, 413, 422), "the receiver does not take this format"),
    **dict.fromkeys((401, 403), "the receiver refuses the address's secret; make a new one"),
    **dict.fromkeys((404, 410), "nobody takes messages there any more; set the new address"),
}


class Webhook:
    """The plain JSON format, posted to `url`."""

    name = "webhook"
    setting = "FEEDBACK_WEBHOOK_URL"

    def __init__(self, url: SecretStr, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """`patience_seconds` bounds all attempts at one message together.

        Raises `ValueError`, which does not repeat it, for what is no http(s) address.
        """
        try:
            address = httpx2.URL(url.get_secret_value().strip())
        except httpx2.InvalidURL:
            address = None
        if address is None or address.scheme not in ("http", "https") or not address.host:
            raise ValueError(f"{self.setting} must be an address such as https://host/path")
        self._address = address
        self._patience = patience_seconds

    def body(self, message: Message) -> dict[str, Any]:
        """The JSON of `message`. Fields in which its parts differ are null, and in ``parts``."""
        parts = [_part(part) for part in message.parts]
        return {
            "kind": message.kind,
            "title": message.title,
            "text": message.text,
            "links": [link for part in parts for link in part["links"]],
            "partitions": each_once([key for part in message.parts for key in part.partitions]),
            **{name: message.only(name) for name in ("check", "value", "threshold", "run_id")},
            "sent_at": message.sent_at.isoformat(),
            "parts": parts,
        }

    def send(self, message: Message) -> None:
        """Post `message`; again after 429, 5xx and broken connections."""
        ends_at = monotonic() + self._patience
        body = self.body(message)
        tries = Retrying(
            stop=stop_before_delay(self._patience),
            wait=_wait,
            retry=retry_if_exception_type(httpx2.TransportError) | retry_if_result(_passing),
        )
        token = _sending.set(True)
        trouble = ""
        try:
            with httpx2.Client(follow_redirects=False) as client:
                response: httpx2.Response = tries(self._post, client, body, ends_at)
            if not response.is_success:
                trouble = _told(response)
        except RetryError as error:
            last = error.last_attempt
            trouble = type(last.exception()).__name__ if last.failed else _told(last.result())
            trouble += f" at the last of {last.attempt_number} attempts"
        except httpx2.HTTPError as error:
            trouble = type(error).__name__
        finally:
            _sending.reset(token)
        # Out here nothing is chained: the library's errors know the address.
        if trouble:
            raise NotDelivered(f"{self.name} ({self.setting}): not delivered: {trouble}")

    def _post(self, client: httpx2.Client, body: dict[str, Any], ends_at: float) -> httpx2.Response:
        seconds = max(0.05, min(ATTEMPT_SECONDS, ends_at - monotonic()))
        return client.post(self._address, json=body, timeout=seconds)


def _part(part: Part) -> dict[str, Any]:
    return {
        "text": part.text,
        "links": [{"text": link.label, "url": link.url} for link in part.links],
        "partitions": list(part.partitions),
        "check": part.check,
        "value": part.value,
        "threshold": part.threshold,
        "run_id": part.run_id,
    }


def _passing(response: httpx2.Response) -> bool:
    return response.status_code == 429 or response.status_code >= 500


def _wait(state: RetryCallState) -> float:
    """As long as the receiver asks for, or a random while that grows."""
    asked = None
    if state.outcome is not None and not state.outcome.failed:
        asked = retry_after(state.outcome.result().headers)
    return _BACKOFF(state) if asked is None else asked


def _told(response: httpx2.Response) -> str:
    """The status, and the receiver's word where it is one, such as Slack's ``no_service``."""
    word = response.text[:80].strip()
    said = f" ({word})" if _PLAIN_WORD.fullmatch(word) else ""
    advice = _ADVICE.get(response.status_code)
    return f"HTTP {response.status_code}{said}" + (f": {advice}" if advice else "")


class _Unlogged(logging.Filter):
    """Drops the HTTP library's line on a request, which names the address."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not _sending.get()


logging.getLogger("httpx2").addFilter(_Unlogged())
