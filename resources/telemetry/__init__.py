"""Telemetry as settings have it. OpenTelemetry is imported only where an endpoint is set."""

from __future__ import annotations

import functools

from resources.telemetry.base import NoTelemetry, Telemetry


@functools.cache
def open_telemetry(service: str, endpoint: str | None, headers: str | None) -> Telemetry:
    """Telemetry of this process to the collector at `endpoint`; to nobody without one.

    `headers` are ``name=value``, separated by commas. One sender serves the whole process, and
    what it holds is sent on when the process ends. Raises `ValueError` for an endpoint or
    headers that can't be read.
    """
    if not endpoint:
        return NoTelemetry()
    import atexit

    from resources.telemetry.collector import read_endpoint, read_headers
    from resources.telemetry.otlp import OtlpTelemetry

    telemetry = OtlpTelemetry(service, read_endpoint(endpoint), read_headers(headers or ""))
    atexit.register(telemetry.close)
    return telemetry
