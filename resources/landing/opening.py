"""The landing zone that the settings describe.

Belongs here: from settings to a `LandingZone`. Does not belong here: listing and reading.
"""

from __future__ import annotations

from resources.landing.zone import LandingZone
from resources.settings import Settings
from resources.storage.options import read_options


def open_landing(settings: Settings) -> LandingZone:
    """The landing zone under the settings' root. Nothing is read yet.

    Raises `ValueError` for storage options that are no JSON object (without repeating them).
    """
    return LandingZone(settings.landing_root, read_options(settings.storage_options))
