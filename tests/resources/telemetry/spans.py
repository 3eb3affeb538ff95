"""What a collector was sent, read from its protobuf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.http_receiver import HttpReceiver


@dataclass(frozen=True)
class SentSpan:
    """A span as it arrived; `status` is 2 for an error."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, Any]
    status: int
    message: str
    events: int
    seconds: float
    instance: str


def spans(collector: HttpReceiver) -> list[SentSpan]:
    """All spans, in the order they ended in."""
    return [
        SentSpan(
            span.name, span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(),
            _attributes(span.attributes), span.status.code, span.status.message, len(span.events),
            (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
            str(_attributes(resource.resource.attributes)["service.instance.id"]),
        )
        for received in collector.received
        if received.path.endswith("/v1/traces")
        for resource in ExportTraceServiceRequest.FromString(received.body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]  # fmt: skip


def sums(collector: HttpReceiver) -> dict[tuple[str, str, str], float]:
    """Counters by name, step and outcome; histograms by name, step and ``count``, as last sent."""
    found: dict[tuple[str, str, str], float] = {}
    for received in collector.received:
        if not received.path.endswith("/v1/metrics"):
            continue
        request = ExportMetricsServiceRequest.FromString(received.body)
        for metric in (
            m for r in request.resource_metrics for s in r.scope_metrics for m in s.metrics
        ):
            for point in metric.sum.data_points:
                told = _attributes(point.attributes)
                found[metric.name, told["step"], told["outcome"]] = point.as_double or point.as_int
            for point in metric.histogram.data_points:
                found[metric.name, _attributes(point.attributes)["step"], "count"] = point.count
    return found


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, kind)
