"""Signs in to Azure OpenAI with Entra ID: managed identity, workload identity or ``az login``.

Belongs here: getting and renewing the token. Does not belong here: any request with it.
azure-identity is imported when this is first used, and not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from resources.llm.requests_allowed import check_request_allowed

if TYPE_CHECKING:
    from azure.identity.aio import DefaultAzureCredential

_SCOPE = "https://cognitiveservices.azure.com/.default"


class SignInFailed(Exception):
    """No token could be had; the message says what to do."""


class EntraTokens:
    """A token for each request, kept until shortly before it expires."""

    def __init__(self) -> None:
        """Nothing is sent yet. Raises `ValueError` when azure-identity is not installed."""
        try:
            from azure.core.pipeline.transport import AsyncioRequestsTransport
            from azure.identity.aio import DefaultAzureCredential, get_bearer_token_provider
        except ImportError as error:
            raise ValueError(
                "signing in with Entra ID needs the package azure-identity; install it, or set "
                "FEEDBACK_LLM_KEY"
            ) from error
        # The default transport would need aiohttp; requests comes with azure-core.
        self._credential: DefaultAzureCredential = DefaultAzureCredential(
            transport=AsyncioRequestsTransport()
        )
        self._provider = get_bearer_token_provider(self._credential, _SCOPE)

    async def __call__(self) -> str:
        """A valid token. Raises `SignInFailed`."""
        from azure.core.exceptions import AzureError

        check_request_allowed("login.microsoftonline.com")
        try:
            return await self._provider()
        except AzureError as error:
            kind = type(error).__name__
        raise SignInFailed(
            f"Entra ID gave no token ({kind}); run `az login`, or give this machine a managed "
            "identity with the role Cognitive Services OpenAI User, or set FEEDBACK_LLM_KEY"
        )

    async def aclose(self) -> None:
        """Give back connections."""
        await self._credential.close()
