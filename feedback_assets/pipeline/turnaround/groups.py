"""Items in groups of the same times and the same state, asked in SQL that every engine answers.

Belongs here: what each table says of an item's way, and the one statement that says it of all.
Does not belong here: who runs the statement (Spark in the quality room, Polars in the audit
room), and what follows from the times (hours.py).

How each kind of item is treated:

- Receipt is the earliest delivery of the feedback_id. A file's time in the future, from a wrong
  clock, counts as the time the row was made.
- Validated: in the state of the latest decision on record, else of ``validated_feedback``.
- ``duplicate``: a resubmission; counted with the item it repeats, and settled.
- ``quarantined``: kept out after Silver; settled.
- ``clean``: in Silver and nowhere after it; waits to be validated.
- ``landed``: in Bronze and not in Silver. It waits while Silver has not run since; after that it
  was quarantined or a redelivery, and is settled.
- ``unread``: a landing file that Bronze has not read since it was written, counted as one item.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import polars as pl
import pyarrow as pa

from feedback_assets.contracts.columns import BOOLEAN, DATE, INTEGER, STRING, TIMESTAMP
from resources.landing.zone import LandingFile

READS: dict[str, tuple[str, ...]] = {
    "bronze_feedback": ("day", "source", "feedback_id", "received_at", "ingested_at"),
    "silver_feedback": ("day", "feedback_id", "duplicate_of"),
    "validated_feedback": ("day", "feedback_id", "validation_state", "open_ticket", "cluster_id"),
    "review_decisions": ("feedback_id", "decision", "decided_at"),
    "ticket_items": ("feedback_id", "added_at"),
    "quarantine": ("table", "origin"),
}
"""Columns the statement reads, by table; each is a view of the table's name."""

GROUPS = pa.schema(
    [
        ("day", DATE),
        ("source", STRING),
        ("received_at", TIMESTAMP),
        ("ingested_at", TIMESTAMP),
        ("state", STRING),
        ("belongs_in_ticket", BOOLEAN),
        ("decided_at", TIMESTAMP),
        ("ticketed_at", TIMESTAMP),
        ("items", INTEGER),
    ]
)
"""A row a group. Times but `ingested_at` are cut to the minute, so that groups stay few."""

STATEMENT = """
WITH arrived AS (
  SELECT feedback_id, source, MIN(day) AS day, MIN(ingested_at) AS ingested_at,
         MIN(LEAST(received_at, ingested_at)) AS received_at
  FROM bronze_feedback
  GROUP BY feedback_id, source
),
spoken AS (
  SELECT feedback_id, MIN(decided_at) AS first_at, MAX(decided_at) AS last_at
  FROM review_decisions
  GROUP BY feedback_id
),
decided AS (
  SELECT spoken.feedback_id, spoken.first_at,
         CASE latest.decision WHEN 'approve' THEN 'approved'
                              WHEN 'edit' THEN 'edited'
                              ELSE 'rejected' END AS state
  FROM spoken
  JOIN review_decisions AS latest
    ON spoken.feedback_id = latest.feedback_id AND spoken.last_at = latest.decided_at
),
linked AS (
  SELECT feedback_id, MIN(added_at) AS added_at FROM ticket_items GROUP BY feedback_id
),
held AS (
  SELECT DISTINCT origin AS feedback_id
  FROM quarantine
  WHERE `table` NOT IN ('bronze_feedback', 'silver_feedback')
),
items AS (
  SELECT COALESCE(v.day, s.day, a.day) AS day, a.source AS source,
         DATE_TRUNC('minute', a.received_at) AS received_at, a.ingested_at AS ingested_at,
         CASE WHEN v.feedback_id IS NOT NULL THEN COALESCE(d.state, v.validation_state)
              WHEN h.feedback_id IS NOT NULL THEN 'quarantined'
              WHEN s.duplicate_of IS NOT NULL THEN 'duplicate'
              WHEN s.feedback_id IS NOT NULL THEN 'clean'
              ELSE 'landed' END AS state,
         COALESCE(v.open_ticket AND v.cluster_id IS NOT NULL, FALSE) AS belongs_in_ticket,
         DATE_TRUNC('minute', d.first_at) AS decided_at,
         DATE_TRUNC('minute', t.added_at) AS ticketed_at
  FROM arrived AS a
  LEFT JOIN silver_feedback AS s ON a.feedback_id = s.feedback_id
  LEFT JOIN validated_feedback AS v ON a.feedback_id = v.feedback_id
  LEFT JOIN decided AS d ON a.feedback_id = d.feedback_id
  LEFT JOIN linked AS t ON a.feedback_id = t.feedback_id
  LEFT JOIN held AS h ON a.feedback_id = h.feedback_id
)
SELECT day, source, received_at, ingested_at, state, belongs_in_ticket, decided_at, ticketed_at,
       COUNT(*) AS items
FROM items
GROUP BY day, source, received_at, ingested_at, state, belongs_in_ticket, decided_at, ticketed_at
"""


def empty_groups() -> pl.DataFrame:
    """No groups, in their columns."""
    return as_frame(GROUPS.empty_table())


def as_frame(groups: pa.Table) -> pl.DataFrame:
    """An engine's answer to `STATEMENT`, in the columns and types of `GROUPS`."""
    frame = pl.from_arrow(groups.select(GROUPS.names).cast(GROUPS))
    assert isinstance(frame, pl.DataFrame)
    return frame


def unread(files: Iterable[LandingFile], runs: pl.DataFrame, now: dt.datetime) -> pl.DataFrame:
    """A group for each of `files` that no run of Bronze on its partition came after.

    `runs` as in ledger.py. A file whose time lies in the future counts as read once Bronze ran
    on its partition at all: by its time alone it would stay unread.
    """
    bronze = runs.filter(pl.col("stage") == "bronze_feedback")
    last = {
        (day, source): at
        for day, source, at in bronze.group_by("day", "source")
        .agg(pl.col("recorded_at").max())
        .iter_rows()
    }
    rows = []
    for file in files:
        read = last.get((file.day, file.source))
        if read is None or read < file.modified <= now:
            group = dict.fromkeys(GROUPS.names) | {"day": file.day, "source": file.source}
            group |= {"received_at": min(file.modified, now), "ingested_at": now, "items": 1}
            rows.append(group | {"state": "unread", "belongs_in_ticket": False})
    return as_frame(pa.Table.from_pylist(rows, schema=GROUPS))
