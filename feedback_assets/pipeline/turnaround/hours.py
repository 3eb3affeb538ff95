"""From times to hours: how long each step of the way took, and how long items have waited.

Belongs here: arithmetic on groups of items and on the times of runs. Does not belong here:
reading them (groups.py, ledger.py) and telling anyone.

All times are UTC, so a change of clocks changes nothing; a clock that ran wrong never makes a
time or an age negative.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from feedback_assets.contracts.decisions import PASSING_STATES, VALIDATION_STATES
from feedback_assets.contracts.quality_rules import Deadline, Deadlines

RUNGS = ("insight", "decision", "ticket")
"""What an item comes to, in order."""
QUANTILES = {"p50": 0.5, "p90": 0.9}
PARTITION = ("day", "source")


def timed(groups: pl.DataFrame, runs: pl.DataFrame, now: dt.datetime) -> pl.DataFrame:
    """`groups` with hours from receipt, ages at `now`, and what is still lacking.

    `runs` has a row a run of a step on a partition (ledger.py). Added columns: `age`; `insight`,
    `decision` and `ticket` (hours, null where the item has not come so far or need not);
    `lacks_insight`, `lacks_decision` and `lacks_ticket`; and `ended` (hours until all that is due
    was there, null where something lacks or nothing is due).

    Insight is the first run of insights_daily at or after the row was made, so a partition that
    runs again moves nothing; the decision of an auto-approved item likewise, of
    validated_feedback. A person's decision is the first on record.
    """
    for stage, name in _FIRST_RUNS.items():
        groups = _with_first_run(groups, runs.filter(pl.col("stage") == stage), name)
    state = pl.col("state")
    waiting = state.is_in(["unread", "clean"]) | (
        (state == "landed") & pl.col("_cleaned_at").is_null()
    )
    validated = state.is_in(list(VALIDATION_STATES))
    undecided = waiting | (state == "pending")
    due = pl.col("belongs_in_ticket") & state.is_in(list(PASSING_STATES))
    by_rule = pl.when(state == "auto_approved").then(pl.col("_validated_at"))
    lacking = pl.any_horizontal(f"lacks_{rung}" for rung in RUNGS)
    return (
        groups.with_columns(
            age=_hours(pl.lit(now)),
            insight=pl.when(validated).then(_hours(pl.col("_counted_at"))),
            decision=pl.when(validated & ~undecided).then(
                _hours(pl.coalesce("decided_at", by_rule))
            ),
            ticket=pl.when(due).then(_hours(pl.col("ticketed_at"))),
        )
        .with_columns(
            lacks_insight=waiting | (validated & pl.col("insight").is_null()),
            lacks_decision=undecided,
            lacks_ticket=due & pl.col("ticket").is_null(),
        )
        .with_columns(ended=pl.when(~lacking).then(pl.max_horizontal(*RUNGS)))
        .drop(*_FIRST_RUNS.values())
    )


_FIRST_RUNS = {
    "silver_feedback": "_cleaned_at",
    "validated_feedback": "_validated_at",
    "insights_daily": "_counted_at",
}


def _with_first_run(groups: pl.DataFrame, runs: pl.DataFrame, name: str) -> pl.DataFrame:
    """`groups` with the time of the first of `runs` at or after the group's rows were made."""
    return groups.sort("ingested_at").join_asof(
        runs.select(*PARTITION, pl.col("recorded_at").alias(name)).sort(name),
        left_on="ingested_at",
        right_on=name,
        by=list(PARTITION),
        strategy="forward",
        coalesce=False,
        check_sortedness=False,
    )


def _hours(until: pl.Expr) -> pl.Expr:
    seconds = (until - pl.col("received_at")).dt.total_seconds()
    return (seconds / 3600).clip(lower_bound=0)


def figures(deadlines: Deadlines) -> list[pl.Expr]:
    """What is told of many `timed` items, of a partition or of all: aggregates by metric's name.

    ``<rung>_hours_p50``, ``_p90`` and ``_max`` are of items that came so far, null without any.
    ``undecided_hours_p50`` and ``_p90`` are ages of items without a decision; with those and the
    oldest of a kind, 0 means that nothing waits. ``late_<rung>`` and ``soon_<rung>`` count items
    that have not come so far and are past the deadline, or past its warning; ``soon_late`` counts
    those that are past a warning and no deadline. ``within_72h_share`` is of the items whose end
    is known: they ended, or are past the ticket's deadline (72 hours unless the rules say
    another) without having ended.
    """
    promise = deadlines.ticket.late
    in_time = _items(pl.col("ended") <= promise)
    past = _items((pl.col("ended") > promise) | (_lacks_any() & (pl.col("age") > promise)))
    late_any = pl.any_horizontal(late(rung, deadlines) for rung in RUNGS)
    soon_any = pl.any_horizontal(soon(rung, deadlines) for rung in RUNGS)
    undecided = pl.col("lacks_decision")
    return [
        *(
            _quantile(rung, pl.col(rung).is_not_null(), share).alias(f"{rung}_hours_{name}")
            for rung in RUNGS
            for name, share in QUANTILES.items()
        ),
        *(pl.col(rung).max().alias(f"{rung}_hours_max") for rung in RUNGS),
        *(
            _quantile("age", undecided, share).fill_null(0.0).alias(f"undecided_hours_{name}")
            for name, share in QUANTILES.items()
        ),
        *(_items(late(rung, deadlines)).alias(f"late_{rung}") for rung in RUNGS),
        *(_items(soon(rung, deadlines)).alias(f"soon_{rung}") for rung in RUNGS),
        _items(soon_any & ~late_any).alias("soon_late"),
        _items(undecided).alias("undecided"),
        _oldest("decision").alias("oldest_undecided_hours"),
        _oldest("insight").alias("oldest_without_insight_hours"),
        _oldest("ticket").alias("oldest_without_ticket_hours"),
        _items(pl.col("lacks_insight")).alias("without_insight"),
        _items(pl.col("lacks_ticket")).alias("without_ticket"),
        _items(_lacks_any()).alias("open"),
        in_time.alias("ended_in_time"),
        past.alias("past_72h"),
        pl.when(in_time + past > 0).then(in_time / (in_time + past)).alias("within_72h_share"),
    ]


def by_partition(items: pl.DataFrame, deadlines: Deadlines) -> pl.DataFrame:
    """A row of `figures` for each day and source of `timed` items, in order."""
    return items.group_by(*PARTITION).agg(figures(deadlines)).sort(*PARTITION)


def late(rung: str, deadlines: Deadlines) -> pl.Expr:
    """Whether a `timed` item has not come to `rung` and is past its deadline."""
    return pl.col(f"lacks_{rung}") & (pl.col("age") > deadline(rung, deadlines).late)


def soon(rung: str, deadlines: Deadlines) -> pl.Expr:
    """Whether a `timed` item has not come to `rung` and is past its warning, but not late."""
    past_warning = pl.col("age") > deadline(rung, deadlines).warn
    return pl.col(f"lacks_{rung}") & past_warning & ~late(rung, deadlines)


def deadline(rung: str, deadlines: Deadlines) -> Deadline:
    """The deadline of `rung`."""
    return {
        "insight": deadlines.insight,
        "decision": deadlines.decision,
        "ticket": deadlines.ticket,
    }[rung]


def _items(which: pl.Expr) -> pl.Expr:
    return pl.col("items").filter(which).sum()


def _lacks_any() -> pl.Expr:
    return pl.any_horizontal(f"lacks_{rung}" for rung in RUNGS)


def _oldest(rung: str) -> pl.Expr:
    return pl.col("age").filter(pl.col(f"lacks_{rung}")).max().fill_null(0.0)


def _quantile(hours: str, which: pl.Expr, share: float) -> pl.Expr:
    """The least hours that at least `share` of the items keep to."""
    taken, items = pl.col(hours).filter(which), pl.col("items").filter(which)
    so_far = items.sort_by(taken).cum_sum()
    return taken.sort().filter(so_far >= share * items.sum()).first()
