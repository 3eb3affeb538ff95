"""The workspace's client, signed in as Databricks' unified authentication finds it.

Belongs here: opening a client that gives up in time. Does not belong here: what is asked of it.
"""

from __future__ import annotations

from databricks.sdk import WorkspaceClient
from databricks.sdk.config import Config


class NoWorkspace(RuntimeError):
    """No workspace can be signed in to: what is missing, and what to set."""


def connect(request_seconds: float = 30, retry_seconds: int = 60) -> WorkspaceClient:
    """A client for the workspace that ``DATABRICKS_HOST`` or a profile names.

    A request is given up after `request_seconds`, and repeating it after `retry_seconds`.
    Raises `NoWorkspace` where there are no credentials.
    """
    try:
        return WorkspaceClient(
            config=Config(http_timeout_seconds=request_seconds, retry_timeout_seconds=retry_seconds)
        )
    except ValueError as error:
        raise NoWorkspace(
            f"can't sign in to a workspace: {error}. Set DATABRICKS_HOST with DATABRICKS_CLIENT_ID "
            "and DATABRICKS_CLIENT_SECRET (a service principal) or DATABRICKS_TOKEN, or "
            "DATABRICKS_CONFIG_PROFILE"
        ) from error
