"""Messages over real HTTP on loopback: formats, retries, and what never shows."""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import SecretStr

from resources.notifier import open_notifiers
from resources.notifier.base import Link, Message, NotDelivered, Part
from resources.notifier.slack import PARTS_SHOWN, SECTION_CHARACTERS, Slack, escaped
from resources.notifier.webhook import Webhook
from resources.settings import Settings
from tests.http_receiver import HttpReceiver, Response

NOW = dt.datetime(2026, 6, 2, 5, tzinfo=dt.UTC)
RUN = Part(
    "drift_category failed\nwords: <!channel> & <http://bad|good>",
    (Link("run", "http://dagster:3000/runs/r1"), Link("check", "http://dagster:3000/a?b=1&c=d|e")),
    ("2026-06-01|survey",), "drift_category", 0.61, 0.24, "r1",
)  # fmt: skip
MESSAGE = Message("gate", "drift_category failed", (RUN,), NOW)


def hook(receiver: HttpReceiver, patience: float = 3.0) -> Webhook:
    return Webhook(SecretStr(f"{receiver.address}/hooks/s3cret"), patience)


def sent(receiver: HttpReceiver) -> list[dict[str, Any]]:
    return [json.loads(received.body) for received in receiver.received]


def test_the_webhook_is_told_everything() -> None:
    with HttpReceiver() as receiver:
        hook(receiver).send(MESSAGE)
    (body,) = sent(receiver)
    parts = body.pop("parts")
    assert body == {
        "kind": "gate",
        "title": "drift_category failed",
        "text": RUN.text,
        "links": [{"text": link.label, "url": link.url} for link in RUN.links],
        "partitions": ["2026-06-01|survey"],
        "check": "drift_category",
        "value": 0.61,
        "threshold": 0.24,
        "run_id": "r1",
        "sent_at": "2026-06-02T05:00:00+00:00",
    }
    assert [part["check"] for part in parts] == ["drift_category"]
    assert receiver.received[0].path == "/hooks/s3cret"


def test_what_parts_differ_in_is_told_by_part() -> None:
    other = Part("drift_volume failed", check="drift_volume", threshold=0.24)
    body = Webhook(SecretStr("http://h/")).body(Message("gate", "two", (RUN, other), NOW))
    assert (body["check"], body["threshold"]) == (None, 0.24)
    assert [part["check"] for part in body["parts"]] == ["drift_category", "drift_volume"]


def test_slack_gets_blocks_in_which_quoted_text_is_text() -> None:
    with HttpReceiver() as receiver:
        Slack(SecretStr(f"{receiver.address}/services/s3cret")).send(MESSAGE)
    (body,) = sent(receiver)
    assert body["text"].startswith("drift_category failed\n")
    assert [block["type"] for block in body["blocks"]] == ["section", "section"]
    title, part = (block["text"] for block in body["blocks"])
    assert title == {"type": "mrkdwn", "text": "*drift_category failed*", "verbatim": True}
    assert "words: &lt;!channel&gt; &amp; &lt;http://bad|good&gt;" in part["text"]
    assert "<http://dagster:3000/runs/r1|run>" in part["text"]
    assert "<http://dagster:3000/a?b=1&amp;c=d%7Ce|check>" in part["text"]
    assert "<!channel>" not in json.dumps(body)


@hypothesis_settings(max_examples=25, deadline=None)
@given(st.text("&<>a|", min_size=1, max_size=60), st.integers(1, 40), st.integers(1, 60))
def test_slacks_limits_hold_whatever_the_text(text: str, times: int, parts: int) -> None:
    links = tuple(Link("run", "http://h/" + "r" * 50 * times) for _ in range(times))
    part = Part(text * times * 3, links)
    body = Slack(SecretStr("http://h/")).body(
        Message("run", text, (part, *[RUN] * (parts - 1)), NOW)
    )
    assert len(body["blocks"]) == min(parts, PARTS_SHOWN) + 1 + (parts > PARTS_SHOWN) <= 50
    for block in body["blocks"]:
        assert 0 < len(block["text"]["text"]) <= SECTION_CHARACTERS


@given(st.text("&<>a"), st.integers(1, 30))
def test_a_cut_leaves_no_torn_escape(text: str, most: int) -> None:
    written = escaped(text, most)
    assert len(written) <= most
    for whole in ("&amp;", "&lt;", "&gt;"):
        written = written.replace(whole, "")
    assert not set(written) - {"a", "…"}


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_receiver_that_asks_for_time_gets_it(form: str) -> None:
    asked = {"Retry-After": "1"}
    if form == "date":  # whole seconds: of the three asked for, two may be over by the answer
        later = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(seconds=3)
        asked = {"Retry-After": format_datetime(later, usegmt=True)}
    with HttpReceiver(Response(status=429, headers=asked)) as receiver:
        hook(receiver, patience=10).send(MESSAGE)
    first, second = receiver.received
    assert 0.9 < second.at - first.at < 4
    assert first.body == second.body


def test_longer_than_patience_is_not_waited() -> None:
    busy = Response(status=429, headers={"Retry-After": "3600"})
    started = time.monotonic()
    with HttpReceiver(usual=busy) as receiver, pytest.raises(NotDelivered, match="HTTP 429"):
        hook(receiver).send(MESSAGE)
    assert time.monotonic() - started < 1
    assert len(receiver.received) == 1


def test_passing_trouble_is_tried_again() -> None:
    troubles = [Response(status=503), Response(drop=True)]
    with HttpReceiver(*troubles) as receiver:
        hook(receiver).send(MESSAGE)
    assert len(receiver.received) == 3


@pytest.mark.parametrize(
    ("usual", "told"),
    [(Response(status=500), "HTTP 500"), (Response(delay=60), "ReadTimeout")],
)
def test_lasting_trouble_ends_in_time_and_hides_the_address(
    usual: Response, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    started = time.monotonic()
    with HttpReceiver(usual=usual) as receiver:
        with pytest.raises(NotDelivered, match=told) as refused:
            hook(receiver, patience=0.8).send(MESSAGE)
        assert time.monotonic() - started < 1.5
        assert receiver.received
    assert "s3cret" not in f"{refused.value!r} {caplog.text}"
    assert refused.value.__context__ is None


def test_a_refusal_for_good_is_not_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    gone = Response(status=404, body=b"no_service")
    with HttpReceiver(usual=gone) as receiver:
        with pytest.raises(NotDelivered, match=r"HTTP 404 \(no_service\): nobody takes"):
            hook(receiver).send(MESSAGE)
        assert len(receiver.received) == 1
    assert "s3cret" not in caplog.text


def test_a_redirect_is_not_followed() -> None:
    with HttpReceiver() as other:
        moved = Response(status=302, headers={"Location": other.address})
        with HttpReceiver(usual=moved) as receiver, pytest.raises(NotDelivered, match="302"):
            hook(receiver).send(MESSAGE)
    assert not other.received


@pytest.mark.parametrize("url", ["hooks.example/s3cret", "ftp://h/s3cret", "http://h:s3cret/"])
def test_what_is_no_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="FEEDBACK_SLACK_WEBHOOK_URL") as refused:
        open_notifiers(Settings(slack_webhook_url=SecretStr(url)))
    assert "s3cret" not in str(refused.value)


def test_each_address_that_is_set_is_a_channel() -> None:
    url = SecretStr("http://h/")
    assert open_notifiers(Settings(webhook_url=SecretStr(""))) == []
    both = open_notifiers(Settings(webhook_url=url, slack_webhook_url=url))
    assert [notifier.name for notifier in both] == ["webhook", "slack"]
