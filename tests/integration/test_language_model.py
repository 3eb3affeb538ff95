"""The cascade through the steps: what is asked, what is kept, and what a second run costs."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from feedback_assets.bronze.landing_step import BRONZE
from feedback_assets.contracts.partitions import Partition
from feedback_assets.gold.examples import read_examples
from feedback_assets.gold.gold_steps import STEPS
from feedback_assets.gold.language_model.batching import collect
from feedback_assets.gold.language_model.confidence import Calibration, keep
from feedback_assets.gold.prompts import active_versions, read_prompt
from feedback_assets.pipeline.contract_check import check_contract
from feedback_assets.pipeline.model_plan import Ladder, ModelPlan, Prices, SpendingCap
from feedback_assets.pipeline.runtime import Runtime, build_model_plan, build_runtime
from feedback_assets.pipeline.step import StepReport, run_step
from feedback_assets.silver.silver_step import SILVER
from resources.compute.connect import SailEngine
from resources.lakehouse.delta import DeltaLakehouse
from resources.llm.scripted import ScriptedModel, trouble
from resources.settings import Settings
from tests.conftest import DAY, Land, review, rows
from tests.gold.language_model.golden_models import items_of, over_http, perfect, stage_of
from tests.llm_server import API_KEY, LlmServer
from tests.llm_server_troubles import failure

GOLDEN = read_examples(Path(__file__).parents[2] / "golden_set")
HELD_OUT = [example for example in GOLDEN if not example["demands"]][:60]
RIGHT = perfect(GOLDEN)
PRICES = Prices(1.0, 0.5, 4.0)
EVEN = Calibration(1.0, 0.0, 0.5, 100)
TRUSTED = replace(EVEN, severity=EVEN)
FEEDBACK = Path(sys.executable).with_name("feedback")


@pytest.fixture
def home(settings: Settings, models_folder: Path) -> Settings:
    """A home whose models are trained and whose language model has been judged."""
    shutil.copytree(models_folder, settings.models_folder)
    for stage, version in active_versions(settings.prompts).items():
        prompt = read_prompt(settings.prompts, stage, version)
        keep(settings.models_folder, "scripted", prompt.hash, TRUSTED)
    return settings


def plan(script: Any = RIGHT, **changes: Any) -> tuple[ModelPlan, ScriptedModel]:
    model = ScriptedModel(script)
    return ModelPlan(model, batch=model, prices=PRICES, **changes), model


def land_examples(land: Land, day: dt.date = DAY, prefix: str = "r") -> Partition:
    return land(
        "app_store",
        [review(f"{prefix}{n}", e["text"], score=None) for n, e in enumerate(HELD_OUT)],
        day=day,
    )


def run(
    settings: Settings, engine: SailEngine, partition: Partition, model_plan: ModelPlan | None,
    run_id: str = "one",
) -> tuple[Runtime, dict[str, StepReport]]:  # fmt: skip
    runtime = build_runtime(settings, run_id, engine, model_plan=model_plan)
    reports = {}
    for step in (BRONZE, SILVER, *STEPS):
        reports[step.name] = run_step(step, [partition], runtime)
        found = check_contract(
            step.writes, [partition], runtime.lakehouse, step.row_for_row, run_id
        )
        assert all(finding.passed for finding in found.values()), found
    return runtime, reports


def states(runtime: Runtime, table: str) -> dict[str, int]:
    told: dict[str, int] = {}
    for row in rows(runtime, table):
        made = row["provenance"]
        key = f"{made['tier']} {made['validation_state']}"
        told[key] = told.get(key, 0) + 1
    return told


def test_doubt_is_asked_once_and_never_again(
    home: Settings, engine: SailEngine, land: Land
) -> None:
    partition = land_examples(land)
    asked, model = plan()
    runtime, reports = run(home, engine, partition, asked)
    topics = states(runtime, "gold_topics")
    assert sum(topics.values()) == 60
    assert topics["language_model valid"] > 5
    assert topics["classifier valid"] > 5
    assert set(topics) <= {
        "classifier valid", "language_model valid", "classifier contested", "classifier suspect",
        # Critical by the language model's word alone: a person's.
        "language_model doubtful",
    }  # fmt: skip
    ledger = rows(runtime, "model_calls")
    assert {row["stage"] for row in ledger} >= {"translation", "sentiment", "topics", "root_cause"}
    assert {row["outcome"] for row in ledger} <= {"answered", "unfounded"}
    assert all(row["cost"] > 0 for row in ledger)
    assert any("asked" in note for note in reports["gold_topics"].notes)
    sent = len(model.requests)

    # Run again: nothing. The same words another day: nothing.
    run(home, engine, partition, asked, "two")
    other = land_examples(land, DAY + dt.timedelta(days=1), "later")
    run(home, engine, other, asked, "three")
    assert len(model.requests) == sent
    third = [r for r in rows(runtime, "gold_topics") if r["day"] == other.day]
    assert {r["provenance"]["tier"] for r in third} == {"classifier", "language_model"}
    english = [r["english"] for r in rows(runtime, "gold_feedback") if r["language"] != "en"]
    assert any(text and text.startswith("In English: ") for text in english)


def test_the_same_text_twice_is_one_question(
    home: Settings, engine: SailEngine, land: Land
) -> None:
    text = "Zwischen Tür und Angel: das Ding macht nicht, was es soll, und dann doch"
    partition = land(
        "app_store", [review(f"r{n}", text, score=None, userName=f"u{n}") for n in range(30)]
    )
    asked, model = plan()
    runtime, _ = run(home, engine, partition, asked)
    assert len(rows(runtime, "gold_topics")) == 30
    for request in model.requests:
        assert len(items_of(request)) == 1
    assert len({(stage_of(r), r.user) for r in model.requests}) == len(model.requests)


def test_a_model_that_fails_leaves_doubt_to_people(
    home: Settings, engine: SailEngine, land: Land
) -> None:
    partition = land_examples(land)
    asked, _ = plan(lambda _: trouble("refused"))
    runtime, _ = run(home, engine, partition, asked)
    topics = states(runtime, "gold_topics")
    assert sum(topics.values()) == 60
    assert topics["classifier refused"] > 5
    doubts = [row["doubts"] for row in rows(runtime, "gold_feedback")]
    assert sum("topics" in own for own in doubts) == 60 - topics["classifier valid"]
    assert set(topics) <= {"classifier valid", "classifier refused", "classifier suspect"}


def test_a_spending_cap_stops_a_run_and_says_so(
    home: Settings, engine: SailEngine, land: Land
) -> None:
    partition = land_examples(land)
    asked, _ = plan(cap=SpendingCap(run=0.006))
    runtime, reports = run(home, engine, partition, asked)
    assert any("spending cap of a run" in n for r in reports.values() for n in r.notes)
    assert sum(row["cost"] for row in rows(runtime, "model_calls")) <= 0.006
    assert len(rows(runtime, "gold_feedback")) == 60
    assert sum(states(runtime, "gold_recommendation").values()) == 60
    everything: dict[str, int] = {}
    for table in ("gold_sentiment", "gold_topics", "gold_root_cause", "gold_recommendation"):
        for key, count in states(runtime, table).items():
            everything[key] = everything.get(key, 0) + count
    assert any("unanswered" in key for key in everything)

    # With more to spend, the next run asks what is left.
    asked, _ = plan()
    runtime, _ = run(home, engine, partition, asked, "two")
    assert not any("unanswered" in key for key in states(runtime, "gold_topics"))


def test_batch_answers_come_back(home: Settings, engine: SailEngine, land: Land) -> None:
    partition = land_examples(land)
    model = ScriptedModel(RIGHT, looks_before_end=1)
    asked = ModelPlan(model, batch=model, mode="batch", prices=PRICES)
    runtime, _ = run(home, engine, partition, asked)
    waiting = states(runtime, "gold_topics")
    assert waiting["classifier awaiting_batch"] > 3
    # What is urgent did not wait.
    urgent = [r for r in rows(runtime, "gold_topics") if r["severity"] in ("high", "critical")]
    assert not [r for r in urgent if r["provenance"]["validation_state"] == "awaiting_batch"]

    sent = len(model.requests)
    run(home, engine, partition, asked, "two")
    # Waiting items are not handed over twice; later stages may ask on better labels.
    topics = [r for r in model.requests[sent:] if stage_of(r) == "topics"]
    assert topics == []
    assert collect(asked, runtime.lakehouse, "c1").running > 0
    collected = collect(asked, runtime.lakehouse, "c2")
    assert (collected.running, collected.partitions) == (0, frozenset({partition}))
    assert collected.answered > 3
    run(home, engine, partition, asked, "three")
    assert "classifier awaiting_batch" not in states(runtime, "gold_topics")
    halved = [
        r for r in rows(runtime, "model_calls") if r["batch_id"] and r["outcome"] == "answered"
    ]
    whole = PRICES.input * halved[0]["input_tokens"] + PRICES.output * halved[0]["output_tokens"]
    assert halved[0]["cost"] == pytest.approx(whole / 1e6 / 2)


def test_what_is_late_goes_to_direct_calls(home: Settings, engine: SailEngine, land: Land) -> None:
    partition = land_examples(land)
    model = ScriptedModel(RIGHT, looks_before_end=10_000)
    slow = ModelPlan(model, batch=model, mode="batch", prices=PRICES)
    runtime, _ = run(home, engine, partition, slow)
    assert states(runtime, "gold_topics")["classifier awaiting_batch"] > 3
    impatient = replace(slow, ladder=Ladder(direct_after=0.0, people_after=60))
    collected = collect(impatient, runtime.lakehouse, "c1")
    assert (collected.running, collected.answered) == (0, 0)
    run(home, engine, partition, impatient, "two")
    told = states(runtime, "gold_topics")
    assert "classifier awaiting_batch" not in told
    assert told["language_model valid"] > 3


def test_near_the_promise_an_item_is_a_persons(
    home: Settings, engine: SailEngine, land: Land
) -> None:
    partition = land_examples(land)
    asked, _ = plan(lambda _: trouble("server_error"))
    run(home, engine, partition, asked)
    late, model = plan(ladder=Ladder(direct_after=0.0, people_after=0.0))
    runtime, _ = run(home, engine, partition, late, "two")
    sentiment = [r for r in rows(runtime, "model_calls") if r["stage"] == "sentiment"]
    first_sent = {r["input_hash"] for r in sentiment if r["run_id"] == "one"}
    again = {r["input_hash"] for r in sentiment if r["run_id"] == "two"}
    assert first_sent
    assert not first_sent & again
    assert any("unanswered" in state for state in states(runtime, "gold_sentiment"))
    assert model.requests


def test_without_a_language_model_doubt_goes_to_people(
    home: Settings, engine: SailEngine, land: Land
) -> None:
    runtime, _ = run(home, engine, land_examples(land), None)
    assert set(states(runtime, "gold_topics")) - {"classifier suspect"} == {
        "classifier valid", "classifier doubtful"
    }  # fmt: skip
    assert rows(runtime, "gold_feedback")
    assert not runtime.lakehouse.exists("model_calls")


@pytest.fixture
def service(home: Settings) -> Iterator[LlmServer]:
    """A service on loopback that answers with the golden labels."""
    with LlmServer(over_http(RIGHT), latency=0.05) as server:
        for stage, version in active_versions(home.prompts).items():
            prompt = read_prompt(home.prompts, stage, version)
            keep(home.models_folder, "gpt", prompt.hash, TRUSTED)
        yield server


def environment(home: Settings, service: LlmServer, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "FEEDBACK_HOME": str(home.home),
        "FEEDBACK_LLM_SERVICE": "openai",
        "FEEDBACK_LLM_ENDPOINT": f"{service.address}/v1",
        "FEEDBACK_LLM_MODEL": "gpt",
        "FEEDBACK_LLM_KEY": API_KEY,
        **more,
    }


def items_received(service: LlmServer) -> list[tuple[str, str]]:
    """Every item that reached the service: the stage's schema, and the item as sent."""
    received = []
    for each in service.received:
        # Of the request that was under way when its sender was killed.
        if each.body is None:
            continue
        user = each.body["messages"][1]["content"]
        name = each.body["response_format"]["json_schema"]["name"]
        for item in json.loads(user[user.index('{"items"') :])["items"]:
            item.pop("item")
            received.append((name, json.dumps(item, sort_keys=True)))
    return received


@pytest.mark.slow(reason="three whole runs in processes of their own")
def test_a_killed_run_repeats_no_more_than_a_chunk(
    home: Settings, land: Land, service: LlmServer, small_golden_set: Path
) -> None:
    land_examples(land)
    chunk = 8
    settings = environment(
        home, service, FEEDBACK_LLM_UNCOMMITTED=str(chunk), FEEDBACK_LLM_ITEMS_PER_REQUEST="2",
        FEEDBACK_GOLDEN_SET=str(small_golden_set),
    )  # fmt: skip
    command = [str(FEEDBACK), "run", "--landing", home.landing_root]
    with subprocess.Popen(command, env=settings, stdout=subprocess.DEVNULL) as process:
        while len(service.received) < 12:
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    before = len(items_received(service))
    again = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=150)
    assert again.returncode == 0, again.stderr
    received = items_received(service)
    assert len(received) > before
    repeated = len(received) - len(set(received))
    assert repeated <= chunk
    ledger = DeltaLakehouse(home.lakehouse_root).scan("model_calls").read_all()
    assert len(ledger) >= len(set(received))


SECRETS = ("4111 1111 1111 1111", "mara.lindqvist@example.org", "+49 30 1234567")


def test_nothing_secret_leaves_the_text_it_stands_in(
    home: Settings, engine: SailEngine, land: Land, service: LlmServer,
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """No key and no unmasked text in requests, ledger, notes, logs or output, even in trouble."""
    caplog.set_level(logging.DEBUG)
    texts = [
        f"Well, {secret} was what it wanted, or did it, in {n}" for n, secret in enumerate(SECRETS)
    ]
    partition = land("app_store", [review(f"r{n}", text) for n, text in enumerate(texts)])
    echo = f"bad input: {' '.join(SECRETS)} with key {API_KEY}"
    service.troubles.extend([failure(500, message=echo), failure(400, message=echo)] * 3)
    asked = build_model_plan(
        Settings(
            home=home.home, llm_service="openai", llm_endpoint=f"{service.address}/v1",
            llm_model="gpt", llm_key=API_KEY, llm_attempts=2,
        )
    )  # fmt: skip
    assert asked is not None
    with closing(asked):
        runtime, reports = run(home, engine, partition, asked)
    assert rows(runtime, "model_calls")
    told = [str(row) for row in rows(runtime, "model_calls")]
    told += [str(row) for row in rows(runtime, "stage_metrics")]
    told += [note for report in reports.values() for note in report.notes]
    told += [str(record.__dict__) for record in caplog.records]
    told += [str(each.body) for each in service.received]
    told += list(capfd.readouterr())
    told += [repr(asked), repr(runtime), repr(runtime.model_plan)]
    for text in told:
        for secret in (*SECRETS, API_KEY):
            assert secret not in text
