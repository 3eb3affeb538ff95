"""Opens the openai package's client, for Azure or any address that speaks its protocol.

Belongs here: addresses, credentials, transport. Does not belong here: what is sent.
"""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import urlsplit

from openai import AsyncAzureOpenAI, AsyncOpenAI, DefaultAsyncHttpxClient

from resources.llm.entra import EntraTokens
from resources.llm.requests_allowed import check_request_allowed

OPENAI_ENDPOINT = "https://api.openai.com/v1"
Service = Literal["azure", "openai"]


def open_client(
    *,
    model: str,
    service: Service,
    endpoint: str | None,
    api_key: str | None,
    entra: EntraTokens | None,
    api_version: str,
    timeout_seconds: float,
) -> AsyncOpenAI:
    """A client that sends each request once and only where the switch allows.

    Key, address and version never come from the environment; the package itself still reads
    OPENAI_ORG_ID, OPENAI_PROJECT_ID and OPENAI_CUSTOM_HEADERS there. Raises `ValueError` when
    the address or the credentials will not do.
    """
    address = endpoint or (OPENAI_ENDPOINT if service == "openai" else "")
    _check_address(address)
    if api_key and entra:
        raise ValueError("a model takes a key or Entra ID's tokens, not both")
    if not api_key and not entra and (service == "azure" or address == OPENAI_ENDPOINT):
        raise ValueError(f"no credentials for {address}: set FEEDBACK_LLM_KEY")
    # A redirect could carry the question and the key to an address nobody chose.
    transport = DefaultAsyncHttpxClient(
        timeout=timeout_seconds, follow_redirects=False, event_hooks={"request": [_check_allowed]}
    )
    if service == "azure":
        return AsyncAzureOpenAI(
            azure_endpoint=address,
            azure_deployment=model,
            api_version=api_version,
            api_key=api_key,
            azure_ad_token_provider=entra,
            timeout=timeout_seconds,
            max_retries=0,
            http_client=transport,
        )
    return AsyncOpenAI(
        base_url=address,
        # The package insists on a key, also where the service has none.
        api_key=entra or api_key or "none",
        timeout=timeout_seconds,
        max_retries=0,
        http_client=transport,
    )


def _check_address(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("FEEDBACK_LLM_ENDPOINT must be an address such as https://host")
    # Addresses are logged by the transport; a credential in one would be too.
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(
            "FEEDBACK_LLM_ENDPOINT must be a bare address, with no user, password or query; "
            "the key belongs in FEEDBACK_LLM_KEY"
        )


async def _check_allowed(request: Any) -> None:
    check_request_allowed(request.url.host)
