"""The columns by which every table knows an item.

Belongs here: day, source and id. Does not belong here: what one table adds to them.
"""

from __future__ import annotations

from feedback_assets.contracts.columns import DATE, STRING, Column
from feedback_assets.contracts.partitions import SOURCES

DAY = Column("day", DATE, "Day the item was received: its landing folder", nullable=False)
SOURCE = Column("source", STRING, "Kind of source", nullable=False, isin=SOURCES)
FEEDBACK_ID = Column(
    "feedback_id", STRING, "One revision of one item; the same for each redelivery", nullable=False
)
ITEM = (DAY, SOURCE, FEEDBACK_ID)
