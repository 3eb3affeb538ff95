"""The landing zone that settings describe.

Belongs here: choosing it. Does not belong here: listing and opening files.
"""

from __future__ import annotations

from resources.landing.zone import LandingZone
from resources.settings import Settings


def open_landing(settings: Settings) -> LandingZone:
    """The landing zone at the set root."""
    return LandingZone(settings.landing_root)
