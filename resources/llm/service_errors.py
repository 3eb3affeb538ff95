"""What an error of an OpenAI-compatible service means, told without repeating what it says.

Belongs here: status and error body → outcome and advice. Does not belong here: catching it.

A service's error message may quote the question, the answer or the key, so only the status and
the machine-readable fields `code`, `type` and `param` are kept, and of these only names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from resources.llm.base import Outcome

_NAME = re.compile(r"(?:[A-Za-z_.]|\[\d{1,3}\]){1,64}|\d{1,6}")
_FILTER_CODES = {"content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"}
_ADVICE = {
    401: "the service refuses the credentials; check FEEDBACK_LLM_KEY or the Entra ID sign-in",
    403: (
        "the identity may not use this model; on Azure it needs the role Cognitive Services "
        "OpenAI User and a network that the resource lets in"
    ),
    404: (
        "no such model, batch or address; check FEEDBACK_LLM_MODEL (on Azure the deployment's "
        "name), FEEDBACK_LLM_ENDPOINT and FEEDBACK_LLM_API_VERSION"
    ),
    413: "the request is too large for the service; ask about fewer items at once",
}


def outcome_of(status: int, body: object) -> tuple[Outcome, str]:
    """How an answer with an error status ended, and an error text with advice.

    `body` is the response's JSON, or the ``error`` object in it; anything else counts as empty.
    """
    error = _error_of(body)
    inner = error.get("innererror")
    codes = {str(error.get("code")), str(inner.get("code")) if isinstance(inner, Mapping) else ""}
    details = "; ".join(
        filter(None, (f"status {status}", named_fields(error, "code", "type", "param")))
    )
    if status == 400 and codes & _FILTER_CODES:
        return "filtered", f"the content filter stopped the question ({details})"
    if "insufficient_quota" in (error.get("code"), error.get("type")):
        return "rejected", f"the account's quota is used up; check its billing ({details})"
    if status == 429:
        return "rate_limited", f"over the service's rate limit ({details})"
    if status == 408:
        return "timeout", f"the service gave up waiting ({details})"
    if status == 409 or status >= 500:
        return "server_error", f"trouble inside the service ({details})"
    advice = _ADVICE.get(status, "the service does not accept this request")
    return "rejected", f"{advice} ({details})"


def named_fields(error: Mapping[str, object], *fields: str) -> str:
    """``code x, param y``: those of `fields` whose values are names or short numbers."""
    values = [(field, str(error.get(field))) for field in fields if error.get(field) is not None]
    return ", ".join(f"{field} {value}" for field, value in values if _NAME.fullmatch(value))


def _error_of(body: object) -> Mapping[str, object]:
    if not isinstance(body, Mapping):
        return {}
    inner = body.get("error", body)
    return inner if isinstance(inner, Mapping) else {}
