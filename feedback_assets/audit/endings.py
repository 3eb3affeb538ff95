"""Where an item's path ended, or stands, and why.

Belongs here: telling the ending from what is on record, and its words. Does not belong here: any
decision: each ending was decided by the step that the words name.
"""

from __future__ import annotations

from feedback_assets.audit.chain import ItemTrace
from feedback_assets.audit.links import (
    TICKET_STATE_WORDS,
    Ending,
    Joined,
    Routed,
    StepRun,
    Validation,
)
from feedback_assets.audit.reading import STAGES, same_native_id
from feedback_assets.audit.scanning import rows
from feedback_assets.contracts.columns import Table
from feedback_assets.contracts.decisions import PASSING_STATES
from feedback_assets.contracts.partitions import Partition, predicate
from feedback_assets.contracts.tables import (
    FEEDBACK_CLUSTERS,
    GOLD_FEEDBACK,
    SILVER_FEEDBACK,
    TABLES,
    TRIAGE,
    VALIDATED_FEEDBACK,
)
from resources.lakehouse.base import Lakehouse

AFTER_SILVER = (*STAGES, GOLD_FEEDBACK, FEEDBACK_CLUSTERS, TRIAGE, VALIDATED_FEEDBACK)


def ending(lakehouse: Lakehouse, item: ItemTrace) -> Ending:
    """The ending of `item`, whose own `ending` is not looked at."""
    if item.tickets:
        words = [_ticket_words(joined) for joined in item.tickets]
        if item.validation and item.validation.validation_state not in PASSING_STATES:
            words.append(f"the item itself is now {item.validation.validation_state}")
        return Ending("ticket", "; ".join(words))
    if item.validation is not None and item.triage is not None:
        return _after_review(item, item.validation, item.triage)
    order = list(TABLES)
    # What Silver holds got past it by another delivery, wherever one of them was held.
    stopped = [
        held
        for held in item.quarantined
        if item.said is None or order.index(held.table) > order.index(SILVER_FEEDBACK.name)
    ]
    if stopped:
        first = min(stopped, key=lambda held: order.index(held.table))
        return Ending("quarantined", f"kept out of {first.table}: {first.reason}")
    if item.said is None:
        return _before_silver(lakehouse, item)
    if item.said.duplicate_of:
        return Ending(
            "duplicate",
            f"the same customer said the same before, as {item.said.duplicate_of}; "
            "that one is worked on",
        )
    return _midway(lakehouse, item)


def _ticket_words(joined: Joined) -> str:
    if joined.ticket is None:
        return f"joined {joined.idempotency_key}, of which tickets holds no row"
    name = joined.ticket.ticket_key or joined.idempotency_key
    meaning = TICKET_STATE_WORDS.get(joined.ticket.state, joined.ticket.state)
    return f"in ticket {name} ({meaning})"


def _before_silver(lakehouse: Lakehouse, item: ItemTrace) -> Ending:
    ran = _last_run(item, SILVER_FEEDBACK)
    landed = max(delivery.ingested_at for delivery in item.deliveries)
    if ran is None or ran.recorded_at < landed:
        return Ending("in_progress", _yet_to_run(item, SILVER_FEEDBACK, ran))
    told = same_native_id(lakehouse, Partition(item.day, item.source), item.feedback_id)
    if told:
        return Ending(
            "redelivery",
            f"says what Silver holds already under the same id of the source: {', '.join(told)}",
        )
    return Ending(
        "unaccounted",
        f"silver_feedback ran after the item landed (run {ran.run_id}), yet neither it nor "
        "quarantine holds the item, nor Silver an earlier delivery; run the partition again and "
        "see the contract check of silver_feedback",
    )


def _midway(lakehouse: Lakehouse, item: ItemTrace) -> Ending:
    here = predicate([Partition(item.day, item.source)], feedback_id=item.feedback_id)
    missing = next(t for t in AFTER_SILVER if not rows(lakehouse, t, here, ["feedback_id"]))
    ran = _last_run(item, missing)
    before = _last_run(item, SILVER_FEEDBACK)
    if ran is None or (before is not None and ran.recorded_at < before.recorded_at):
        return Ending("in_progress", _yet_to_run(item, missing, ran))
    return Ending(
        "unaccounted",
        f"{missing.name} ran (run {ran.run_id}), yet neither it nor quarantine holds the item; "
        f"run the partition again and see the contract check of {missing.name}",
    )


def _after_review(item: ItemTrace, validation: Validation, routed: Routed) -> Ending:
    by = f" by {validation.reviewer}" if validation.reviewer else ""
    why = f": {validation.decision_reason}" if validation.decision_reason else ""
    if validation.validation_state == "rejected":
        return Ending("rejected", f"rejected{by}{why}")
    if validation.validation_state not in PASSING_STATES:
        then = "" if routed.open_ticket else "; once approved it is counted, without a ticket"
        return Ending("pending", f"waits in the {routed.lane} lane for a person's decision{then}")
    if not routed.open_ticket:
        rules = ", ".join(routed.rule_ids)
        return Ending(
            "counted",
            f"{routed.lane} lane, counted in trends; the rules ask for no ticket ({rules})",
        )
    if item.cluster is None or item.cluster.cluster_id is None:
        return Ending("counted", "belongs to no complaint, so there is nothing to open a ticket on")
    if not item.gate.open:
        return Ending("gate_closed", f"approved, but the gate is closed: {item.gate.reason}")
    return Ending(
        "approved", f"approved and the gate is open; the next run takes it up: {_command(item)}"
    )


def _yet_to_run(item: ItemTrace, table: Table, ran: StepRun | None) -> str:
    since = f"since {ran.recorded_at:%Y-%m-%d %H:%M} UTC" if ran else "on this day and source"
    return f"{table.name} has not run {since}; run {_command(item)}"


def _command(item: ItemTrace) -> str:
    return f"`feedback run --day {item.day} --source {item.source}`"


def _last_run(item: ItemTrace, table: Table) -> StepRun | None:
    return next((run for run in item.step_runs if run.stage == table.name), None)
