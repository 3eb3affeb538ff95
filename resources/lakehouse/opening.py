"""The lakehouse that the settings describe.

Belongs here: from settings to a `DeltaLakehouse`. Does not belong here: how it commits (delta.py).
"""

from __future__ import annotations

from resources.lakehouse.delta import DeltaLakehouse
from resources.settings import Settings
from resources.storage.options import read_options


def open_lakehouse(settings: Settings) -> DeltaLakehouse:
    """The tables under the settings' root. Nothing is read or written yet.

    Raises `ValueError` for a root that can't hold tables safely, and for storage options that
    are no JSON object (without repeating them).
    """
    return DeltaLakehouse(settings.lakehouse_root, read_options(settings.storage_options))
