"""The switch that keeps tests from talking to a real model.

Belongs here: the switch and its check. Does not belong here: who turns it (tests do).

The switch is one for the process, not for the task or thread, so that work handed to a thread
stays under it. Other processes have their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

from resources.llm.base import ModelRequestForbidden

_forbidden = False


@contextmanager
def forbid_model_requests() -> Iterator[None]:
    """While this lasts, requests may only go to this machine's loopback addresses."""
    with _switched(True):
        yield


@contextmanager
def allow_model_requests() -> Iterator[None]:
    """Lift `forbid_model_requests` while this lasts."""
    with _switched(False):
        yield


def check_request_allowed(host: str) -> None:
    """Raise `ModelRequestForbidden` when requests are forbidden and `host` is not loopback."""
    if _forbidden and not _is_loopback(host):
        raise ModelRequestForbidden(
            f"a request to {host} was stopped: model requests are forbidden here. "
            "Use ScriptedModel or a loopback server, or allow_model_requests()."
        )


@contextmanager
def _switched(forbidden: bool) -> Iterator[None]:
    global _forbidden
    before, _forbidden = _forbidden, forbidden
    try:
        yield
    finally:
        _forbidden = before


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
