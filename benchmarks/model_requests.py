"""How much of a service's rate limit is used, and whether a request is lost.

Run: ``python -m benchmarks.model_requests [--minutes 2] [--limit 1200]``

A server on loopback enforces a limit of requests a minute (a sliding window, then a token
bucket), tells it in its headers, and answers after 0.2 s. The whole way of asking is driven:
questions, real client, ledger. The share is requests answered in the time from the first to the
last, over what the limit allows in it; one minute's allowance that a window grants at once is
not counted as more than a minute's.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from feedback_assets.gold.language_model.asking import Asker
from feedback_assets.gold.language_model.questions import Question, content_of, input_hash
from feedback_assets.gold.prompts import Prompt, active_versions, read_prompt
from feedback_assets.pipeline.model_plan import ModelPlan
from resources.lakehouse.delta import DeltaLakehouse
from resources.llm.openai_model import connect
from resources.settings import Settings
from tests.llm_server import API_KEY, LlmServer


def main() -> None:
    """Measure both flavours and print a table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=2.0)
    arguments.add_argument("--limit", type=float, default=1200.0)
    asked = arguments.parse_args()
    print("| limit kept by | requests | answered | refused (429) | seconds | share of the limit |")
    print("|---|---:|---:|---:|---:|---:|")
    flavours: tuple[Literal["sliding", "bucket"], ...] = ("sliding", "bucket")
    for flavour in flavours:
        print(measure(flavour, asked.limit, int(asked.limit * asked.minutes)))


def measure(flavour: Literal["sliding", "bucket"], limit: float, count: int) -> str:
    """One line of the table: `count` requests, one item each, under `limit` a minute."""
    folder = Settings().prompts
    prompt = read_prompt(folder, "translation", active_versions(folder)["translation"])
    with (
        tempfile.TemporaryDirectory() as root,
        LlmServer(
            translate, latency=0.2, requests_per_minute=limit, flavour=flavour, keep_requests=False
        ) as server,
    ):
        model = connect(
            model="gpt", service="openai", endpoint=f"{server.address}/v1", api_key=API_KEY,
            requests_per_minute=limit, max_in_flight=64,
        )  # fmt: skip
        plan = ModelPlan(model, items_per_request=1, uncommitted=512)
        lakehouse = DeltaLakehouse(str(Path(root)))
        started = time.monotonic()
        report = Asker(plan, prompt, lakehouse, "benchmark").ask(questions(prompt, count))
        seconds = time.monotonic() - started
        rows = lakehouse.scan("model_calls", ["outcome"]).read_all().num_rows
    refused = server.statuses[429]
    assert rows == report.attempts
    share = report.answered / (limit * seconds / 60)
    return f"| {flavour} | {count} | {report.answered} | {refused} | {seconds:.1f} | {share:.3f} |"


def translate(body: dict[str, Any]) -> str:
    """A translation of every item."""
    user = body["messages"][1]["content"]
    items = json.loads(user[user.index('{"items"') :])["items"]
    return json.dumps({"findings": [{"item": i["item"], "english": "words"} for i in items]})


def questions(prompt: Prompt, count: int) -> Iterator[Question]:
    """Different questions of the length of feedback."""
    for number in range(count):
        text = f"Artikel {number} kam nicht an und niemand antwortet auf meine Nachrichten"
        content = content_of({"text": text, "language": "de"})
        yield Question(
            dt.date(2026, 6, 1), "survey", f"f{number}", text, content,
            input_hash(prompt, "gpt", content),
        )  # fmt: skip


if __name__ == "__main__":
    main()
