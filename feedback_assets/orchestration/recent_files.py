"""The landing files that may hold something urgent: those of the last days.

Belongs here: which files the fast lane's sensor looks at, and where it learns of them. Does not
belong here: comparing two looks (arrivals.py), starting runs (urgent_sensor.py), and whoever
fills the table of arrivals (fast_lane/auto_loader.py).
"""

from __future__ import annotations

import datetime as dt

from feedback_assets.contracts.ledgers import LANDING_ARRIVALS
from feedback_assets.contracts.partitions import SOURCES
from resources.lakehouse.base import Lakehouse
from resources.landing.opening import open_landing
from resources.landing.zone import LandingFile
from resources.settings import Settings

DAYS = 2
"""Today and yesterday (UTC): what is received now lands there, also around midnight. A file that
is put into an older day's folder waits for the batch."""


def recent_files(settings: Settings, lakehouse: Lakehouse, today: dt.date) -> list[LandingFile]:
    """Files of the last `DAYS` days, from where the settings say that arrivals are told."""
    days = [today - dt.timedelta(days=n) for n in range(DAYS)]
    if settings.arrivals == "table":
        return _told(lakehouse, days)
    zone = open_landing(settings)
    return [file for day in days for source in SOURCES for file in zone.files(source, day)]


def _told(lakehouse: Lakehouse, days: list[dt.date]) -> list[LandingFile]:
    """The latest row of each file in the table of arrivals."""
    if not lakehouse.exists(LANDING_ARRIVALS.name):
        return []
    where = "day IN ({})".format(", ".join(f"'{day.isoformat()}'" for day in days))
    latest: dict[str, LandingFile] = {}
    for row in lakehouse.scan(LANDING_ARRIVALS.name, predicate=where).read_all().to_pylist():
        known = latest.get(row["path"])
        if known is None or known.modified <= row["modified"]:
            latest[row["path"]] = LandingFile(
                row["path"], row["source"], row["day"], row["size"], row["modified"]
            )
    return [latest[path] for path in sorted(latest)]
