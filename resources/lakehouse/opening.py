"""The lakehouse that settings describe.

Belongs here: choosing it, and its credentials. Does not belong here: how a commit is made safe.
"""

from __future__ import annotations

import orjson

from resources.lakehouse.delta import DeltaLakehouse
from resources.settings import Settings


def open_lakehouse(settings: Settings) -> DeltaLakehouse:
    """The tables at the set root, with the set credentials of its object store."""
    secret = settings.storage_options
    options = orjson.loads(secret.get_secret_value()) if secret else {}
    return DeltaLakehouse(settings.lakehouse_root, options)
