"""OpenTelemetry's own exporter against a collector on loopback, alive and dead."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.llm.background import BackgroundLoop
from resources.llm.base import ModelRequest
from resources.llm.scripted import ScriptedModel, trouble
from resources.telemetry.asking import WatchedModel
from resources.telemetry.collector import read_endpoint, read_headers
from resources.telemetry.otlp import PATIENCE_SECONDS, OtlpTelemetry, trace_id_of
from tests.http_receiver import HttpReceiver, Response
from tests.resources.llm.questions import Mood, question
from tests.resources.telemetry.spans import spans, sums

RUN = "0c2f6c1e-5f0b-4c39-9d0e-3a1f7c5e9b21"


@pytest.fixture
def collector() -> Iterator[HttpReceiver]:
    with HttpReceiver() as receiver:
        yield receiver


def open_to(collector: HttpReceiver) -> OtlpTelemetry:
    return OtlpTelemetry("feedback", collector.address, {"authorization": "Bearer t0p"})


def dead_address() -> str:
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_a_runs_trace_is_its_id(collector: HttpReceiver) -> None:
    telemetry = open_to(collector)
    with telemetry.span("bronze", RUN) as span:
        span.set({"rows": 3, "keys": ["a", "b"], "share": 0.5, "whole": True})
    with telemetry.span("silver", RUN):
        pass
    with telemetry.span("bronze", "evaluate-1"):
        pass
    telemetry.close()
    first, second, other = spans(collector)
    assert first.name == "bronze"
    assert first.trace_id == second.trace_id == uuid.UUID(RUN).hex
    assert other.trace_id == f"{trace_id_of('evaluate-1'):032x}" != first.trace_id
    assert first.parent_id == second.parent_id == ""
    assert len({first.span_id, second.span_id, other.span_id}) == 3
    assert first.attributes == {"rows": 3, "keys": ["a", "b"], "share": 0.5, "whole": True}
    assert first.status != 2


def test_the_collector_is_told_the_headers(collector: HttpReceiver) -> None:
    telemetry = open_to(collector)
    with telemetry.span("bronze", RUN):
        telemetry.count("rows", 1, "{row}", {"step": "bronze", "outcome": "in"})
    telemetry.close()
    assert {received.path for received in collector.received} == {"/v1/traces", "/v1/metrics"}
    assert {r.headers["authorization"] for r in collector.received} == {"Bearer t0p"}


def test_span_ids_differ_though_the_same_seed_is_set(collector: HttpReceiver) -> None:
    telemetry = open_to(collector)
    for _ in range(2):
        random.seed(7)
        with telemetry.span("bronze", RUN):
            pass
    telemetry.close()
    assert len({span.span_id for span in spans(collector)}) == 2


def test_an_error_is_its_type_and_not_its_words(collector: HttpReceiver) -> None:
    telemetry = open_to(collector)
    with pytest.raises(KeyError), telemetry.span("bronze", RUN):
        raise KeyError("my parcel never came")
    telemetry.close()
    (span,) = spans(collector)
    assert (span.status, span.message, span.events) == (2, "builtins.KeyError", 0)
    assert span.attributes == {"error.type": "builtins.KeyError"}
    assert b"parcel" not in b"".join(received.body for received in collector.received)


def test_a_span_without_a_run_is_a_part_of_the_one_it_is_in(collector: HttpReceiver) -> None:
    telemetry = open_to(collector)
    with telemetry.span("nowhere"):
        pass
    with telemetry.span("topics", RUN), telemetry.span("ask"):
        pass
    telemetry.close()
    ask, topics = spans(collector)
    assert (ask.name, ask.trace_id, ask.parent_id) == ("ask", topics.trace_id, topics.span_id)


def test_numbers_add_up(collector: HttpReceiver) -> None:
    telemetry = open_to(collector)
    for rows in (2, 3):
        told = {"step": "bronze", "outcome": "in"}
        telemetry.count("feedback.step.rows", rows, "{row}", told)
        telemetry.measure("feedback.step.duration", 0.5, "s", {"step": "bronze"})
    telemetry.close()
    assert sums(collector) == {
        ("feedback.step.rows", "bronze", "in"): 5,
        ("feedback.step.duration", "bronze", "count"): 2,
    }


async def _ask(model: WatchedModel, request: ModelRequest) -> None:
    await model.ask(request)


def test_each_request_to_the_model_is_a_part_of_the_step(collector: HttpReceiver) -> None:
    telemetry = open_to(collector)
    scripted = ScriptedModel([trouble("timeout", "slow"), Mood(mood="negative")])
    model, loop = WatchedModel(scripted, telemetry), BackgroundLoop()
    with telemetry.span("topics", RUN):
        loop.run(_ask(model, question("charged me twice, never again")))
    telemetry.close()
    ask, step = spans(collector)
    assert (ask.trace_id, ask.parent_id) == (step.trace_id, step.span_id)
    assert ask.attributes["feedback.outcome"] == "answered"
    assert ask.attributes["feedback.attempts"] == 2
    assert ask.attributes["gen_ai.request.model"] == model.name == "scripted"
    assert b"charged" not in b"".join(received.body for received in collector.received)


WORKER = """
import sys, time
from resources.telemetry import open_telemetry
telemetry = open_telemetry("feedback", sys.argv[1], "authorization=t0p")
started = time.monotonic()
for _ in range(2000):
    with telemetry.span("bronze", "run"):
        telemetry.count("rows", 1, "{row}", {"step": "bronze", "outcome": "in"})
print(time.monotonic() - started)
"""
# The exporter's HTTP library leaves it to the garbage collector to close its sockets.
STRICT = ["-W", "error", "-W", "ignore::ResourceWarning"]


def test_a_collector_in_trouble_costs_a_line_and_a_moment_at_the_end() -> None:
    with (
        HttpReceiver() as well,
        HttpReceiver(usual=Response(delay=60)) as silent,
        HttpReceiver(usual=Response(status=401)) as refusing,
    ):
        addresses = [well.address, dead_address(), silent.address, refusing.address]
        started = time.monotonic()
        # All at once: each but the first waits as long as patience lasts.
        workers = [
            subprocess.Popen(
                [sys.executable, *STRICT, "-c", WORKER, address],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for address in addresses
        ]  # fmt: skip
        ended = [worker.communicate() for worker in workers]
        whole = time.monotonic() - started
    assert [worker.returncode for worker in workers] == [0] * 4
    assert whole < PATIENCE_SECONDS + 15, "nobody waits for what is silent"
    assert ended[0][1] == ""
    assert len(spans(well)) == sums(well)["rows", "bronze", "in"] == 2000
    for address, (working, said) in zip(addresses[1:], ended[1:], strict=True):
        assert float(working) < 2
        assert said.count("\n") == 1, said
        assert address in said
        assert ("401" in said) is (address == refusing.address)
        assert "t0p" not in said


@pytest.mark.parametrize(
    "endpoint", ["collector:4318", "ftp://collector", "https://u:secret@host", "https://h/?secret"]
)
def test_an_endpoint_that_cannot_be_is_refused_without_repeating_it(endpoint: str) -> None:
    with pytest.raises(ValueError, match="FEEDBACK_OTLP_ENDPOINT") as told:
        read_endpoint(endpoint)
    assert "secret" not in str(told.value)


def test_headers_are_read_as_opentelemetry_spells_them() -> None:
    told = "Authorization=Bearer%20a=b, x-tenant = shop ,"
    assert read_headers(told) == {"authorization": "Bearer a=b", "x-tenant": "shop"}
    assert read_headers("") == {}
    for bad in ("a=b,secret", "=secret", "a=secret%0Ax: y"):
        with pytest.raises(ValueError, match="FEEDBACK_OTLP_HEADERS: entry") as refused:
            read_headers(bad)
        assert "secret" not in str(refused.value)


def test_without_an_endpoint_the_library_is_not_even_imported(tmp_path: Path) -> None:
    look = (
        "import sys; from pathlib import Path; from resources.settings import Settings; "
        "from feedback_assets.pipeline.runtime import build_runtime; "
        f"build_runtime(Settings(home=Path({str(tmp_path)!r})), 'r'); "
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", look], env={}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
