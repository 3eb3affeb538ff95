"""Telemetry through OpenTelemetry: OTLP over HTTP, in the background.

Belongs here: providers, ids, flushing at the end. Does not belong here: what is measured.

A collector that can't be reached costs nothing but what it was to be told: spans are sent by a
thread, the queue is bounded, and the end of the process waits `PATIENCE_SECONDS` at most.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Counter, Histogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Status, StatusCode

from resources.telemetry.base import NO_SPAN, Attribute, Span

TIMEOUT_SECONDS = 2.0
PATIENCE_SECONDS = 3.0
SPANS_EVERY_MILLISECONDS = 1_000
METRICS_EVERY_MILLISECONDS = 15_000

_LOG = logging.getLogger(__name__)
_trace_id: ContextVar[int] = ContextVar("trace_id")
Instrument = TypeVar("Instrument", Counter, Histogram)


def trace_id_of(run_id: str) -> int:
    """The 128-bit trace id of a run: the run's own UUID, or a hash of what is none."""
    try:
        return uuid.UUID(run_id).int or 1
    except ValueError:
        return int.from_bytes(hashlib.sha256(run_id.encode()).digest()[:16], "big") or 1


class OtlpTelemetry:
    """Spans and metrics for the collector at `endpoint`, a bare address."""

    def __init__(self, service: str, endpoint: str, headers: Mapping[str, str]) -> None:
        _say_troubles_once(endpoint)
        # Sums of processes that write at the same time must stay apart.
        instance = {"service.name": service, "service.instance.id": uuid.uuid4().hex}
        resource = Resource.create(instance)
        self._traces = TracerProvider(
            resource=resource, id_generator=_RunIds(), shutdown_on_exit=False
        )
        self._traces.add_span_processor(
            BatchSpanProcessor(
                OTLPSpanExporter(
                    f"{endpoint}/v1/traces", headers=dict(headers), timeout=TIMEOUT_SECONDS
                ),
                schedule_delay_millis=SPANS_EVERY_MILLISECONDS,
            )
        )
        exporter = OTLPMetricExporter(
            f"{endpoint}/v1/metrics", headers=dict(headers), timeout=TIMEOUT_SECONDS
        )
        self._metrics = MeterProvider(
            [PeriodicExportingMetricReader(exporter, METRICS_EVERY_MILLISECONDS)],
            resource,
            shutdown_on_exit=False,
        )
        self._tracer = self._traces.get_tracer(service)
        self._meter = self._metrics.get_meter(service)
        self._counters: dict[str, Counter] = {}
        self._histograms: dict[str, Histogram] = {}
        self._making = threading.Lock()
        self._closing = threading.Event()
        # Started now: an interpreter that is ending starts no threads.
        self._closer = threading.Thread(target=self._close, name="telemetry-end", daemon=True)
        self._closer.start()

    @contextmanager
    def span(self, name: str, run_id: str | None = None) -> Iterator[Span]:
        """A span of the run's trace, or below the span it is opened in."""
        if run_id is None:
            if not trace.get_current_span().get_span_context().is_valid:
                yield NO_SPAN
                return
            context = None
        else:
            _trace_id.set(trace_id_of(run_id))
            context = Context()
        # Messages of exceptions may quote a customer: the library would send them.
        with self._tracer.start_as_current_span(
            name, context, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield _OtlpSpan(span)
            except BaseException as error:
                kind = f"{type(error).__module__}.{type(error).__qualname__}"
                span.set_attribute("error.type", kind)
                span.set_status(Status(StatusCode.ERROR, kind))
                raise

    def count(
        self, name: str, amount: float, unit: str, attributes: Mapping[str, Attribute]
    ) -> None:
        """Add to a counter."""
        self._made(self._counters, name, unit, self._meter.create_counter).add(
            amount, dict(attributes)
        )

    def measure(
        self, name: str, value: float, unit: str, attributes: Mapping[str, Attribute]
    ) -> None:
        """Add a value to a histogram."""
        self._made(self._histograms, name, unit, self._meter.create_histogram).record(
            value, dict(attributes)
        )

    def close(self) -> None:
        """Send on what is held, for as long as `PATIENCE_SECONDS` allow."""
        self._closing.set()
        self._closer.join(PATIENCE_SECONDS)

    def _close(self) -> None:
        self._closing.wait()
        self._traces.shutdown()
        self._metrics.shutdown()

    def _made(
        self,
        instruments: dict[str, Instrument],
        name: str,
        unit: str,
        make: Callable[[str, str], Instrument],
    ) -> Instrument:
        with self._making:
            if name not in instruments:
                instruments[name] = make(name, unit)
            return instruments[name]


class _OtlpSpan:
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def set(self, attributes: Mapping[str, Attribute]) -> None:
        self._span.set_attributes(dict(attributes))


class _RunIds(IdGenerator):
    """Trace ids of runs. Span ids are the system's randomness: training seeds Python's."""

    def generate_trace_id(self) -> int:
        return _trace_id.get()

    def generate_span_id(self) -> int:
        return secrets.randbits(64) or 1


class _TroubleSaidOnce(logging.Handler):
    """Says the first trouble in one line, and drops the rest with its stack traces."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(logging.WARNING)
        self._endpoint = endpoint
        self._said = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self._said:
            self._said = True
            _LOG.warning(
                "telemetry does not reach %s, the work goes on without it (said once): %s",
                self._endpoint, record.getMessage()[:200],
            )  # fmt: skip


def _say_troubles_once(endpoint: str) -> None:
    library = logging.getLogger("opentelemetry")
    library.propagate = False
    others = [h for h in library.handlers if not isinstance(h, _TroubleSaidOnce)]
    library.handlers = [*others, _TroubleSaidOnce(endpoint)]
