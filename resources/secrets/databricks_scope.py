"""Secrets of a workspace's scope, be it Databricks' own or backed by a Key Vault.

Belongs here: reading them where a job runs. Does not belong here: what they are for.
"""

from __future__ import annotations

import base64

from databricks.sdk import WorkspaceClient

from resources.settings import SECRETS


def secrets_of(scope: str | None) -> dict[str, str]:
    """The secret settings that `scope` holds, by field; none without a scope.

    A key is a field's name with ``-`` for ``_``, as Key Vault wants it: ``secret-key``.
    Raises the client's error where the scope can't be listed or read.
    """
    if scope is None:
        return {}
    secrets = WorkspaceClient().secrets
    held = {found.key for found in secrets.list_secrets(scope)}
    wanted = {name: name.replace("_", "-") for name in SECRETS}
    return {
        name: base64.b64decode(secrets.get_secret(scope, key).value or "").decode()
        for name, key in wanted.items()
        if key in held
    }
